import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  entryOf,
  fileBytes,
  METADATA,
  putFile,
  WAL_DIRECTORY,
  WalBench,
} from "../../test/harness/wal.ts";
import { DiskError } from "../ports/disk.ts";
import { EMPTY_BYTES, equalBytes } from "../stdx/bytes.ts";
import { createConfState } from "../wire/gen/raft.ts";
import type { Entry, HardState } from "../wire/gen/raft.ts";
import { purgeableSegments } from "./held-segments.ts";
import { NO_SNAPSHOT, readWal, validSnapshots, verifyWal } from "./read-wal.ts";
import { WalError } from "./wal-error.ts";
import type { Wal } from "./wal.ts";

const state = (term: number, commit: number, vote = 1n): HardState => ({ term, vote, commit });
const confState = createConfState({ voters: [1n] });

function codeOf(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    expect(error).toBeInstanceOf(WalError);
    return (error as WalError).code;
  }
  return "no error";
}

/** Appends entries [first, last] one by one. */
function appendEach(bench: WalBench, wal: Wal, first: number, last: number, size = 100): void {
  for (let index = first; index <= last; index++) {
    bench.append(wal, { entries: [entryOf(index, 1, size)], hardState: state(1, index - 1) });
  }
}

const indexes = (entries: readonly Entry[]): number[] => entries.map((entry) => entry.index);

describe("createWal", () => {
  test("makes one preallocated segment with crc, metadata and the empty snapshot, by rename", () => {
    const bench = WalBench.fresh(1, { segmentBytes: 4096 });
    const wal = bench.create();
    const path = `${WAL_DIRECTORY}/0000000000000000-0000000000000000.wal`;
    const bytes = fileBytes(bench.disk, path);
    expect(bytes.length).toBe(4096);
    expect(bytes.subarray(64).every((byte) => byte === 0)).toBe(true);
    expect(bench.disk.stat(WAL_DIRECTORY)?.mode).toBe(0o700);
    expect(bench.disk.stat(path)?.mode).toBe(0o600);
    expect(bench.disk.list("/data/member")).toEqual(["wal"]);
    bench.close(wal);
    const { content } = bench.open();
    expect(content).toEqual({
      metadata: METADATA,
      hardState: state(0, 0, 0n),
      entries: [],
    });
  });

  test("refuses a directory with a log, removes anything else", () => {
    const bench = WalBench.fresh(1);
    bench.disk.makeDirectory(`${WAL_DIRECTORY}.tmp/x`);
    bench.disk.makeDirectory(`${WAL_DIRECTORY}/y`);
    bench.close(bench.create());
    expect(bench.disk.list(WAL_DIRECTORY)).toHaveLength(1);
    expect(bench.tryCreate().failure?.message).toMatch(/^file already exists/);
  });

  test("fails with the system's text when the device is full", () => {
    const bench = WalBench.fresh(1);
    bench.disk.inject({ operation: "write", code: "ENOSPC" });
    expect(bench.tryCreate().failure?.message).toContain("no space left on device");
    expect(bench.disk.stat(WAL_DIRECTORY)).toBeUndefined();
  });

  test("a log whose creation fails at the end is moved aside", () => {
    const bench = WalBench.fresh(1);
    bench.disk.inject({ operation: "syncDirectory", code: "EIO", pathSuffix: "/member" });
    expect(bench.tryCreate().failure?.message).toContain("input/output error");
    expect(bench.disk.list("/data/member")).toEqual(["wal.broken.19700101.000000.000"]);
    bench.close(bench.create());
  });
});

