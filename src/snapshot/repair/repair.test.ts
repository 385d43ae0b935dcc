/**
 * `etcd --repair` on a simulated disk: each kind of damage is repaired or refused, what is left starts with
 * every entry, and a crash at any point of a repair leaves something that a second one brings to the end.
 */
import { describe, expect, test } from "vitest";
import type { SimulatedDisk } from "../../../sim/disk.ts";
import { MemoryLog } from "../../../sim/memory-log.ts";
import {
  DATA_DIR,
  DATABASE,
  damage,
  entryAt,
  fillDatabase,
  indexIn,
  type MemberShape,
  memberOnDisk,
  SNAP_DIR,
  WAL_DIR,
} from "../../../test/harness/repair-world.ts";
import { contentOf, driven, writeFile } from "../../../test/harness/snapshot-world.ts";
import { readPosition } from "../../backend/backend.ts";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import { Prng } from "../../stdx/prng.ts";
import { NO_SNAPSHOT, readWal, validSnapshots } from "../../wal/read-wal.ts";
import { loadSnapshot, snapshotDatabaseName, snapshotFileName } from "../../wal/snapshot-files.ts";
import { openWal } from "../../wal/open-wal.ts";
import { examineDatabase } from "./examine-files.ts";
import { repairDataDir, type RepairOutcome } from "./repair-data-dir.ts";

const SHAPE: MemberShape = { entries: 60, snapshots: [20, 40], database: 55 };
const REQUEST = { dataDir: DATA_DIR, walDir: undefined };

interface Repaired {
  readonly outcome: RepairOutcome;
  readonly lines: readonly string[];
}

async function repair(disk: SimulatedDisk): Promise<Repaired | undefined> {
  const lines: string[] = [];
  const done = await driven(disk, (clock) =>
    repairDataDir({ disk, clock, log: new MemoryLog() }, REQUEST, (line) => lines.push(line)),
  );
  return done === undefined ? undefined : { outcome: done.value, lines };
}

async function repaired(disk: SimulatedDisk): Promise<Repaired> {
  const result = await repair(disk);
  if (result === undefined) throw new Error("The disk has halted");
  return result;
}

/** Asserts that a member starts with all entries up to `last`, as a server opens its files. */
function expectStartable(disk: SimulatedDisk, last: number, what = ""): void {
  const log = new MemoryLog();
  const location = { disk, log, directory: WAL_DIR };
  const snapshot = loadSnapshot({ disk, log, directory: SNAP_DIR }, validSnapshots(location));
  const start = snapshot?.metadata ?? NO_SNAPSHOT;
  const { entries, hardState } = readWal(location, start);
  const indexes = Array.from({ length: last - start.index }, (_, at) => start.index + 1 + at);
  expect(entries.map(indexIn), what).toEqual(indexes);
  expect(hardState.commit, what).toBeLessThanOrEqual(last);
  const { index } = readPosition(disk, DATABASE);
  expect(index, what).toBeGreaterThanOrEqual(start.index);
  expect(index, what).toBeLessThanOrEqual(last);
  expect(examineDatabase(disk, DATABASE), what).toMatchObject({ kind: "whole", lostPages: 0 });
}

const snapFile = (index: number): string => `${SNAP_DIR}/${snapshotFileName({ term: 2, index })}`;

function segments(disk: SimulatedDisk): string[] {
  return disk.list(WAL_DIR).filter((name) => name.endsWith(".wal"));
}

/** Where the bytes of the entry `index` begin in a segment; -1 when they are elsewhere. */
function findEntry(disk: SimulatedDisk, path: string, index: number): number {
  return Buffer.from(contentOf(disk, path)).indexOf(Buffer.from(entryAt(index).data ?? []));
}

function segmentOf(disk: SimulatedDisk, index: number): { path: string; position: number } {
  for (const name of segments(disk)) {
    const path = `${WAL_DIR}/${name}`;
    const position = findEntry(disk, path, index);
    if (position >= 0) return { path, position };
  }
  throw new Error(`No segment holds entry ${index}`);
}

