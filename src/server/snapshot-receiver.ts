/**
 * Takes in the database that comes with a snapshot of a leader: into a file of its own, which gets its name
 * when all of it is durable; then Raft is told of the snapshot.
 *
 * Source: etcd server/etcdserver/api/snap/db.go (SaveDBFrom) (3.5).
 */
import { readPosition } from "../backend/backend.ts";
import { BoltError, CorruptionError } from "../bolt/errors.ts";
import type { Member } from "../member/member.ts";
import type { SnapshotSink } from "../peer/network.ts";
import type { Clock } from "../ports/clock.ts";
import { type Disk, DiskError, type DiskFile } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import { humanBytes } from "../stdx/humanize.ts";
import { snapshotDatabaseName, temporarySnapshotDatabaseName } from "../wal/snapshot-files.ts";
import type { Message } from "../wire/gen/raft.ts";
import { SNAPSHOT_SYNC_BYTES, SNAPSHOTS_RECEIVED_MAX } from "./limits.ts";

export interface SnapshotReceiverParts {
  readonly member: Member;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** Directory of the snapshots. */
  readonly directory: string;
  /** Bytes that are left free on the disk: for the log, without which nothing goes on. */
  readonly reserveBytes: number;
  /** Called after the member was given something. */
  readonly poke: () => void;
}

type Done = (failure: Error | undefined) => void;

export class SnapshotReceiver {
  readonly #parts: SnapshotReceiverParts;
  /** Indexes of the snapshots that are arriving. */
  readonly #arriving = new Set<number>();

  constructor(parts: SnapshotReceiverParts) {
    this.#parts = parts;
  }

  /** See `PeerReceiver.onSnapshot`. */
  receive(message: Message): SnapshotSink {
    const index = message.snapshot?.metadata.index ?? 0;
    const { clock } = this.#parts;
    if (index === 0) return refusal(clock, "the snapshot is empty");
    if (this.#arriving.has(index)) {
      return refusal(clock, `the snapshot at ${index} is arriving already`);
    }
    if (this.#arriving.size >= SNAPSHOTS_RECEIVED_MAX) {
      return refusal(clock, "too many snapshots are arriving");
    }
    this.#arriving.add(index);
    try {
      return new ArrivingDatabase(this.#parts, message, index, () => this.#arriving.delete(index));
    } catch (error) {
      this.#arriving.delete(index);
      if (!(error instanceof DiskError)) throw error;
      return refusal(clock, error.message);
    }
  }
}

/** Says why nothing is taken. */
function refusal(clock: Clock, reason: string): SnapshotSink {
  const refuse = (done: Done): void => clock.defer(() => done(new Error(reason)));
  return { write: (_chunk, done) => refuse(done), finish: refuse, abort: () => {} };
}

class ArrivingDatabase implements SnapshotSink {
  readonly #parts: SnapshotReceiverParts;
  readonly #message: Message;
  readonly #index: number;
  readonly #onEnd: () => void;
  readonly #temporaryPath: string;
  readonly #file: DiskFile;
  #bytes = 0;
  #unsyncedBytes = 0;
  #isWriting = false;
  #isAborted = false;
  #isOver = false;

  /** Errors: DiskError. */
  constructor(parts: SnapshotReceiverParts, message: Message, index: number, onEnd: () => void) {
    const { disk, directory } = parts;
    this.#parts = parts;
    this.#message = message;
    this.#index = index;
    this.#onEnd = onEnd;
    this.#temporaryPath = `${directory}/${temporarySnapshotDatabaseName(index)}`;
    disk.remove(this.#temporaryPath);
    this.#file = disk.open(this.#temporaryPath, "create", 0o600);
  }

  write(chunk: Uint8Array, done: Done): void {
    const failure = this.#roomFor(chunk.length);
    if (failure !== undefined) {
      this.#parts.clock.defer(() => done(failure));
      return;
    }
    const position = this.#bytes;
    this.#bytes += chunk.length;
    this.#unsyncedBytes += chunk.length;
    this.#isWriting = true;
    this.#file.write([chunk], position, "volatile", (error) => {
      // A whole gigabyte flushed at the end would hold up the writes of the log.
      if (error === undefined && this.#unsyncedBytes >= SNAPSHOT_SYNC_BYTES) this.#sync(done);
      else this.#ended(error, done);
    });
  }

  finish(done: Done): void {
    this.#isWriting = true;
    this.#sync((failure) => {
      const outcome = failure ?? this.#attempt(() => this.#take());
      if (outcome !== undefined) this.#remove();
      done(outcome);
    });
  }

  abort(reason: string): void {
    if (this.#isOver) return;
    const { log } = this.#parts;
    log.warn("gave up a snapshot that was arriving", {
      "snapshot-index": this.#index,
      bytes: this.#bytes,
      error: reason,
    });
    this.#isAborted = true;
    if (!this.#isWriting) this.#remove();
  }

  #roomFor(bytes: number): Error | undefined {
    if (this.#isOver || this.#isAborted) return new Error("the snapshot was given up");
    if (this.#unsyncedBytes > 0) return undefined;
    const { disk, directory, reserveBytes } = this.#parts;
    const freeBytes = disk.freeBytes(directory) ?? Number.POSITIVE_INFINITY;
    if (freeBytes >= reserveBytes + bytes + SNAPSHOT_SYNC_BYTES) return undefined;
    const detail = `no space left on device but the ${reserveBytes} bytes that the log may need`;
    return new DiskError("write", this.#temporaryPath, "ENOSPC", detail);
  }

  #sync(done: Done): void {
    this.#file.sync((error) => {
      this.#unsyncedBytes = 0;
      this.#ended(error, done);
    });
  }

  #ended(error: Error | undefined, done: Done): void {
    this.#isWriting = false;
    if (!this.#isAborted) {
      done(error);
      return;
    }
    this.#remove();
    done(new Error("the snapshot was given up"));
  }

  /** All of it is durable: names it and tells Raft. */
  #take(): void {
    const { disk, directory, log, member, poke } = this.#parts;
    const position = readPosition(disk, this.#temporaryPath);
    if (position.index < this.#index) {
      throw new BoltError(
        "truncated",
        `the database ends at index ${position.index}, before its snapshot at ${this.#index}`,
      );
    }
    const path = `${directory}/${snapshotDatabaseName(this.#index)}`;
    this.#file.close();
    disk.rename(this.#temporaryPath, path);
    disk.syncDirectory(directory);
    log.info("saved database snapshot to disk", {
      path,
      bytes: this.#bytes,
      size: humanBytes(this.#bytes),
    });
    this.#end();
    member.step(this.#message);
    poke();
  }

  #attempt(take: () => void): Error | undefined {
    try {
      take();
      return undefined;
    } catch (error) {
      const isExpected =
        error instanceof DiskError ||
        error instanceof BoltError ||
        error instanceof CorruptionError;
      if (!isExpected) throw error;
      return error;
    }
  }

  #remove(): void {
    const { disk, log } = this.#parts;
    if (this.#isOver) return;
    this.#end();
    this.#file.close();
    try {
      disk.remove(this.#temporaryPath);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      log.warn("failed to remove a snapshot that was given up", { error: error.message });
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#onEnd();
  }
}