describe("Wal append()", () => {
  test("what was appended is read back, the last hard state with it", () => {
    const bench = WalBench.fresh(2);
    const wal = bench.create();
    appendEach(bench, wal, 1, 5);
    bench.append(wal, { entries: [entryOf(6), entryOf(7, 2)], hardState: state(2, 5, 3n) });
    bench.close(wal);
    const { content } = bench.open();
    expect(indexes(content.entries)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(content.entries[6]).toEqual(entryOf(7, 2));
    expect(content.hardState).toEqual(state(2, 5, 3n));
  });

  test("goes on behind what was read after opening again, many times", () => {
    const bench = WalBench.fresh(3, { segmentBytes: 2000 });
    bench.close(bench.create());
    for (let round = 0; round < 12; round++) {
      const { wal, content } = bench.open();
      expect(content.entries).toHaveLength(round * 3);
      appendEach(bench, wal, round * 3 + 1, round * 3 + 3);
      bench.close(wal);
    }
    const content = readWal({ ...bench.options }, NO_SNAPSHOT);
    expect(content.entries).toEqual(Array.from({ length: 36 }, (_, n) => entryOf(n + 1, 1, 100)));
  });

  test("gathers batches while a write is under way, writes them as one, answers in order", () => {
    const bench = WalBench.fresh(4);
    const wal = bench.create();
    const order: number[] = [];
    const writes: number[] = [];
    bench.disk.runUntilIdle();
    bench.disk.hold(() => true);
    for (let index = 1; index <= 10; index++) {
      wal.append({ entries: [entryOf(index)] }, () => order.push(index));
    }
    bench.disk.release();
    while (bench.disk.step()) writes.push(order.length);
    expect(new Set(writes)).toEqual(new Set([1, 10]));
    expect(order).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("a batch that only moves the commit index causes no write and is answered in turn", () => {
    const bench = WalBench.fresh(5);
    const wal = bench.create();
    bench.append(wal, { entries: [entryOf(1)], hardState: state(1, 0) });
    const points = bench.disk.points;
    bench.append(wal, { entries: [], hardState: state(1, 1) });
    bench.append(wal, { entries: [] });
    expect(bench.disk.points).toBe(points);
    const order: string[] = [];
    wal.append({ entries: [], hardState: state(1, 1) }, () => order.push("commit"));
    wal.append({ entries: [entryOf(2)] }, () => order.push("entry"));
    wal.append({ entries: [], hardState: state(1, 2) }, () => order.push("commit"));
    bench.settle();
    expect(order).toEqual(["commit", "entry", "commit"]);
    bench.append(wal, { entries: [], hardState: state(2, 2) });
    const after = bench.afterCrash(1, "lost").open();
    expect(after.content.hardState).toEqual(state(2, 2));
  });

  test("sync() and close() make records durable that need not be", () => {
    const bench = WalBench.fresh(6);
    const wal = bench.create();
    bench.append(wal, { entries: [entryOf(1)], hardState: state(1, 0) });
    bench.append(wal, { entries: [], hardState: state(1, 1) });
    let isSynced = false;
    wal.sync(() => {
      isSynced = true;
    });
    bench.settle();
    expect(isSynced).toBe(true);
    expect(bench.afterCrash(1, "lost").open().content.hardState).toEqual(state(1, 1));
    bench.append(wal, { entries: [entryOf(2)], hardState: state(1, 1) });
    bench.append(wal, { entries: [], hardState: state(1, 2) });
    bench.close(wal);
    expect(bench.afterCrash(1, "lost").open().content.hardState).toEqual(state(1, 2));
  });

  test("a batch that reaches into zeros being written waits for them", () => {
    for (let seed = 0; seed < 3; seed++) {
      const bench = WalBench.fresh(seed, { segmentBytes: 6_000_000 });
      const wal = bench.create();
      // Beyond all zeros written so far, so that the next ones start right behind the next batch.
      const sizes = [2_600_000];
      for (let n = 0; n < 7; n++) sizes.push(1000, 300_000);
      bench.append(wal, { entries: [entryOf(1, 1, sizes[0])] });
      for (let index = 2; index <= sizes.length; index += 2) {
        bench.disk.hold(() => true);
        for (const next of [index, index + 1]) {
          wal.append({ entries: [entryOf(next, 1, sizes[next - 1])] }, () => undefined);
        }
        bench.disk.release();
        bench.settle();
      }
      bench.close(wal);
      const { entries } = bench.open().content;
      expect(entries).toHaveLength(sizes.length);
      for (const { index, data } of entries) {
        const expected = entryOf(index, 1, sizes[index - 1]).data ?? EMPTY_BYTES;
        expect(equalBytes(data ?? EMPTY_BYTES, expected)).toBe(true);
      }
    }
  });

  test("commit-only states do not gather without bound", () => {
    const bench = WalBench.fresh(7);
    const wal = bench.create();
    const points = bench.disk.points;
    for (let commit = 1; commit < 5000; commit++) {
      wal.append({ entries: [], hardState: state(0, commit, 0n) }, () => undefined);
      bench.settle();
    }
    expect(bench.disk.points).toBeGreaterThan(points);
  });

  test("a failed write is final: all waiting and later calls get its error", () => {
    const bench = WalBench.fresh(8);
    const wal = bench.create();
    bench.disk.inject({ operation: "write", code: "EIO", times: 9 });
    const failures: (string | undefined)[] = [];
    for (let index = 1; index <= 3; index++) {
      wal.append({ entries: [entryOf(index)] }, (failure) => failures.push(failure?.message));
    }
    bench.settle();
    wal.append({ entries: [entryOf(4)] }, (failure) => failures.push(failure?.message));
    wal.sync((failure) => failures.push(failure?.message));
    bench.settle();
    expect(failures).toHaveLength(5);
    for (const failure of failures) expect(failure).toMatch(/^Cannot write .*input\/output error$/);
    expect(wal.failure).toBeInstanceOf(DiskError);
    expect(() => bench.close(wal)).toThrow("input/output error");
  });

  test("a write that fails while the log is being closed ends that with its error", () => {
    const bench = WalBench.fresh(8);
    const wal = bench.create();
    bench.disk.inject({ operation: "writeDurable", code: "EIO" });
    const failures: (string | undefined)[] = [];
    wal.append({ entries: [entryOf(1)] }, (failure) => failures.push(failure?.message));
    wal.close((failure) => failures.push(failure?.message));
    bench.settle();
    expect(failures).toHaveLength(2);
    for (const failure of failures) expect(failure).toMatch(/^Cannot write .*input\/output error$/);
  });

  test("refuses entries that leave a gap, and calls after close()", () => {
    const bench = WalBench.fresh(9);
    const wal = bench.create();
    appendEach(bench, wal, 1, 2);
    expect(() => wal.append({ entries: [entryOf(4)] }, () => undefined)).toThrow("after 2");
    bench.close(wal);
    expect(() => bench.append(wal, { entries: [entryOf(3)] })).toThrow("wal: closed");
    bench.close(wal);
  });

  test("logs a write that takes longer than a second", () => {
    const bench = WalBench.fresh(10);
    const wal = bench.create();
    bench.settle();
    wal.append({ entries: [entryOf(1)] }, () => undefined);
    bench.clock.advance(1500);
    bench.settle();
    expect(bench.log.lines.find((line) => line.level === "warn")).toEqual({
      level: "warn",
      message: "slow fdatasync",
      fields: { took: "1.5s", "expected-duration": "1s" },
    });
  });

  test("with unsafeNoSync no batch waits for the device", () => {
    const bench = WalBench.fresh(11, { unsafeNoSync: true });
    const wal = bench.create();
    bench.disk.inject({ operation: "writeDurable", code: "EIO", times: 100 });
    appendEach(bench, wal, 1, 3);
    bench.close(wal);
    expect(bench.open().content.entries).toHaveLength(3);
  });
});

describe("Wal segments", () => {
  test("a full segment is cut to its records, and the next one starts with crc, metadata, state", () => {
    const bench = WalBench.fresh(20, { segmentBytes: 2000 });
    const wal = bench.create();
    appendEach(bench, wal, 1, 30);
    const names = bench.disk.list(WAL_DIRECTORY).filter((name) => name.endsWith(".wal"));
    expect(names.length).toBeGreaterThan(2);
    expect(names[1]).toMatch(/^0000000000000001-00000000000000[0-9a-f]{2}\.wal$/);
    expect(
      bench.log.lines.filter((line) => line.message === "created a new WAL segment"),
    ).toHaveLength(names.length - 1);
    for (const name of names.slice(0, -1)) {
      const { length } = fileBytes(bench.disk, `${WAL_DIRECTORY}/${name}`);
      expect(length).toBeGreaterThanOrEqual(2000);
      expect(length).toBeLessThan(2400);
    }
    // The name tells the first index that the segment holds.
    const firstIndex = Number.parseInt(names[2].slice(17, 33), 16);
    bench.append(wal, { entries: [], snapshot: { index: 28, term: 1, confState } });
    bench.close(wal);
    const all = readWal(bench.options, NO_SNAPSHOT).entries;
    expect(indexes(all)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    bench.disk.remove(`${WAL_DIRECTORY}/${names[0]}`);
    expect(codeOf(() => bench.open())).toBe("file-not-found");
    const later = bench.open({ index: 28, term: 1 });
    expect(indexes(later.content.entries)).toEqual([29, 30]);
    expect(firstIndex).toBeLessThan(28);
    bench.close(later.wal);
  });

  test("a cut does not wait: while no segment is ready, the current one grows", () => {
    const bench = WalBench.fresh(21, { segmentBytes: 2000 });
    const wal = bench.create();
    bench.disk.hold((path) => path.endsWith(".tmp"));
    appendEach(bench, wal, 1, 40);
    expect(wal.segmentNames).toHaveLength(1);
    bench.disk.release();
    bench.settle();
    appendEach(bench, wal, 41, 42);
    expect(wal.segmentNames).toHaveLength(2);
    bench.close(wal);
    expect(bench.open().content.entries).toHaveLength(42);
  });

  test("a next segment that cannot be made fails the log when it is needed", () => {
    const bench = WalBench.fresh(22, { segmentBytes: 2000 });
    const wal = bench.create();
    bench.disk.inject({ operation: "create", code: "ENOSPC", pathSuffix: ".tmp" });
    expect(() => appendEach(bench, wal, 1, 40)).toThrow("no space left on device");
    expect(bench.afterCrash(1).open().content.entries.length).toBeGreaterThan(10);
  });

  test("releaseTo() lets go of what a snapshot makes superfluous, purge() removes it", () => {
    const bench = WalBench.fresh(23, { segmentBytes: 1000 });
    const wal = bench.create();
    appendEach(bench, wal, 1, 40);
    const names = [...wal.segmentNames];
    expect(names.length).toBeGreaterThan(4);
    expect(wal.purge(2)).toEqual([]);
    const third = Number.parseInt(names[2].slice(17, 33), 16);
    wal.releaseTo(third);
    expect(wal.segmentNames).toEqual(names.slice(1));
    wal.releaseTo(third + 1);
    expect(wal.segmentNames).toEqual(names.slice(2));
    wal.releaseTo(2 ** 40);
    expect(wal.segmentNames).toEqual(names.slice(-1));
    expect(wal.purge(0)).toEqual([]);
    expect(wal.purge(2)).toEqual(names.slice(0, -2));
    expect(bench.disk.list(WAL_DIRECTORY).filter((name) => name.endsWith(".wal"))).toEqual(
      names.slice(-2),
    );
  });

  test("purgeableSegments() stops at the first held segment", () => {
    const names = [1, 2, 3, 4].map((n) => `000000000000000${n}-0000000000000001.wal`);
    const all = ["0.tmp", ...names, "x.broken"];
    expect(purgeableSegments(all, [names[3]], 2)).toEqual(names.slice(0, 2));
    expect(purgeableSegments(all, [names[1], names[3]], 2)).toEqual(names.slice(0, 1));
    expect(purgeableSegments(all, [], 9)).toEqual([]);
  });

  test("a second process is refused while the log is open", () => {
    const bench = WalBench.fresh(24);
    const wal = bench.create();
    expect(bench.tryOpen().failure?.message).toMatch(/^fileutil: file already locked: ".*wal"$/);
    bench.close(wal);
    expect(bench.tryOpen().failure).toBeUndefined();
  });

  test("any batches over any segment size are read back as a plain list would tell", () => {
    const step = fc.record({
      back: fc.nat(3),
      sizes: fc.array(fc.nat(700), { maxLength: 4 }),
      term: fc.nat(2),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.integer({ min: 200, max: 3000 }),
        (steps, size) => {
          const bench = WalBench.fresh(25, { segmentBytes: size });
          const wal = bench.create();
          let model: Entry[] = [];
          let term = 1;
          for (const { back, sizes, term: more } of steps) {
            const kept = model.slice(0, Math.max(0, model.length - back));
            const entries = sizes.map((bytes, n) =>
              entryOf(kept.length + 1 + n, term + more, bytes),
            );
            if (entries.length === 0) continue;
            term += more;
            model = [...kept, ...entries];
            bench.append(wal, { entries, hardState: state(term, kept.length) });
          }
          bench.close(wal);
          const { content, wal: reopened } = bench.open();
          expect(content.entries).toEqual(model);
          bench.close(reopened);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("reading", () => {
  test("entries start after the snapshot, which must be in the log with its term", () => {
    const bench = WalBench.fresh(30);
    const wal = bench.create();
    appendEach(bench, wal, 1, 4);
    bench.append(wal, { entries: [], snapshot: { index: 3, term: 1, confState } });
    bench.close(wal);
    expect(indexes(readWal(bench.options, { index: 3, term: 1 }).entries)).toEqual([4]);
    expect(codeOf(() => readWal(bench.options, { index: 3, term: 2 }))).toBe("snapshot-mismatch");
    expect(codeOf(() => readWal(bench.options, { index: 2, term: 1 }))).toBe("snapshot-not-found");
    expect(codeOf(() => bench.open({ index: 2, term: 1 }))).toBe("snapshot-not-found");
    expect(verifyWal(bench.options, { index: 3, term: 1 })).toEqual(state(1, 3));
  });

  test("a snapshot from the leader ahead of the log is saved before the entries behind it", () => {
    const bench = WalBench.fresh(31);
    const wal = bench.create();
    appendEach(bench, wal, 1, 2);
    const snapshot = { index: 100, term: 3, confState };
    bench.append(wal, { snapshot, entries: [entryOf(101, 3)], hardState: state(3, 100) });
    bench.close(wal);
    expect(codeOf(() => readWal(bench.options, NO_SNAPSHOT))).toBe("slice-out-of-range");
    expect(indexes(readWal(bench.options, { index: 100, term: 3 }).entries)).toEqual([101]);
    const { wal: opened } = bench.open({ index: 100, term: 3 });
    bench.append(opened, { entries: [entryOf(102, 3)] });
    bench.close(opened);
  });

  test("what a snapshot from the leader replaced does not come back behind it", () => {
    const bench = WalBench.fresh(1);
    const wal = bench.create();
    appendEach(bench, wal, 1, 9);
    const snapshot = { index: 6, term: 2, confState };
    bench.append(wal, { snapshot, entries: [], hardState: state(2, 6) });
    bench.close(wal);
    expect(bench.open(snapshot).content.entries).toEqual([]);
  });

  test("what was overwritten up to a snapshot does not come back behind it", () => {
    const bench = WalBench.fresh(1);
    const wal = bench.create();
    appendEach(bench, wal, 1, 9);
    bench.append(wal, { entries: [entryOf(5, 2, 10), entryOf(6, 2, 10)], hardState: state(2, 6) });
    const snapshot = { index: 6, term: 2, confState };
    bench.append(wal, { snapshot, entries: [] });
    bench.close(wal);
    expect(bench.open(snapshot).content.entries).toEqual([]);
  });

  test("entries behind a snapshot that was made here stay", () => {
    const bench = WalBench.fresh(1);
    const wal = bench.create();
    appendEach(bench, wal, 1, 9);
    const snapshot = { index: 6, term: 1, confState };
    bench.append(wal, { snapshot, entries: [] });
    bench.close(wal);
    expect(indexes(bench.open(snapshot).content.entries)).toEqual([7, 8, 9]);
  });

  test("a snapshot without a configuration is refused", () => {
    const bench = WalBench.fresh(32);
    const wal = bench.create();
    expect(() =>
      wal.append({ snapshot: { index: 1, term: 1 }, entries: [] }, () => undefined),
    ).toThrow("ConfState");
  });

  test("validSnapshots() lists those at or below the last commit", () => {
    const bench = WalBench.fresh(33);
    const wal = bench.create();
    appendEach(bench, wal, 1, 6);
    bench.append(wal, { entries: [], snapshot: { index: 4, term: 1, confState } });
    bench.append(wal, { entries: [], snapshot: { index: 6, term: 1, confState } });
    bench.close(wal);
    expect(validSnapshots(bench.options).map((snapshot) => snapshot.index)).toEqual([0, 4]);
  });

  test("a segment of another member is a conflict", () => {
    const bench = WalBench.fresh(34, { segmentBytes: 1000 });
    const wal = bench.create();
    appendEach(bench, wal, 1, 20);
    bench.close(wal);
    const path = `${WAL_DIRECTORY}/${wal.segmentNames.at(-1) ?? bench.disk.list(WAL_DIRECTORY)[1]}`;
    const bytes = fileBytes(bench.disk, path);
    // The head of a segment is 16 bytes of crc record; the metadata bytes are 16 + 8 + 10 behind.
    bytes[16 + 8 + 10]++;
    putFile(bench.disk, path, bytes);
    expect(["crc-mismatch", "metadata-conflict"]).toContain(codeOf(() => bench.open()));
  });

  test("names that are no segments are passed over, a gap in the sequence is refused", () => {
    const bench = WalBench.fresh(35, { segmentBytes: 1000 });
    const wal = bench.create();
    appendEach(bench, wal, 1, 30);
    bench.close(wal);
    bench.disk.open(`${WAL_DIRECTORY}/junk`, "create").close();
    bench.disk.open(`${WAL_DIRECTORY}/1.tmp`, "create").close();
    bench.log.lines.length = 0;
    expect(readWal(bench.options, NO_SNAPSHOT).entries).toHaveLength(30);
    expect(bench.log.lines.map((line) => line.fields["path"])).toEqual(["junk"]);
    const names = bench.disk.list(WAL_DIRECTORY).filter((name) => name.endsWith(".wal"));
    bench.disk.remove(`${WAL_DIRECTORY}/${names[1]}`);
    expect(codeOf(() => readWal(bench.options, NO_SNAPSHOT))).toBe("file-not-found");
    expect(validSnapshots(bench.options)).toEqual([]);
    expect(bench.tryOpen().failure?.message).toMatch(
      /^wal: file not found: segments .* do not follow/,
    );
  });
});