/** Cuts the file in the middle of the last entry, where a write that grew it stopped. */
function tear(disk: SimulatedDisk): void {
  const { path, position } = segmentOf(disk, SHAPE.entries);
  const file = disk.open(path, "readWrite");
  file.truncate(position + 30);
  file.sync(() => undefined);
  disk.runUntilIdle();
  file.close();
}

interface Case {
  readonly what: string;
  readonly shape?: Partial<MemberShape>;
  readonly breaks: (disk: SimulatedDisk) => void;
  /** The last entry that is left. */
  readonly last?: number;
  readonly says: RegExp;
}

const REPAIRABLE: readonly Case[] = [
  {
    what: "a torn end",
    shape: { database: 50 },
    breaks: tear,
    last: 59,
    says: /cut off the torn end/,
  },
  {
    what: "a newest snapshot that cannot be read",
    breaks: (disk) => damage(disk, snapFile(40), 10, new Uint8Array(5).fill(9)),
    says: /snapshot at 20 takes its place/,
  },
  {
    what: "no snapshot that can be read, and the whole log",
    breaks: (disk) => {
      for (const index of SHAPE.snapshots) damage(disk, snapFile(index), 10, new Uint8Array(5));
    },
    says: /the log from its beginning takes its place/,
  },
  {
    what: "what a crash has left",
    breaks: (disk) => {
      writeFile(disk, `${SNAP_DIR}/db.tmp.123`, [new Uint8Array(10)]);
      writeFile(disk, `${SNAP_DIR}/tmp0000.snap.db.part`, [new Uint8Array(10)]);
      writeFile(disk, `${SNAP_DIR}/${snapshotDatabaseName(5)}`, [new Uint8Array(10)]);
    },
    says: /a crash has left it/,
  },
  {
    what: "a database that is gone, and the whole log",
    breaks: (disk) => disk.remove(DATABASE),
    says: /made an empty database/,
  },
  {
    what: "a database of garbage, and the whole log",
    breaks: (disk) => damage(disk, DATABASE, 0, new Uint8Array(16_384).fill(7)),
    says: /made an empty database/,
  },
  {
    what: "a database older than the snapshot, which an older snapshot fits",
    shape: { database: 30 },
    breaks: () => undefined,
    says: /no database is as new/,
  },
  {
    what: "a database that came with the snapshot and has not its name yet",
    shape: { database: 10 },
    breaks: (disk) => fillDatabase(disk, `${SNAP_DIR}/${snapshotDatabaseName(40)}`, 45),
    says: /renamed/,
  },
  {
    what: "a log that is damaged where nothing needs it",
    breaks: (disk) => {
      const { path, position } = segmentOf(disk, 3);
      damage(disk, path, position, bytesFromUtf8("#"));
    },
    says: /damaged before the snapshot at 40/,
  },
];

const HOPELESS: readonly Case[] = [
  {
    what: "a log damaged behind the snapshot",
    breaks: (disk) => {
      const { path, position } = segmentOf(disk, 50);
      damage(disk, path, position, bytesFromUtf8("#"));
    },
    says: /the log cannot be read to its end: wal: crc mismatch/,
  },
  {
    what: "a database behind the end of the log",
    shape: { database: 70 },
    breaks: () => undefined,
    says: /the log has lost its end/,
  },
  {
    what: "no database, and a log without its beginning",
    breaks: (disk) => {
      disk.remove(DATABASE);
      disk.remove(`${WAL_DIR}/${segments(disk)[0]}`);
    },
    says: /the database cannot be had/,
  },
  {
    what: "no database, and a log of a restore",
    shape: { snapshots: [1], entries: 30 },
    breaks: (disk) => disk.remove(DATABASE),
    says: /the database cannot be had/,
  },
  {
    what: "no log",
    breaks: (disk) => {
      for (const name of disk.list(WAL_DIR)) disk.remove(`${WAL_DIR}/${name}`);
    },
    says: /there is no log/,
  },
  {
    what: "a member that runs",
    breaks: (disk) => {
      disk.open(DATABASE, "readWrite").tryLock();
    },
    says: /is in use; stop the member first/,
  },
];

