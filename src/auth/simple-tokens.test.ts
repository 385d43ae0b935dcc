import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newTokenLetters, SimpleTokens, simpleTokenEntry } from "./simple-tokens.ts";

/** Tokens that live for a minute, and their clock. */
function tokens(countMax = 100) {
  const clock = { nowMs: 0 };
  return { clock, table: new SimpleTokens(60_000, () => clock.nowMs, countMax) };
}

describe("SimpleTokens", () => {
  test("a token stands for its user, at the revision of now", () => {
    const { table } = tokens();
    table.assign("a.1", "alice");
    const info = table.use("a.1", 7);
    expect(info).toEqual({ username: "alice", revision: 7 });
    expect(table.use("a.1", 7)).toBe(info);
    expect(table.use("a.1", 8)).toEqual({ username: "alice", revision: 8 });
    expect(table.use("a.2", 7)).toBeUndefined();
  });

  test("a token that is used lives on, and one that is not ends after its time", () => {
    const { clock, table } = tokens();
    table.assign("used.1", "alice");
    table.assign("unused.2", "alice");
    for (let seconds = 0; seconds < 600; seconds += 30) {
      clock.nowMs = seconds * 1000;
      expect(table.use("used.1", 1)?.username).toBe("alice");
    }
    expect(table.use("unused.2", 1)).toBeUndefined();
    clock.nowMs += 60_001;
    expect(table.use("used.1", 1)).toBeUndefined();
    expect(table.size).toBe(0);
  });

  test("what has ended is forgotten without being asked for", () => {
    const { clock, table } = tokens();
    for (let at = 0; at < 50; at++) table.assign(`t.${at}`, `user${at % 3}`);
    clock.nowMs = 60_001;
    table.expire();
    expect(table.size).toBe(0);
  });

  test("a user loses all tokens at once, others none", () => {
    const { table } = tokens();
    table.assign("a.1", "alice");
    table.assign("a.2", "alice");
    table.assign("b.3", "bob");
    table.invalidateUser("alice");
    table.invalidateUser("nobody");
    expect([table.use("a.1", 1), table.use("a.2", 1)]).toEqual([undefined, undefined]);
    expect(table.use("b.3", 1)?.username).toBe("bob");
    table.invalidateAll();
    expect(table.use("b.3", 1)).toBeUndefined();
  });

  test("whoever asks for very many tokens takes room from nobody else", () => {
    const { table } = tokens(100);
    table.assign("b.0", "bob");
    for (let at = 1; at <= 1000; at++) table.assign(`a.${at}`, "alice");
    expect(table.size).toBe(100);
    expect(table.use("b.0", 1)?.username).toBe("bob");
    expect(table.use("a.1000", 1)?.username).toBe("alice");
    expect(table.use("a.901", 1)).toBeUndefined();
  });

  test("behaves as a list of tokens with the time of their last use", () => {
    const action = fc.record({
      kind: fc.constantFrom("assign", "use", "invalidate", "wait"),
      token: fc.integer({ min: 0, max: 8 }),
      user: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { clock, table } = tokens();
        const model = new Map<string, { user: string; usedMs: number }>();
        for (const { kind, token, user } of actions) {
          const text = `t.${token}`;
          const name = `user${user}`;
          if (kind === "wait") clock.nowMs += 13_000 * (token + 1);
          for (const [each, { usedMs }] of model) {
            if (clock.nowMs - usedMs > 60_000) model.delete(each);
          }
          if (kind === "assign") {
            table.assign(text, name);
            model.set(text, { user: name, usedMs: clock.nowMs });
          } else if (kind === "use") {
            const known = model.get(text);
            expect(table.use(text, 1)?.username).toBe(known?.user);
            if (known !== undefined) known.usedMs = clock.nowMs;
          } else if (kind === "invalidate") {
            table.invalidateUser(name);
            for (const [each, { user: own }] of model) if (own === name) model.delete(each);
          }
        }
        table.expire();
        expect(table.size).toBe(model.size);
      }),
    );
  });
});

test("newTokenLetters: sixteen letters, each chosen by chance", () => {
  let next = 0;
  const letters = newTokenLetters({ below: (bound) => next++ % bound, fill: () => undefined });
  expect(letters).toBe("abcdefghijklmnop");
  expect(newTokenLetters({ below: (bound) => bound - 1, fill: () => undefined })).toBe(
    "Z".repeat(16),
  );
});

test.each([
  ["abc.42", 43],
  ["abc.007", 8],
  [".5", 6],
  ["abc", undefined],
  ["abc.", undefined],
  ["a.b.4", undefined],
  ["abc.-1", undefined],
  ["abc.+1", undefined],
  ["abc.1e3", undefined],
  ["abc. 1", undefined],
  ["abc.99999999999999999999", undefined],
  ["", undefined],
])("simpleTokenEntry(%j) is %s", (token, entry) => {
  expect(simpleTokenEntry(token)).toBe(entry);
});
