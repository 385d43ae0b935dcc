import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyIndex, NOT_FOUND } from "./key-index.ts";

/** The history of the worked example in key-index.ts. */
function createColor(): KeyIndex {
  const history = new KeyIndex(3, 0, 3, 1);
  history.put(5, 0);
  history.put(8, 0);
  history.tombstone(9, 0);
  history.put(12, 0);
  history.put(14, 1);
  return history;
}

function revisionsOf(history: KeyIndex): string[] {
  const all: string[] = [];
  for (let i = 0; i <= history.newest; i++) all.push(`${history.mainAt(i)}.${history.subAt(i)}`);
  return all;
}

function found(history: KeyIndex, atRevision: number): string | undefined {
  const position = history.find(atRevision);
  if (position === NOT_FOUND) return undefined;
  return `${history.mainAt(position)}.${history.subAt(position)}`;
}

test("KeyIndex.find sees what the worked example says", () => {
  const history = createColor();
  expect([2, 3, 4, 5, 8].map((at) => found(history, at))).toEqual([
    undefined,
    "3.0",
    "3.0",
    "5.0",
    "8.0",
  ]);
  expect([9, 10, 11].map((at) => found(history, at))).toEqual([undefined, undefined, undefined]);
  expect([12, 13, 14, 20].map((at) => found(history, at))).toEqual([
    "12.0",
    "12.0",
    "14.1",
    "14.1",
  ]);
  expect(history).toMatchObject({ live: true, version: 2, createRevision: 12, main: 14, sub: 1 });
});

test.each([
  [2, ["3.0", "5.0", "8.0", "9.0", "12.0", "14.1"]],
  [5, ["5.0", "8.0", "9.0", "12.0", "14.1"]],
  [9, ["9.0", "12.0", "14.1"]],
  [10, ["12.0", "14.1"]],
  [20, ["14.1"]],
])("KeyIndex.compact at %i keeps what the worked example says", (revision, kept) => {
  const history = createColor();
  expect(history.compact(revision)).toBe(true);
  expect(revisionsOf(history)).toEqual(kept);
  expect(history.compact(revision)).toBe(true);
  expect(revisionsOf(history)).toEqual(kept);
});

test("KeyIndex.compact empties a deleted key only above its tombstone", () => {
  const history = new KeyIndex(3, 0, 3, 1);
  history.tombstone(4, 2);
  expect(history.live).toBe(false);
  expect(history.compact(4)).toBe(true);
  expect(revisionsOf(history)).toEqual(["4.2"]);
  expect(history.compact(5)).toBe(false);
});

test("KeyIndex.since gives the last revision of each main, tombstones too", () => {
  const history = createColor();
  history.put(15, 0);
  history.tombstone(15, 4);
  expect(history.since(8)).toEqual([
    { main: 8, sub: 0 },
    { main: 9, sub: 0 },
    { main: 12, sub: 0 },
    { main: 14, sub: 1 },
    { main: 15, sub: 4 },
  ]);
  expect(history.since(15)).toEqual([{ main: 15, sub: 4 }]);
  expect(history.since(16)).toEqual([]);
});

test("KeyIndex.hashedAt finds nothing behind a deletion of the same revision", () => {
  const history = new KeyIndex(3, 0, 3, 1);
  history.tombstone(5, 0);
  history.put(5, 1);
  history.put(5, 2);
  history.put(7, 0);
  expect([2, 3, 4, 6, 7].map((at) => history.hashedAt(at))).toEqual([NOT_FOUND, 0, 0, 3, 4]);
  expect([history.find(5), history.hashedAt(5)]).toEqual([3, NOT_FOUND]);
  history.tombstone(8, 0);
  expect([8, 9].map((at) => history.hashedAt(at))).toEqual([NOT_FOUND, NOT_FOUND]);
});

