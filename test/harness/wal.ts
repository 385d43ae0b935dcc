/** A write-ahead log on a simulated disk, with what its tests do again and again. */
import { SimulatedDisk } from "../../sim/disk.ts";
import type { CrashOptions } from "../../sim/disk-faults.ts";
import { ManualClock } from "../../sim/manual-clock.ts";
import { MemoryLog } from "../../sim/memory-log.ts";
import { Prng } from "../../src/stdx/prng.ts";
import { createWal } from "../../src/wal/create-wal.ts";
import { openWal } from "../../src/wal/open-wal.ts";
import type { OpenedWal } from "../../src/wal/open-wal.ts";
import { NO_SNAPSHOT } from "../../src/wal/read-wal.ts";
import type {
  WalBatch,
  WalDone,
  WalFailure,
  WalOptions,
  WalSnapshot,
} from "../../src/wal/types.ts";
import type { Wal } from "../../src/wal/wal.ts";
import type { Entry } from "../../src/wire/gen/raft.ts";

export const WAL_DIRECTORY = "/data/member/wal";
export const METADATA = Uint8Array.of(8, 1, 16, 2);

/** Small, because a simulated disk keeps what is written in memory. */
const SEGMENT_BYTES = 100_000;

export class WalBench {
  readonly disk: SimulatedDisk;
  readonly clock = new ManualClock();
  readonly log = new MemoryLog();
  readonly options: WalOptions;

  constructor(disk: SimulatedDisk, options: Partial<WalOptions> = {}) {
    this.disk = disk;
    const { clock, log } = this;
    const small = { segmentBytes: SEGMENT_BYTES };
    this.options = { disk, clock, log, directory: WAL_DIRECTORY, ...small, ...options };
  }

  /** An empty disk with the parent directory. */
  static fresh(seed: number, options: Partial<WalOptions> = {}): WalBench {
    const disk = new SimulatedDisk({ random: new Prng(seed) });
    disk.makeDirectory("/data/member");
    for (const directory of ["/", "/data"]) disk.syncDirectory(directory);
    return new WalBench(disk, options);
  }

  /** The machine after it went down, or after only the process did. */
  afterCrash(seed: number, fate: "random" | "kept" | "lost" | "process" = "random"): WalBench {
    const crash: CrashOptions = fate === "process" ? { cause: "process" } : { survival: fate };
    const disk = this.disk.crash(new Prng(seed), crash);
    const { segmentBytes, unsafeNoSync } = this.options;
    return new WalBench(disk, {
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
      ...(unsafeNoSync === undefined ? {} : { unsafeNoSync }),
    });
  }

  /** Lets everything under way come to its end. */
  settle(): void {
    do this.disk.runUntilIdle();
    while (this.clock.runDeferred() > 0);
  }

  create(): Wal {
    const { failure, wal } = this.tryCreate();
    if (wal === undefined) throw failure ?? new Error("createWal did not answer");
    return wal;
  }

  tryCreate(): { failure?: WalFailure | undefined; wal?: Wal | undefined } {
    let answer: { failure?: WalFailure | undefined; wal?: Wal | undefined } = {};
    createWal(this.options, METADATA, (failure, wal) => {
      answer = { failure, wal };
    });
    this.settle();
    return answer;
  }

  open(start: WalSnapshot = NO_SNAPSHOT): OpenedWal {
    const { failure, opened } = this.tryOpen(start);
    if (opened === undefined) throw failure ?? new Error("openWal did not answer");
    return opened;
  }

  tryOpen(start: WalSnapshot = NO_SNAPSHOT): {
    failure?: WalFailure | undefined;
    opened?: OpenedWal | undefined;
  } {
    let answer: { failure?: WalFailure | undefined; opened?: OpenedWal | undefined } = {};
    openWal(this.options, start, (failure, opened) => {
      answer = { failure, opened };
    });
    this.settle();
    return answer;
  }

  /** Appends and waits; throws the failure. */
  append(wal: Wal, batch: WalBatch): void {
    this.#wait((done) => wal.append(batch, done));
  }

  close(wal: Wal): void {
    this.#wait((done) => wal.close(done));
  }

  #wait(start: (done: WalDone) => void): void {
    let answer: { failure: WalFailure | undefined } | undefined;
    start((failure) => {
      answer = { failure };
    });
    if (answer !== undefined) throw new Error("done was called too early");
    this.settle();
    if (answer === undefined) throw new Error("done was not called");
    const { failure } = answer as { failure: WalFailure | undefined };
    if (failure !== undefined) throw failure;
  }
}

/** An entry whose data tell its index and term, `size` bytes of them. */
export function entryOf(index: number, term = 1, size = 8): Entry {
  const data = new Uint8Array(size);
  for (let at = 0; at < size; at++) data[at] = (index * 31 + term * 7 + at) | 1;
  return { type: 0, term, index, data };
}

/** The bytes of a file. */
export function fileBytes(disk: SimulatedDisk, path: string): Uint8Array {
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  file.close();
  return bytes;
}

/** Replaces a file by one with these bytes, durably. */
export function putFile(disk: SimulatedDisk, path: string, bytes: Uint8Array): void {
  disk.remove(path);
  const file = disk.open(path, "create");
  let isDone = false;
  file.write([bytes], 0, "durable", (error) => {
    if (error !== undefined) throw error;
    isDone = true;
  });
  disk.runUntilIdle();
  if (!isDone) throw new Error("the write did not complete");
  file.close();
  disk.syncDirectory(path.slice(0, path.lastIndexOf("/")));
}
