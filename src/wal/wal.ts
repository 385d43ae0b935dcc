/**
 * The write-ahead log of one member, open for appending.
 *
 * Group commit: batches are encoded when they arrive, into one buffer. One write is under way at a time;
 * what gathers meanwhile goes with the next one, as one durable write of one chunk of memory. `done` is
 * called in the order of the calls.
 *
 * As in etcd a batch waits for the device only when it has entries, a snapshot, or a new term or vote. A
 * hard state that only moves the commit index stays in memory until the next write that must be durable:
 * nothing was promised by it.
 *
 * Cut: the write that fills a segment is its last. From then on records gather for the next segment, behind
 * its head (crc, metadata, hard state), and are written together with it into the file that was made ahead
 * as `0.tmp` or `1.tmp`; then that is renamed, the directory synced, and only then anybody told. A crash in
 * between leaves the finished segment as the end of the log. While no file is ready the segment grows on.
 *
 * A failed write is final: what is on the device is unknown, so all further calls fail with the same error
 * and the caller ends the process ("Can Applications Recover from fsync Failures?", USENIX ATC 2020).
 *
 * Source: etcd server/wal (3.5) for what is written when.
 */
import { DiskError } from "../ports/disk.ts";
import type { DiskFile } from "../ports/disk.ts";
import { assert } from "../stdx/assert.ts";
import { formatGoDuration } from "../stdx/go-duration.ts";
import { MetricsRegistry } from "../stdx/metrics/registry.ts";
import type { HardState } from "../wire/gen/raft.ts";
import { HeldSegments, purgeSegments } from "./held-segments.ts";
import type { HeldSegment } from "./held-segments.ts";
import {
  LAZY_BYTES_MAX,
  PREPARE_AT_FRACTION,
  SEGMENT_BYTES,
  SLOW_SYNC_MS,
  ZERO_CHUNK_BYTES,
} from "./limits.ts";
import { WalMetrics } from "./metrics.ts";
import { NextSegment } from "./next-segment.ts";
import { RecordBuffer } from "./record-buffer.ts";
import { segmentName } from "./segment-name.ts";
import type { SegmentName } from "./segment-name.ts";
import type { WalBatch, WalDone, WalFailure, WalOptions } from "./types.ts";
import { WalError } from "./wal-error.ts";
import { ZeroAhead } from "./zero-ahead.ts";

/** Where an open log stands; made by `createWal` and `openWal`. */
export interface WalStart {
  /** Open and locked, oldest first; the last one is written on. */
  readonly segments: HeldSegment[];
  /** Where the next record goes. */
  readonly position: number;
  /** Checksum over the data of all records so far. */
  readonly crc: number;
  readonly metadata: Uint8Array | undefined;
  readonly hardState: HardState;
  /** Index of the last entry or of a later snapshot. */
  readonly lastIndex: number;
}

export class Wal {
  readonly #options: WalOptions;
  readonly #segmentBytes: number;
  readonly #metrics: WalMetrics;
  readonly #records: RecordBuffer;
  readonly #segments: HeldSegments;
  readonly #next: NextSegment;
  readonly #metadata: Uint8Array | undefined;
  #zeroAhead: ZeroAhead;
  #position: number;
  /** Size of the last write. */
  #writeBytes = 0;
  #hardState: HardState;
  #lastIndex: number;
  /** Of the records gathered: who waits, and whether they must be durable. */
  #waiters: WalDone[] = [];
  #mustSync = false;
  /** Who waits for nothing but its turn. */
  #idleWaiters: WalDone[] = [];
  #isWriting = false;
  /** The segment that the records gathered are the first of. */
  #cutTo: SegmentName | undefined;
  #failure: WalFailure | undefined;
  #onClosed: WalDone | undefined;
  #isClosed = false;

  constructor(options: WalOptions, start: WalStart) {
    this.#options = options;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#metrics = options.metrics ?? new WalMetrics(new MetricsRegistry());
    this.#records = new RecordBuffer(start.crc);
    this.#segments = new HeldSegments(start.segments);
    this.#next = new NextSegment(options.disk, options.directory, this.#segmentBytes);
    this.#metadata = start.metadata;
    this.#position = start.position;
    this.#hardState = { ...start.hardState };
    this.#lastIndex = start.lastIndex;
    this.#zeroAhead = this.#zerosFor(this.#segments.last.file, this.#position);
    this.#prepareAhead();
  }

  /** Why the log can never be written again; `undefined` while it can. */
  get failure(): WalFailure | undefined {
    return this.#failure;
  }

  /** Names of the segments kept open, oldest first; the last one is written. */
  get segmentNames(): readonly string[] {
    return this.#segments.names;
  }

