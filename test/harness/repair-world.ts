/** A member on a simulated disk as it lies there after it has stopped, and ways to damage it. */
import { ManualClock } from "../../sim/manual-clock.ts";
import { MemoryLog } from "../../sim/memory-log.ts";
import { SimulatedDisk } from "../../sim/disk.ts";
import { Backend } from "../../src/backend/backend.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import { Prng } from "../../src/stdx/prng.ts";
import { createWal } from "../../src/wal/create-wal.ts";
import { saveSnapshotFile } from "../../src/wal/snapshot-files.ts";
import type { WalDone } from "../../src/wal/types.ts";
import type { Wal } from "../../src/wal/wal.ts";
import { createConfState, type Entry, EntryType } from "../../src/wire/gen/raft.ts";

export const DATA_DIR = "/data/m";
export const WAL_DIR = `${DATA_DIR}/member/wal`;
export const SNAP_DIR = `${DATA_DIR}/member/snap`;
export const DATABASE = `${SNAP_DIR}/db`;

const TERM = 2;

export interface MemberShape {
  /** Entries of the log; the first one is a change of the membership. */
  readonly entries: number;
  /** Indexes of snapshots, ascending. */
  readonly snapshots: readonly number[];
  /** The entry up to which the database goes. */
  readonly database: number;
  readonly segmentBytes?: number;
}

/** Makes the member; everything is durable and closed. */
export function memberOnDisk(seed: number, shape: MemberShape): SimulatedDisk {
  const disk = new SimulatedDisk({ random: new Prng(seed) });
  for (const folder of ["/data", DATA_DIR, `${DATA_DIR}/member`, SNAP_DIR]) {
    disk.makeDirectory(folder);
  }
  for (const folder of ["/", "/data", DATA_DIR, `${DATA_DIR}/member`]) disk.syncDirectory(folder);
  const world = new World(disk);
  const wal = world.created(shape.segmentBytes ?? 4096);
  let next = 1;
  for (const index of [...shape.snapshots, shape.entries]) {
    for (; next <= index; next++) {
      const hardState = { term: TERM, vote: 1n, commit: next };
      world.done((done) => wal.append({ entries: [entryAt(next)], hardState }, done));
    }
    if (!shape.snapshots.includes(index)) continue;
    const confState = createConfState({ voters: [1n] });
    const metadata = { index, term: TERM, confState };
    const location = { ...world.environment, directory: SNAP_DIR };
    world.done((done) => saveSnapshotFile(location, { data: bytesFromUtf8("{}"), metadata }, done));
    world.done((done) => wal.append({ snapshot: metadata, entries: [] }, done));
  }
  world.done((done) => wal.close(done));
  fillDatabase(disk, DATABASE, shape.database);
  return disk;
}

/** A database that holds what the entries up to `index` have put. */
export function fillDatabase(disk: SimulatedDisk, path: string, index: number): void {
  const backend = Backend.open(disk, path);
  for (let at = 1; at <= index; at++) {
    backend.put("key", bytesFromUtf8(`key ${at}`), bytesFromUtf8("x".repeat(200)));
  }
  backend.commit({ index, term: TERM }, () => undefined);
  disk.runUntilIdle();
  backend.close();
  disk.syncDirectory(SNAP_DIR);
}

export function entryAt(index: number): Entry {
  const type = index === 1 ? EntryType.EntryConfChange : EntryType.EntryNormal;
  return { type, term: TERM, index, data: bytesFromUtf8(`entry ${index} ${"y".repeat(100)}`) };
}

/** The index that an entry of `entryAt` says of itself. */
export function indexIn({ data }: Entry): number {
  return Number(utf8FromBytes(data ?? new Uint8Array(0)).split(" ")[1]);
}

/** Overwrites bytes of a file where they are, durably. */
export function damage(
  disk: SimulatedDisk,
  path: string,
  position: number,
  bytes: Uint8Array,
): void {
  const file = disk.open(path, "readWrite");
  file.write([bytes], position, "durable", () => undefined);
  disk.runUntilIdle();
  file.close();
}

class World {
  readonly environment: {
    readonly disk: SimulatedDisk;
    readonly clock: ManualClock;
    readonly log: MemoryLog;
  };
  readonly #disk: SimulatedDisk;

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
    this.environment = { disk, clock: new ManualClock(), log: new MemoryLog() };
  }

  created(segmentBytes: number): Wal {
    let wal: Wal | undefined;
    const options = { ...this.environment, directory: WAL_DIR, segmentBytes };
    createWal(options, bytesFromUtf8("metadata"), (_failure, created) => {
      wal = created;
    });
    this.#run();
    if (wal === undefined) throw new Error("Cannot make a log");
    return wal;
  }

  /** Drives one operation to its end. */
  done(start: (done: WalDone) => void): void {
    const outcome: { isOver: boolean; failure?: Error | undefined } = { isOver: false };
    start((failure) => {
      outcome.isOver = true;
      outcome.failure = failure;
    });
    this.#run();
    if (!outcome.isOver || outcome.failure !== undefined) {
      throw outcome.failure ?? new Error("An operation does not end");
    }
  }

  #run(): void {
    for (let idle = 0; idle < 3; idle++) {
      this.#disk.runUntilIdle();
      if (this.environment.clock.runDeferred() > 0) idle = 0;
    }
  }
}
