/** Threads that hash passwords: beside everything else, and as Go's bcrypt has it. */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { createPasswordWorkers, createSecretDigest } from "../../src/platform/password-workers.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";

/** The built program: a thread runs no TypeScript. */
const SCRIPT = pathToFileURL(
  path.join(import.meta.dirname, "../../dist/platform/bcrypt-worker.js"),
);

describe("createPasswordWorkers", () => {
  const workers = createPasswordWorkers(SCRIPT, (reason) => expect.fail(reason.message));
  afterAll(() => workers.close());

  const hash = (password: string): Promise<Uint8Array> =>
    new Promise((resolve) => workers.hash(password, 4, resolve));
  const compare = (password: string, stored: Uint8Array): Promise<boolean> =>
    new Promise((resolve) => workers.compare(password, stored, resolve));

  test("a hash has etcd's form, another salt each time, and belongs to its password alone", async () => {
    const [one, two] = await Promise.all([hash("secret"), hash("secret")]);
    expect(utf8FromBytes(one)).toMatch(/^\$2a\$04\$[./A-Za-z0-9]{53}$/);
    expect(one).not.toEqual(two);
    expect(await compare("secret", one)).toBe(true);
    expect(await compare("Secret", one)).toBe(false);
    expect(await compare("", one)).toBe(false);
  });

  test.each([
    ["$2a$10$", false],
    ["x".repeat(60), false],
    ["", false],
  ])("what is no hash belongs to no password: %s", async (text, isSame) => {
    expect(await compare("secret", bytesFromUtf8(text))).toBe(isSame);
  });

  test("the event loop goes on meanwhile", async () => {
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns++;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    await Promise.all(Array.from({ length: 20 }, (_, at) => hash(`password ${at}`)));
    isOver = true;
    expect(turns).toBeGreaterThan(20);
  });
});

test("createPasswordWorkers: a thread that breaks down is replaced, and its question is answered", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-passwords-"));
  const [script, mark] = ["worker.mjs", "mark"].map((name) => path.join(folder, name));
  fs.writeFileSync(
    script,
    `import fs from "node:fs";
     const isFirst = !fs.existsSync(${JSON.stringify(mark)});
     fs.writeFileSync(${JSON.stringify(mark)}, "");
     if (isFirst) throw new Error("broken down");
     await import(${JSON.stringify(SCRIPT.href)});`,
  );
  const failures: string[] = [];
  const workers = createPasswordWorkers(pathToFileURL(script), ({ message }) =>
    failures.push(message),
  );
  const hash = await new Promise<Uint8Array>((resolve) => workers.hash("secret", 4, resolve));
  expect(utf8FromBytes(hash)).toMatch(/^\$2a\$04\$/);
  expect(failures).toEqual(["broken down"]);
  workers.close();
  fs.rmSync(folder, { recursive: true });
});

test.each([undefined, new URL("file:///no/such/worker.js")])(
  "createPasswordWorkers: without a script (%s) the work is done here, in order, and told once",
  async (script) => {
    const failures: Error[] = [];
    const workers = createPasswordWorkers(script, (reason) => failures.push(reason));
    const hashes: Uint8Array[] = [];
    workers.hash("first", 4, (hash) => hashes.push(hash));
    await new Promise<void>((resolve) =>
      workers.hash("second", 4, (hash) => {
        hashes.push(hash);
        resolve();
      }),
    );
    const isSame = (password: string, hash: Uint8Array): Promise<boolean> =>
      new Promise((resolve) => workers.compare(password, hash, resolve));
    expect(await isSame("first", hashes[0])).toBe(true);
    expect(await isSame("second", hashes[1])).toBe(true);
    expect(await isSame("first", hashes[1])).toBe(false);
    expect(failures).toHaveLength(1);
    workers.hash("never", 4, () => hashes.push(new Uint8Array()));
    workers.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(hashes).toHaveLength(2);
  },
);

test("createSecretDigest: keeps parts apart, and has a key of its own", () => {
  const [digest, other] = [createSecretDigest(), createSecretDigest()];
  const parts = (...texts: string[]): Uint8Array[] => texts.map(bytesFromUtf8);
  expect(digest(parts("a", "bc"))).toEqual(digest(parts("a", "bc")));
  expect(digest(parts("a", "bc"))).not.toEqual(digest(parts("ab", "c")));
  expect(digest(parts("a", "bc"))).not.toEqual(other(parts("a", "bc")));
});
