/** A durable state of the database, read from front to back in slices beside the requests. */
import type { BackgroundTask } from "../../api/context.ts";
import type { PinnedState } from "../../backend/pinned-state.ts";
import type { SnapshotSource } from "../../peer/network.ts";
import { DiskError } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import { assert } from "../../stdx/assert.ts";
import { humanBytes } from "../../stdx/humanize.ts";
import type { BackgroundWork } from "./background-work.ts";
import { SNAPSHOT_READ_BYTES } from "../limits.ts";

type ChunkDone = (chunk: Uint8Array | undefined | Error) => void;

export class PinnedSource implements SnapshotSource, BackgroundTask {
  readonly bytes: number;
  readonly #state: PinnedState;
  readonly #work: BackgroundWork;
  readonly #log: Log;
  /** Lent to the reader, filled again with every call. */
  readonly #chunk: Uint8Array;
  #read = 0;
  #waiting: ChunkDone | undefined;

  /** Takes over `state`. */
  constructor(state: PinnedState, work: BackgroundWork, log: Log) {
    this.#state = state;
    this.#work = work;
    this.#log = log;
    this.bytes = state.bytes;
    this.#chunk = new Uint8Array(Math.min(SNAPSHOT_READ_BYTES, state.bytes));
  }

  next(done: ChunkDone): void {
    assert(this.#waiting === undefined, "One part of a snapshot is read at a time");
    this.#waiting = done;
    this.#work.add(this);
  }

  close(): void {
    this.#waiting = undefined;
    this.#state.close();
  }

  step(): boolean {
    const done = this.#waiting;
    this.#waiting = undefined;
    // The reader may have closed this since it asked.
    done?.(this.#nextChunk());
    return false;
  }

  #nextChunk(): Uint8Array | undefined | Error {
    const { bytes } = this;
    const size = humanBytes(bytes);
    if (this.#read === bytes) {
      this.#log.info("sent database snapshot to writer", { bytes, size });
      return undefined;
    }
    try {
      const chunk = this.#chunk.subarray(0, bytes - this.#read);
      const count = this.#state.readCopy(chunk, this.#read);
      assert(count === chunk.length, "A state of the database must have the size that it says");
      this.#read += count;
      return chunk;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#log.warn("failed to send database snapshot to writer", { size, error: error.message });
      return error;
    }
  }
}
