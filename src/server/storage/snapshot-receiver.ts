/**
 * Takes in the database that comes with a snapshot of a leader: into a file of its own, which gets its name
 * when all of it is durable; then Raft is told of the snapshot.
 *
 * Source: etcd server/etcdserver/api/snap/db.go (SaveDBFrom) (3.5).
 */
import { readPosition } from "../../backend/backend.ts";
import { BoltError, CorruptionError } from "../../bolt/errors.ts";
import type { Member } from "../../member/member.ts";
import type { SnapshotSink } from "../../peer/network.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Disk, DiskError, type DiskFile } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import { humanBytes } from "../../stdx/humanize.ts";
import type { SnapshotFileMetrics } from "../../wal/metrics.ts";
import { snapshotDatabaseName, temporarySnapshotDatabaseName } from "../../wal/snapshot-files.ts";
import type { Message } from "../../wire/gen/raft.ts";
import { SNAPSHOT_SYNC_BYTES, SNAPSHOT_WRITE_BYTES, SNAPSHOTS_RECEIVED_MAX } from "../limits.ts";

export interface SnapshotReceiverParts {
  readonly member: Pick<Member, "step">;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<SnapshotFileMetrics, "databaseFsyncSeconds" | "databaseSaveSeconds">;
  /** Directory of the snapshots. */
  readonly directory: string;
  /** Bytes that are left free on the disk: for the log, without which nothing goes on. */
  readonly reserveBytes: number;
  /** Called after the member was given something. */
  readonly poke: () => void;
}

type Done = (failure: Error | undefined) => void;

const GIVEN_UP = new Error("the snapshot was given up");

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
  readonly #startMs: number;
  readonly #index: number;
  readonly #onEnd: () => void;
  readonly #temporaryPath: string;
  readonly #file: DiskFile;
  /** Small chunks gather in one half while the other is being written. */
  #gathering = new Uint8Array(SNAPSHOT_WRITE_BYTES);
  #spare = new Uint8Array(SNAPSHOT_WRITE_BYTES);
  #gathered = 0;
  /** Written, or being written. */
  #bytes = 0;
  #unsyncedBytes = 0;
  #isWriting = false;
  /** Goes on when nothing is being written. */
  #waiting: (() => void) | undefined;
  #failure: Error | undefined;
  #isAborted = false;
  #isOver = false;

  /** Errors: DiskError. */
  constructor(parts: SnapshotReceiverParts, message: Message, index: number, onEnd: () => void) {
    const { disk, directory } = parts;
    this.#parts = parts;
    this.#startMs = parts.clock.nowMs();
    this.#message = message;
    this.#index = index;
    this.#onEnd = onEnd;
    this.#temporaryPath = `${directory}/${temporarySnapshotDatabaseName(index)}`;
    disk.remove(this.#temporaryPath);
    this.#file = disk.open(this.#temporaryPath, "create", 0o600);
  }

  write(chunk: Uint8Array, done: Done): void {
    if (this.#failure !== undefined || this.#isOver) {
      this.#answer(done);
    } else if (this.#gathered + chunk.length <= this.#gathering.length) {
      this.#gathering.set(chunk, this.#gathered);
      this.#gathered += chunk.length;
      this.#answer(done);
    } else {
      this.#flush(() => {
        if (chunk.length <= this.#gathering.length) this.write(chunk, done);
        else this.#writeAll(chunk, () => this.#answer(done));
      });
    }
  }

  finish(done: Done): void {
    this.#flush(() => {
      this.#whenIdle(() => {
        if (this.#failure !== undefined || this.#isOver) {
          const failure = this.#failure ?? GIVEN_UP;
          this.#remove();
          this.#parts.clock.defer(() => done(failure));
          return;
        }
        this.#isWriting = true;
        this.#sync(() => {
          this.#failure ??= this.#isOver ? undefined : this.#attempt(() => this.#take());
          if (this.#failure !== undefined) this.#remove();
          done(this.#isAborted ? GIVEN_UP : this.#failure);
        });
      });
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

  #answer(done: Done): void {
    this.#parts.clock.defer(() => done(this.#isOver ? GIVEN_UP : this.#failure));
  }

  /** Begins to write what has gathered, after what is being written; then goes on with `next`. */
  #flush(next: () => void): void {
    this.#whenIdle(() => {
      const full = this.#gathering.subarray(0, this.#gathered);
      this.#gathering = this.#spare;
      this.#spare = new Uint8Array(full.buffer);
      this.#gathered = 0;
      if (full.length > 0) this.#writeAll(full, undefined);
      next();
    });
  }

  #whenIdle(next: () => void): void {
    if (this.#isWriting) this.#waiting = next;
    else next();
  }

  /** Writes bytes, borrowed until `next`. */
  #writeAll(bytes: Uint8Array, next: (() => void) | undefined): void {
    this.#whenIdle(() => {
      this.#failure ??= this.#isOver ? undefined : this.#roomFor(bytes.length);
      if (this.#failure !== undefined || this.#isOver) {
        next?.();
        return;
      }
      const position = this.#bytes;
      this.#bytes += bytes.length;
      this.#unsyncedBytes += bytes.length;
      this.#isWriting = true;
      this.#file.write([bytes], position, "volatile", (error) => {
        this.#failure ??= error;
        // A whole gigabyte flushed at the end would hold up the writes of the log.
        const isDue = this.#failure === undefined && this.#unsyncedBytes >= SNAPSHOT_SYNC_BYTES;
        if (isDue) this.#sync(next);
        else this.#settled(next);
      });
    });
  }

  #roomFor(bytes: number): Error | undefined {
    if (this.#unsyncedBytes > 0) return undefined;
    const { disk, directory, reserveBytes } = this.#parts;
    const freeBytes = disk.freeBytes(directory) ?? Number.POSITIVE_INFINITY;
    if (freeBytes >= reserveBytes + bytes + SNAPSHOT_SYNC_BYTES) return undefined;
    const detail = `no space left on device but the ${reserveBytes} bytes that the log may need`;
    return new DiskError("write", this.#temporaryPath, "ENOSPC", detail);
  }

  #sync(next: (() => void) | undefined): void {
    const { clock, metrics } = this.#parts;
    const startMs = clock.nowMs();
    this.#file.sync((error) => {
      metrics.databaseFsyncSeconds.observe((clock.nowMs() - startMs) / 1000);
      this.#unsyncedBytes = 0;
      this.#failure ??= error;
      this.#settled(next);
    });
  }

  /** Nothing is being written any more. */
  #settled(next: (() => void) | undefined): void {
    this.#isWriting = false;
    if (this.#isAborted) this.#remove();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    next?.();
    waiting?.();
  }

  /** All of it is durable: names it and tells Raft. */
  #take(): void {
    const { disk, directory, log, member, poke, clock, metrics } = this.#parts;
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
    metrics.databaseSaveSeconds.observe((clock.nowMs() - this.#startMs) / 1000);
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
