/**
 * What the log promises when the machine goes down: everything answered is there, and nothing else than a
 * beginning of what was handed in. Checked after a crash before every single operation on the disk, with
 * unsynced changes kept, lost and torn, and after damage to every byte of a file.
 */
import { describe, expect, test } from "vitest";
import { SimulatedCrash } from "../../sim/disk-faults.ts";
import {
  entryOf,
  fileBytes,
  METADATA,
  putFile,
  WAL_DIRECTORY,
  WalBench,
} from "../../test/harness/wal.ts";
import { createConfState } from "../wire/gen/raft.ts";
import type { Entry, HardState } from "../wire/gen/raft.ts";
import { NO_SNAPSHOT, readWal, verifyWal } from "./read-wal.ts";
import { walExists } from "./segment-name.ts";
import type { WalBatch, WalContent } from "./types.ts";
import { WalError } from "./wal-error.ts";
import type { Wal } from "./wal.ts";

const VOTE = 0x8e9e05c52164694dn;
const confState = createConfState({ voters: [1n] });

/** A batch and how many records of all batches up to it must survive once it is answered. */
interface Step {
  readonly batch: WalBatch;
  readonly isDurable: boolean;
}

const batch = (entries: Entry[], term: number, commit: number): Step => ({
  batch: { entries, hardState: { term, vote: VOTE, commit } },
  isDurable: true,
});

const commitOnly = (term: number, commit: number): Step => ({
  batch: { entries: [], hardState: { term, vote: VOTE, commit } },
  isDurable: false,
});

/** Small and large batches, a changed leader, commit-only states, a snapshot: several segments. */
const STEPS: readonly Step[] = [
  batch([entryOf(1), entryOf(2)], 1, 0),
  commitOnly(1, 1),
  batch([entryOf(3, 1, 300)], 1, 2),
  batch([entryOf(4, 1, 1200), entryOf(5, 1, 20), entryOf(6, 1, 600)], 1, 3),
  batch([], 2, 3),
  batch([entryOf(5, 2, 700)], 2, 4),
  { batch: { entries: [], snapshot: { index: 4, term: 1, confState } }, isDurable: true },
  commitOnly(2, 5),
  batch([entryOf(6, 2), entryOf(7, 2), entryOf(8, 2)], 2, 5),
  batch([entryOf(9, 2, 2500)], 2, 8),
  batch([entryOf(10, 2, 100)], 2, 9),
  batch([entryOf(11, 2, 100)], 2, 10),
];

interface Content {
  readonly entries: Entry[];
  readonly hardState: HardState;
}

/** What a log says after each number of records, the order being the one in the files. */
function contentsByRecord(steps: readonly Step[]): Content[] {
  let entries: Entry[] = [];
  let hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  const contents: Content[] = [{ entries, hardState }];
  for (const {
    batch: { snapshot, entries: added, hardState: next },
  } of steps) {
    if (snapshot !== undefined) contents.push({ entries, hardState });
    for (const entry of added) {
      entries = [...entries.slice(0, entry.index - 1), entry];
      contents.push({ entries, hardState });
    }
    if (next !== undefined) hardState = next;
    if (next !== undefined) contents.push({ entries, hardState });
  }
  return contents;
}

const CONTENTS = contentsByRecord(STEPS);

/** Records of the first `count` steps. */
function recordsOf(count: number): number {
  return contentsByRecord(STEPS.slice(0, count)).length - 1;
}

/** Fails unless the content is what some number of records >= `least` says. */
function expectLegal(content: WalContent, least: number, where: string): void {
  const said = JSON.stringify(content.entries.map(({ term, index }) => [term, index]));
  const { term, commit } = content.hardState;
  const legal = CONTENTS.slice(least).some(
    ({ entries, hardState }) =>
      hardState.term === term &&
      hardState.commit === commit &&
      JSON.stringify(entries.map((entry) => [entry.term, entry.index])) === said,
  );
  expect(legal, `${where}: ${said}, term ${term}, commit ${commit}, records >= ${least}`).toBe(
    true,
  );
  for (const entry of content.entries) {
    expect(entry).toEqual(entryOf(entry.index, entry.term, entry.data?.length));
  }
}

/** What becomes of unsynced changes at the first tries; further ones are random. */
const FATES = ["kept", "lost", "process"] as const;