  /**
   * Appends a batch. `done` is called when it is durable (or, where nothing has to be, after all earlier
   * ones). The batch is borrowed until return. Entries follow the last one or overwrite earlier ones.
   */
  append(batch: WalBatch, done: WalDone): void {
    if (this.#refuses(done)) return;
    const { clock } = this.#options;
    const startMs = clock.nowMs();
    if (this.#encode(batch)) this.#mustSync = true;
    this.#metrics.writeSeconds.observe((clock.nowMs() - startMs) / 1000);
    this.#waiters.push(done);
    this.#proceed();
  }

  /** Calls `done` when everything appended before, also what need not be, is durable. */
  sync(done: WalDone): void {
    if (this.#refuses(done)) return;
    if (this.#records.length > 0) this.#mustSync = true;
    this.#waiters.push(done);
    this.#proceed();
  }

  /** Lets go of the segments that a member with a snapshot at `index` does not need. Throws `DiskError`. */
  releaseTo(index: number): void {
    this.#segments.releaseTo(index);
  }

  /**
   * Removes the oldest segments beyond the newest `keep` (0: none), up to the first not released. Returns
   * their names. Throws `DiskError`.
   */
  purge(keep: number): string[] {
    const { disk, directory } = this.#options;
    return purgeSegments(disk, directory, this.#segments.names, keep);
  }

  /** Makes everything durable, waits for what is under way, and closes the files. Fails later calls. */
  close(done: WalDone): void {
    if (this.#onClosed !== undefined) {
      this.#options.clock.defer(() => done(undefined));
      return;
    }
    this.#onClosed = done;
    this.#zeroAhead.stop();
    if (this.#records.length > 0 && this.#failure === undefined) this.#mustSync = true;
    this.#proceed();
  }

  #refuses(done: WalDone): boolean {
    const isClosed = this.#onClosed !== undefined;
    const failure = this.#failure ?? (isClosed ? new WalError("closed") : undefined);
    if (failure === undefined) return false;
    this.#options.clock.defer(() => done(failure));
    return true;
  }

  /** Encodes the batch; returns whether it must be durable. */
  #encode({ snapshot, entries, hardState }: WalBatch): boolean {
    const records = this.#records;
    let mustSync = false;
    if (snapshot !== undefined) {
      records.snapshot(snapshot);
      this.#lastIndex = Math.max(this.#lastIndex, snapshot.index);
      mustSync = true;
    }
    if (entries.length > 0) {
      const first = entries[0].index;
      assert(
        first <= this.#lastIndex + 1,
        () => `Cannot append entry ${first} after ${this.#lastIndex}`,
      );
      for (let n = 0; n < entries.length; n++) {
        assert(entries[n].index === first + n, "Entries of a batch do not follow each other");
        records.entry(entries[n]);
      }
      this.#lastIndex = first + entries.length - 1;
      mustSync = true;
    }
    if (hardState !== undefined && !isEmpty(hardState)) {
      const { term, vote, commit } = hardState;
      if (term !== this.#hardState.term || vote !== this.#hardState.vote) mustSync = true;
      this.#hardState = { term, vote, commit };
      records.hardState(hardState);
    }
    return mustSync || records.length > LAZY_BYTES_MAX;
  }

  /** Starts what can be started. Called after every change of state. */
  #proceed(): void {
    if (this.#isWriting) return;
    if (this.#failure === undefined) {
      try {
        if (this.#mustSync) this.#startWrite();
        else this.#deferIdle();
      } catch (error) {
        this.#failWith(error);
      }
    }
    if (this.#onClosed !== undefined) this.#closeWhenIdle(this.#onClosed);
  }

  /** Waiters without records that must be durable are called soon, in turn. */
  #deferIdle(): void {
    if (this.#waiters.length === 0) return;
    const isScheduled = this.#idleWaiters.length > 0;
    this.#idleWaiters.push(...this.#waiters);
    this.#waiters = [];
    if (!isScheduled) this.#options.clock.defer(() => this.#callIdle());
  }

  #callIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const done of waiters) done(undefined);
  }

  /** Writes all records gathered, unless a chunk of zeros is in the way; its end calls again. */
  #startWrite(): void {
    const cutTo = this.#cutTo;
    const file = cutTo === undefined ? this.#segments.last.file : this.#takeNext();
    const start = cutTo === undefined ? this.#position : 0;
    const end = start + this.#records.length;
    if (cutTo === undefined && this.#zeroAhead.overlaps(end)) return;
    if (end >= this.#segmentBytes && this.#next.error !== undefined) throw this.#next.error;
    const taken = this.#records.take();
    this.#writeBytes = taken.length;
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#mustSync = false;
    this.#cutTo = undefined;
    this.#isWriting = true;
    this.#position = end;
    const willCut = this.#beginCut(end);
    const { clock, unsafeNoSync } = this.#options;
    const startMs = clock.nowMs();
    file.write([taken], start, unsafeNoSync === true ? "volatile" : "durable", (error) => {
      this.#isWriting = false;
      this.#records.giveBack(taken);
      this.#observe(taken.length, clock.nowMs() - startMs);
      if (error === undefined) {
        this.#finishWrite(file, cutTo, willCut, waiters);
      } else {
        this.#failWith(error, waiters);
        // Whoever closes the log waits for this write.
        this.#proceed();
      }
    });
    if (cutTo === undefined) this.#prepareAhead();
  }

  /** When the write up to `end` is the last of its segment, starts to gather for the next one. */
  #beginCut(end: number): boolean {
    if (end < this.#segmentBytes || !this.#next.isReady) return false;
    this.#zeroAhead.stop();
    this.#cutTo = segmentName(this.#segments.last.name.sequence + 1, this.#lastIndex + 1);
    this.#records.crcRecord();
    this.#records.metadata(this.#metadata);
    if (!isEmpty(this.#hardState)) this.#records.hardState(this.#hardState);
    this.#mustSync = true;
    return true;
  }

  #takeNext(): DiskFile {
    const file = this.#next.take();
    assert(file !== undefined, "The next segment is gone");
    return file;
  }

  #finishWrite(
    file: DiskFile,
    cutTo: SegmentName | undefined,
    willCut: boolean,
    waiters: WalDone[],
  ): void {
    try {
      if (cutTo !== undefined) this.#publish(file, cutTo);
      if (willCut) this.#trim(this.#segments.last, this.#position);
      this.#prepareAhead();
    } catch (error) {
      this.#failWith(error, waiters);
      this.#proceed();
      return;
    }
    const idleWaiters = this.#idleWaiters;
    this.#idleWaiters = [];
    // The device starts on the next batch before the answers for this one are made.
    this.#proceed();
    for (const done of idleWaiters) done(undefined);
    for (const done of waiters) done(undefined);
  }

  /** Gives the segment just begun its name, for good. */
  #publish(written: DiskFile, name: SegmentName): void {
    const { disk, directory, log } = this.#options;
    const path = `${directory}/${name.name}`;
    disk.rename(written.path, path);
    disk.syncDirectory(directory);
    written.close();
    // Opened again, so that errors name it rightly and the lock is on the name that others see.
    const file = disk.open(path, "readWrite");
    this.#segments.add({ name, file, isTrimming: false });
    if (!file.tryLock()) throw new WalError("locked", `"${path}"`);
    this.#zeroAhead = this.#zerosFor(file, ZERO_CHUNK_BYTES);
    log.info("created a new WAL segment", { path });
  }

  /** Cuts off the zeros behind a finished segment. Nothing depends on when that is durable. */
  #trim(segment: HeldSegment, size: number): void {
    if (segment.file.size() <= size) return;
    segment.file.truncate(size);
    segment.isTrimming = true;
    segment.file.sync((error) => {
      segment.isTrimming = false;
      if (error !== undefined) this.#failWith(error);
      this.#proceed();
    });
  }

  #zerosFor(file: DiskFile, from: number): ZeroAhead {
    const limit = this.#options.unsafeNoSync === true ? 0 : this.#segmentBytes;
    const zeroAhead = new ZeroAhead(file, from, limit, (error) => {
      if (error !== undefined) this.#failWith(error);
      else zeroAhead.advance(this.#position, this.#writeBytes);
      this.#proceed();
    });
    return zeroAhead;
  }

  /** Keeps what is prepared ahead of the records: zeros, and the next segment. */
  #prepareAhead(): void {
    this.#zeroAhead.advance(this.#position, this.#writeBytes);
    if (this.#position < this.#segmentBytes * PREPARE_AT_FRACTION) return;
    this.#next.prepare(() => this.#proceed());
  }

  #observe(bytes: number, elapsedMs: number): void {
    this.#metrics.writtenBytes.add(bytes);
    if (this.#options.unsafeNoSync !== true) this.#metrics.fsyncSeconds.observe(elapsedMs / 1000);
    if (elapsedMs <= SLOW_SYNC_MS) return;
    this.#options.log.warn("slow fdatasync", {
      took: goDuration(elapsedMs),
      "expected-duration": goDuration(SLOW_SYNC_MS),
    });
  }

  /** Ends the life of the log for good and tells everybody who waits. */
  #failWith(error: unknown, waiters: readonly WalDone[] = []): void {
    if (!(error instanceof DiskError || error instanceof WalError)) throw error;
    this.#failure ??= error;
    this.#zeroAhead.stop();
    const all = [...waiters, ...this.#waiters];
    this.#waiters = [];
    this.#mustSync = false;
    const failure = this.#failure;
    this.#options.clock.defer(() => {
      for (const done of all) done(failure);
    });
  }

  #closeWhenIdle(done: WalDone): void {
    if (this.#isClosed || this.#isWriting || this.#mustSync) return;
    if (this.#zeroAhead.isUnderWay || this.#segments.isTrimming || this.#next.isBusy) return;
    this.#isClosed = true;
    try {
      this.#next.discard();
      this.#segments.closeAll();
    } catch (error) {
      this.#failWith(error);
    }
    this.#options.clock.defer(() => done(this.#failure));
  }
}

function goDuration(milliseconds: number): string {
  return formatGoDuration(BigInt(Math.round(milliseconds * 1e6)));
}

function isEmpty(state: HardState): boolean {
  return state.term === 0 && state.vote === 0n && state.commit === 0;
}
