import { describe, expect, test } from "vitest";
import { SimulatedCrash } from "../../sim/disk-faults.ts";
import { SimulatedDisk } from "../../sim/disk.ts";
import { ManualClock } from "../../sim/manual-clock.ts";
import { MemoryLog } from "../../sim/memory-log.ts";
import { fileBytes, putFile } from "../../test/harness/wal.ts";
import { hexFromBytes } from "../stdx/bytes.ts";
import { Prng } from "../stdx/prng.ts";
import { createSnapshot } from "../wire/gen/raft.ts";
import type { Snapshot } from "../wire/gen/raft.ts";
import {
  cleanSnapshotDirectory,
  loadSnapshot,
  purgeSnapshots,
  readSnapshotFile,
  releaseSnapshotDatabases,
  saveSnapshotFile,
  snapshotDatabaseName,
  snapshotFileName,
} from "./snapshot-files.ts";
import type { WalFailure } from "./types.ts";

const DIRECTORY = "/snap";

class Bench {
  readonly disk: SimulatedDisk;
  readonly clock = new ManualClock();
  readonly log = new MemoryLog();
  readonly directory = DIRECTORY;

  constructor(disk = new SimulatedDisk({ random: new Prng(1) })) {
    this.disk = disk;
    disk.makeDirectory(DIRECTORY);
    disk.syncDirectory("/");
  }

  save(snapshot: Snapshot): WalFailure | undefined {
    const answers: (WalFailure | undefined)[] = [];
    saveSnapshotFile(this, snapshot, (failure) => answers.push(failure));
    expect(answers).toEqual([]);
    this.disk.runUntilIdle();
    this.clock.runDeferred();
    expect(answers).toHaveLength(1);
    return answers[0];
  }
}

function snapshotOf(index: number, term = 1, text = "{}"): Snapshot {
  const snapshot = createSnapshot({ data: Uint8Array.from(text, (char) => char.charCodeAt(0)) });
  snapshot.metadata.index = index;
  snapshot.metadata.term = term;
  snapshot.metadata.confState.voters = [0x8e9e05c52164694dn];
  return snapshot;
}

describe("saveSnapshotFile", () => {
  test("writes crc and message under the name of term and index", () => {
    const bench = new Bench();
    expect(bench.save(snapshotOf(100_001, 3))).toBeUndefined();
    expect(bench.disk.list(DIRECTORY)).toEqual(["0000000000000003-00000000000186a1.snap"]);
    const path = `${DIRECTORY}/${snapshotFileName({ term: 3, index: 100_001 })}`;
    // Worked out with an encoder of another language: crc 0xcaec9fa9, data "{}", a voter, index, term.
    expect(hexFromBytes(fileBytes(bench.disk, path))).toBe(
      "08a9bfb2d70c121b0a027b7d12150a0d08cdd2918bd2b881cf8e01280010a18d061803",
    );
    expect(readSnapshotFile(bench.disk, path)).toEqual(snapshotOf(100_001, 3));
    expect(bench.save(snapshotOf(100_001, 3))).toBeUndefined();
  });

  test("saves no empty snapshot, and reports a full device", () => {
    const bench = new Bench();
    expect(bench.save(createSnapshot())).toBeUndefined();
    expect(bench.disk.list(DIRECTORY)).toEqual([]);
    bench.disk.inject({ operation: "create", code: "ENOSPC" });
    expect(bench.save(snapshotOf(1))?.message).toContain("no space left on device");
    bench.disk.inject({ operation: "write", code: "EIO" });
    expect(bench.save(snapshotOf(1))?.message).toContain("input/output error");
    expect(loadSnapshot(bench, undefined)).toBeUndefined();
  });

  test("a crash at any point leaves the old or the new snapshot, never a broken one", () => {
    for (let point = 1; ; point++) {
      const bench = new Bench();
      bench.save(snapshotOf(1));
      bench.disk.crashAt(bench.disk.points + point);
      let isSaved = false;
      try {
        saveSnapshotFile(bench, snapshotOf(2, 1, "x".repeat(2000)), () => {
          isSaved = true;
        });
        bench.disk.runUntilIdle();
      } catch (error) {
        expect(error).toBeInstanceOf(SimulatedCrash);
      }
      for (let seed = 0; seed < 20; seed++) {
        const after = new Bench(bench.disk.crash(new Prng(seed)));
        cleanSnapshotDirectory(after);
        const index = loadSnapshot(after, undefined)?.metadata.index;
        expect(isSaved ? [2] : [1, 2]).toContain(index);
        expect(after.log.lines).toEqual([]);
      }
      if (!bench.disk.halted) break;
    }
  });
});