/** Runs the workload up to the crash; `together`: how many batches are handed in at once. */
function run(bench: WalBench, together: number): { created: boolean; answered: number } {
  const progress = { created: false, answered: 0 };
  try {
    const wal = bench.create();
    progress.created = true;
    for (let first = 0; first < STEPS.length; first += together) {
      for (let n = first; n < Math.min(STEPS.length, first + together); n++) {
        wal.append(STEPS[n].batch, (failure) => {
          if (failure !== undefined) throw failure;
          if (STEPS[n].isDurable) progress.answered = n + 1;
        });
      }
      bench.settle();
    }
    bench.close(wal);
  } catch (error) {
    const isCrash = error instanceof SimulatedCrash || String(error).includes("did not answer");
    if (!isCrash && !bench.disk.halted) throw error;
  }
  return progress;
}

/** The log works on: one entry more, and all is there again, after a clean end and after another crash. */
function expectUsable(bench: WalBench, wal: Wal, content: WalContent, where: string): void {
  const index = content.entries.length + 1;
  const hardState = { term: 9, vote: VOTE, commit: 1 };
  bench.append(wal, { entries: [entryOf(index, 9, 300)], hardState });
  const crashed = bench.afterCrash(index, "lost");
  bench.close(wal);
  for (const next of [bench, crashed]) {
    next.log.lines.length = 0;
    const again = next.open();
    expect(again.content.entries.length, where).toBe(index);
    expect(again.content.hardState.term, where).toBe(9);
    expect(
      next.log.lines.map((line) => line.message),
      where,
    ).not.toContain("repairing");
    next.close(again.wal);
    verifyWal(next.options, NO_SNAPSHOT);
  }
}

describe.each([1, 3])("a crash before every operation, %i batches at a time", (together) => {
  test("keeps what was answered, shows only a beginning of what was handed in, and works on", () => {
    let points = 0;
    let cuts = 0;
    for (let point = 1; ; point++) {
      const bench = WalBench.fresh(point, { segmentBytes: 1500 });
      bench.disk.crashAt(bench.disk.points + point);
      const { created, answered } = run(bench, together);
      for (let seed = 0; seed < 8; seed++) {
        const where = `point ${point}, seed ${seed}, together ${together}`;
        const after = bench.afterCrash(seed, FATES[seed] ?? "random");
        if (!walExists(after.disk, WAL_DIRECTORY)) {
          expect(created, where).toBe(false);
          after.close(after.create());
          continue;
        }
        const { wal, content } = after.open();
        expect(content.metadata).toEqual(METADATA);
        expectLegal(content, recordsOf(answered), where);
        expectUsable(after, wal, content, where);
        cuts = Math.max(cuts, readSegments(after).length);
      }
      points = point;
      if (!bench.disk.halted) break;
    }
    expect(points).toBeGreaterThan(30);
    expect(cuts).toBeGreaterThan(2);
  });
});

describe("a crash while a crashed log is opened", () => {
  test("repair and cleaning can be interrupted anywhere and lose nothing answered", () => {
    for (let seed = 0; seed < 6; seed++) {
      const first = WalBench.fresh(seed, { segmentBytes: 100_000 });
      first.disk.crashAt(first.disk.points + 18 + seed);
      const { answered } = run(first, 2);
      for (let point = 1; ; point++) {
        const second = first.afterCrash(seed);
        second.disk.crashAt(second.disk.points + point);
        try {
          second.tryOpen();
        } catch (error) {
          expect(error).toBeInstanceOf(SimulatedCrash);
        }
        const third = second.afterCrash(seed + point);
        const where = `seed ${seed}, point ${point}`;
        const { wal, content } = third.open();
        expectLegal(content, recordsOf(answered), where);
        expectUsable(third, wal, content, where);
        if (!second.disk.halted) break;
      }
    }
  });
});

function readSegments(bench: WalBench): string[] {
  return bench.disk.list(WAL_DIRECTORY).filter((name) => name.endsWith(".wal"));
}

/** A small log of one segment, and the bytes of its records. */
function smallLog(): { bench: WalBench; path: string; bytes: Uint8Array } {
  const bench = WalBench.fresh(1, { segmentBytes: 3000 });
  const wal = bench.create();
  for (const step of STEPS.slice(0, 3)) bench.append(wal, step.batch);
  bench.close(wal);
  const path = `${WAL_DIRECTORY}/${readSegments(bench)[0]}`;
  const all = fileBytes(bench.disk, path);
  let length = all.length;
  while (all[length - 1] === 0) length--;
  return { bench, path, bytes: all.subarray(0, Math.ceil(length / 8) * 8) };
}