test("KeyIndex restored from a tombstone starts over with the next put", () => {
  const history = new KeyIndex(16, 0, 0, 0);
  expect([15, 16, 17].map((at) => found(history, at))).toEqual([undefined, undefined, undefined]);
  expect(history.keptAt(16)).toBe(0);
  expect(history.keptAt(17)).toBe(NOT_FOUND);
  history.put(18, 3);
  expect(history).toMatchObject({ live: true, version: 1, createRevision: 18 });
});

test("KeyIndex continues version and create revision of a restored put", () => {
  const history = new KeyIndex(40, 0, 7, 12);
  history.put(41, 0);
  expect(history).toMatchObject({ version: 13, createRevision: 7 });
});

test("KeyIndex refuses revisions that do not grow and the deletion of a deleted key", () => {
  const history = new KeyIndex(3, 1, 3, 1);
  expect(() => history.put(3, 1)).toThrow("after");
  expect(() => history.put(2, 9)).toThrow("after");
  history.tombstone(3, 2);
  expect(() => history.tombstone(4, 0)).toThrow("does not exist");
});

/** The naive twin: a list of versions. */
interface Version {
  readonly main: number;
  readonly sub: number;
  readonly version: number;
  readonly created: number;
}

/** Steps between mains (0 stays in the transaction, with the next sub), and whether to delete. */
const steps = fc.array(fc.tuple(fc.nat(2), fc.boolean()), { minLength: 1, maxLength: 20 });
const base = fc.constantFrom(0, 2 ** 31 - 5, 2 ** 40);

function build(
  start: number,
  changes: readonly (readonly [number, boolean])[],
): [KeyIndex, Version[]] {
  const versions: Version[] = [{ main: start + 2, sub: 0, version: 1, created: start + 2 }];
  const history = new KeyIndex(start + 2, 0, start + 2, 1);
  for (const [gap, wantsDelete] of changes) {
    const last = versions[versions.length - 1];
    const main = last.main + gap;
    const sub = gap === 0 ? last.sub + 1 : 0;
    if (wantsDelete && last.version > 0) {
      history.tombstone(main, sub);
      versions.push({ main, sub, version: 0, created: 0 });
    } else {
      history.put(main, sub);
      const created = last.version > 0 ? last.created : main;
      versions.push({ main, sub, version: last.version + 1, created });
    }
  }
  return [history, versions];
}

test("KeyIndex equals a list of versions through reads and compactions", () => {
  fc.assert(
    fc.property(
      base,
      steps,
      fc.array(fc.nat(25), { maxLength: 4 }),
      (start, changes, compactions) => {
        const [history, all] = build(start, changes);
        const last = all[all.length - 1];
        expect(history).toMatchObject({
          main: last.main,
          sub: last.sub,
          version: last.version,
          createRevision: last.created,
        });
        let versions = all;
        let floor = start;
        for (const step of [0, ...compactions.toSorted((a, b) => a - b)]) {
          const revision = start + step;
          floor = Math.max(floor, revision);
          const newest = versions.findLastIndex(({ main }) => main <= revision);
          if (newest >= 0) {
            const { main, version } = versions[newest];
            versions = versions.slice(version > 0 || main === revision ? newest : newest + 1);
          }
          expect(history.compact(revision)).toBe(versions.length > 0);
          if (versions.length === 0) return;
          expect(revisionsOf(history)).toEqual(versions.map(({ main, sub }) => `${main}.${sub}`));
          for (let at = floor; at <= start + 45; at++) {
            const seen = versions.findLast(({ main }) => main <= at);
            const expected = seen === undefined || seen.version === 0 ? undefined : seen;
            expect(found(history, at)).toBe(expected && `${expected.main}.${expected.sub}`);
            const since = versions.filter(
              ({ main }, i) => main >= at && versions.at(i + 1)?.main !== main,
            );
            expect(history.since(at)).toEqual(since.map(({ main, sub }) => ({ main, sub })));
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});