/** Everything below the data directory, and copies that were kept. */
function files(disk: SimulatedDisk, folder: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const name of disk.list(folder)) {
    const path = `${folder}/${name}`;
    if (disk.stat(path)?.kind === "directory") {
      for (const [below, bytes] of files(disk, path)) found.set(below, bytes);
    } else found.set(path, Buffer.from(contentOf(disk, path)));
  }
  return found;
}

function brokenMember({ shape, breaks }: Case, seed = 1): SimulatedDisk {
  const disk = memberOnDisk(seed, { ...SHAPE, ...shape });
  breaks(disk);
  disk.syncDirectory(SNAP_DIR);
  disk.syncDirectory(WAL_DIR);
  return disk;
}

describe("repairDataDir()", () => {
  test("finds nothing to do for a member that is whole", async () => {
    const disk = memberOnDisk(1, SHAPE);
    const before = files(disk, "/data");
    const { outcome, lines } = await repaired(disk);
    expect(outcome).toBe("whole");
    expect(lines).toContain(
      "log: 3 segments, entries from the snapshot at 40 to 60, committed up to 60",
    );
    expect(files(disk, "/data")).toEqual(before);
    expectStartable(disk, 60);
  });

  test.each(REPAIRABLE.map((each) => [each.what, each] as const))("repairs %s", async (_, each) => {
    const disk = brokenMember(each);
    const before = files(disk, DATA_DIR);
    const { outcome, lines } = await repaired(disk);
    expect(lines.join("\n")).toMatch(each.says);
    expect(outcome).toBe("repaired");
    expectStartable(disk, each.last ?? each.shape?.entries ?? SHAPE.entries);
    const after = files(disk, DATA_DIR);
    const kept = [...files(disk, "/data")].filter(([path]) => !path.startsWith(`${DATA_DIR}/`));
    for (const [path, bytes] of before) {
      if (after.get(path)?.equals(bytes) === true) continue;
      const copy = kept.find(([name]) => name.endsWith(path.slice(path.lastIndexOf("/"))));
      expect(copy?.[1].equals(bytes), path).toBe(true);
    }
    expect((await repaired(disk)).outcome).toBe("whole");
  });

  test.each(HOPELESS.map((each) => [each.what, each] as const))("refuses %s", async (_, each) => {
    const disk = brokenMember(each);
    const before = files(disk, "/data");
    const { outcome, lines } = await repaired(disk);
    expect(lines.join("\n")).toMatch(each.says);
    expect(outcome).toBe("refused");
    expect(files(disk, "/data")).toEqual(before);
  });

  test.each(REPAIRABLE.map((each) => [each.what, each] as const))(
    "is finished by a second one after a crash at any point: %s",
    { timeout: 60_000 },
    async (_, each) => {
      for (let point = 1; ; point++) {
        const disk = brokenMember(each, point);
        disk.crashAt(disk.points + point);
        const isOver = (await repair(disk)) !== undefined;
        for (const survival of ["kept", "lost"] as const) {
          const what = `point ${point}, ${survival}`;
          const after = disk.crash(new Prng(point), { survival });
          expect((await repaired(after)).outcome, what).not.toBe("refused");
          expectStartable(after, each.last ?? SHAPE.entries, what);
        }
        if (isOver) break;
      }
    },
  );

  test("what was repaired can be written again", async () => {
    const disk = brokenMember(REPAIRABLE[0]);
    await repaired(disk);
    const appended = await driven(
      disk,
      (clock) =>
        new Promise<void>((resolve, reject) => {
          const options = { disk, clock, log: new MemoryLog(), directory: WAL_DIR };
          openWal(options, { index: 40, term: 2 }, (failure, opened) => {
            if (opened === undefined) {
              reject(failure ?? new Error("Not opened"));
              return;
            }
            opened.wal.append({ entries: [entryAt(60)] }, (error) => {
              if (error === undefined) resolve();
              else reject(error);
            });
          });
        }),
    );
    expect(appended).toBeDefined();
    expectStartable(disk, 60);
  });
});