describe("damage to the file", () => {
  test("cut at every byte: a beginning of the records is read, repaired and written on", () => {
    const { bench, path, bytes } = smallLog();
    for (let length = 0; length < bytes.length; length++) {
      const after = bench.afterCrash(1);
      putFile(after.disk, path, bytes.subarray(0, length));
      const where = `length ${length}`;
      const { failure, opened } = after.tryOpen();
      if (opened === undefined) {
        // The head itself is gone: there is no snapshot to start from any more.
        expect(failure?.message, where).toMatch(/^wal: snapshot not found/);
        expect(length).toBeLessThan(64);
        continue;
      }
      expectLegal(opened.content, 0, where);
      expect(readWal(after.options, NO_SNAPSHOT).entries).toEqual(opened.content.entries);
      const isWhole = length % 8 === 0 && !after.disk.list(WAL_DIRECTORY).some(isBroken);
      if (!isWhole) {
        expect(fileBytes(after.disk, `${path}.broken`)).toEqual(bytes.slice(0, length));
      }
      expectUsable(after, opened.wal, opened.content, where);
    }
  });

  test("every byte flipped: a beginning of the records, or an error with file, offset and way out", () => {
    const { bench, path, bytes } = smallLog();
    const outcomes = new Map<string, number>();
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x80]) {
        const after = bench.afterCrash(1);
        const damaged = new Uint8Array(3000);
        damaged.set(bytes);
        damaged[at] ^= mask;
        putFile(after.disk, path, damaged);
        const { failure, opened } = after.tryOpen();
        const where = `byte ${at}, mask ${mask}`;
        let outcome: string = "read";
        if (opened === undefined) {
          expect(failure, where).toBeInstanceOf(WalError);
          outcome = (failure as WalError).code;
          if (outcome !== "snapshot-not-found") {
            expect(failure?.message, where).toMatch(
              /, at offset \d+ of ".*\.wal"; restore the data/,
            );
          }
        } else {
          expectLegal(opened.content, 0, where);
          if (after.disk.list(WAL_DIRECTORY).some(isBroken)) outcome = "shortened";
          expectUsable(after, opened.wal, opened.content, where);
        }
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    expect(outcomes.get("crc-mismatch")).toBeGreaterThan(600);
    // Only damage to the very last record looks like a torn write.
    expect(outcomes.get("shortened") ?? 0).toBeLessThan(20);
  });

  test("remains of a torn write are gone, wherever the records written instead of it end", () => {
    const { bench, path, bytes } = smallLog();
    for (let size = 0; size < 1200; size += 8) {
      // Without zeros written ahead, which would cover the remains before they do harm.
      const options = { segmentBytes: 3000, unsafeNoSync: true };
      const after = new WalBench(bench.afterCrash(1).disk, options);
      const torn = new Uint8Array(3000);
      torn.set(bytes);
      // Of three sectors of a write only the last two arrived.
      torn.fill(0x77, Math.ceil(bytes.length / 512) * 512, bytes.length + 1500);
      putFile(after.disk, path, torn);
      const { wal } = after.open();
      after.append(wal, { entries: [entryOf(4, 1, size)] });
      after.close(wal);
      after.log.lines.length = 0;
      const again = after.open();
      expect(again.content.entries.at(-1), `size ${size}`).toEqual(entryOf(4, 1, size));
      expect(after.log.lines, `size ${size}`).toEqual([]);
    }
  });

  test("a bit flipped in a segment that is not the last is refused by name and offset", () => {
    const bench = WalBench.fresh(2, { segmentBytes: 1500 });
    run(bench, 1);
    const names = readSegments(bench);
    expect(names.length).toBeGreaterThan(2);
    const path = `${WAL_DIRECTORY}/${names[0]}`;
    bench.disk.flipBit(path, 700, 3);
    const { failure } = bench.tryOpen();
    expect(failure?.message).toMatch(
      /^wal: crc mismatch: the record says \d+, its data \d+, at offset \d+ of "\/data\/member\/wal\/0{16}-0{16}\.wal"; restore the data directory from a snapshot or a copy, or remove this member/,
    );
    expect(bench.disk.list(WAL_DIRECTORY).some(isBroken)).toBe(false);
  });
});

const isBroken = (name: string): boolean => name.endsWith(".broken");