describe("loadSnapshot", () => {
  test("takes the newest that the log vouches for", () => {
    const bench = new Bench();
    for (const [index, term] of [
      [5, 1],
      [9, 1],
      [7, 2],
    ]) {
      bench.save(snapshotOf(index, term));
    }
    expect(loadSnapshot(bench, undefined)?.metadata).toMatchObject({ index: 7, term: 2 });
    const valid = [
      { index: 0, term: 0 },
      { index: 5, term: 1 },
      { index: 9, term: 1 },
      { index: 7, term: 3 },
    ];
    expect(loadSnapshot(bench, valid)?.metadata).toMatchObject({ index: 9, term: 1 });
    expect(loadSnapshot(bench, valid.slice(0, 1))).toBeUndefined();
  });

  test("passes over unreadable files and renames them", () => {
    const bench = new Bench();
    bench.save(snapshotOf(1));
    bench.save(snapshotOf(2));
    const good = fileBytes(bench.disk, `${DIRECTORY}/${snapshotFileName({ term: 1, index: 2 })}`);
    const damaged = good.slice();
    damaged[good.length - 1] ^= 1;
    const zeroCrc = good.slice();
    zeroCrc.set([0x80, 0x80, 0x80, 0x80, 0x00], 1);
    const cases: [number, Uint8Array, RegExp][] = [
      [3, new Uint8Array(0), /^snap: empty snapshot/],
      [4, zeroCrc, /^snap: empty snapshot/],
      [5, damaged, /^snap: crc mismatch: "\/snap\/.*" says \d+, its data \d+$/],
      [6, good.subarray(0, 20), /^wal: malformed record: .*unexpected EOF/],
    ];
    for (const [index, bytes] of cases) {
      putFile(bench.disk, `${DIRECTORY}/${snapshotFileName({ term: 1, index })}`, bytes);
    }
    expect(loadSnapshot(bench, undefined)?.metadata.index).toBe(2);
    const names = bench.disk.list(DIRECTORY);
    expect(names.filter((name) => name.endsWith(".snap"))).toHaveLength(2);
    expect(names.filter((name) => name.endsWith(".snap.broken"))).toHaveLength(4);
    const errors = bench.log.lines.filter((line) => line.message === "failed to read a snap file");
    cases.reverse().forEach(([, , text], n) => expect(errors[n].fields["error"]).toMatch(text));
  });
});

describe("the snapshot directory", () => {
  test("cleanSnapshotDirectory() removes what crashes leave, nothing else", () => {
    const bench = new Bench();
    const kept = ["0000000000000001-0000000000000001.snap", "db", "x.broken"];
    for (const name of [...kept, "db.tmp.123", "tmp456"]) {
      bench.disk.open(`${DIRECTORY}/${name}`, "create").close();
    }
    cleanSnapshotDirectory(bench);
    expect(bench.disk.list(DIRECTORY)).toEqual(kept);
  });

  test("releaseSnapshotDatabases() and purgeSnapshots() remove the old ones", () => {
    const bench = new Bench();
    for (const index of [1, 2, 10, 11]) {
      for (const name of [snapshotFileName({ term: 1, index }), snapshotDatabaseName(index)]) {
        bench.disk.open(`${DIRECTORY}/${name}`, "create").close();
      }
    }
    releaseSnapshotDatabases(bench, 10);
    expect(purgeSnapshots(bench, 0)).toEqual([]);
    expect(purgeSnapshots(bench, 1)).toEqual([
      "0000000000000001-0000000000000001.snap",
      "0000000000000001-0000000000000002.snap",
      "0000000000000001-000000000000000a.snap",
      "000000000000000a.snap.db",
    ]);
    expect(bench.disk.list(DIRECTORY)).toEqual([
      "0000000000000001-000000000000000b.snap",
      "000000000000000b.snap.db",
    ]);
  });
});
