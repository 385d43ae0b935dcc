/**
 * Online defragmentation: a compact copy of the database is made beside it, in slices, while everything goes
 * on; the next commit then goes to the copy, which takes the place of the database. docs/internals/defrag.md
 * has the whole story.
 *
 * One at a time; requests that come meanwhile share the next one. Whatever goes wrong with the copy ends the
 * defragmentation and nothing else.
 *
 * Source for log lines: etcd server/storage/backend/backend.go (defrag).
 */
import type { BackgroundTask } from "../../api/context.ts";
import type { Backend, BackendSizes } from "../../backend/backend.ts";
import type { BackendMetrics } from "../../backend/metrics.ts";
import type { DatabaseCopy } from "../../backend/database-copy.ts";
import { BoltError, CorruptionError } from "../../bolt/errors.ts";
import { GrpcCode } from "../../errors/codes.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Disk, DiskError } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { humanBytes } from "../../stdx/humanize.ts";
import type { BackgroundWork } from "./background-work.ts";
import { defragFinishedFields, defragSizeFields } from "./defrag-log.ts";
import type { CommitSchedule } from "./commit-schedule.ts";
import {
  DEFRAG_COMMIT_BYTES,
  DEFRAG_PROGRESS_MS,
  DEFRAG_REQUESTS_WAITING_MAX,
  DEFRAG_SLICE_ITEMS,
} from "../limits.ts";

type DefragDone = (failure: EtcdError | undefined) => void;

export interface DefragSteps {
  /** Items (large ones count more) that are copied in one slice. */
  readonly sliceItems: number;
  /** Bytes of the copy in one commit to its file. */
  readonly commitBytes: number;
}

const STEPS: DefragSteps = { sliceItems: DEFRAG_SLICE_ITEMS, commitBytes: DEFRAG_COMMIT_BYTES };

export interface DefragmentationParts {
  readonly backend: Backend;
  readonly commits: CommitSchedule;
  readonly work: BackgroundWork;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where the database is. */
  readonly directory: string;
  /** Bytes that a copy leaves free on the disk: for the log, without which nothing goes on. */
  readonly reserveBytes: number;
  readonly defragSteps?: DefragSteps;
  readonly metrics: Pick<BackendMetrics, "defragInflight" | "defragSeconds">;
}

interface Running {
  readonly copy: DatabaseCopy;
  readonly waiters: readonly DefragDone[];
  readonly before: BackendSizes;
  readonly startedMs: number;
  reportedMs: number;
  /** The next commit of the database goes to the copy. */
  isSwitching: boolean;
}

export class Defragmentation implements BackgroundTask {
  readonly #parts: DefragmentationParts;
  readonly #steps: DefragSteps;
  #waiting: DefragDone[] = [];
  #running: Running | undefined;
  #isFrozen = false;
  #stopped = false;

  constructor(parts: DefragmentationParts) {
    this.#parts = parts;
    this.#steps = parts.defragSteps ?? STEPS;
  }

  /**
   * Calls `done`, maybe before it returns, when the database was rewritten, or with why not: Unknown with
   * the text of the error, TooManyRequests, Stopped.
   */
  request(done: DefragDone): void {
    if (this.#stopped) {
      done(Errors.Stopped);
    } else if (this.#waiting.length >= DEFRAG_REQUESTS_WAITING_MAX) {
      done(Errors.TooManyRequests);
    } else {
      this.#waiting.push(done);
      if (this.#running === undefined && !this.#isFrozen) this.#start();
    }
  }

  step(): boolean {
    const running = this.#running;
    if (running === undefined || running.isSwitching) return false;
    const { copy } = running;
    try {
      this.#parts.backend.copySlice(this.#steps.sliceItems);
    } catch (error) {
      // The database cannot be read at a place that nobody else may ever ask for.
      if (!isStorageError(error)) throw error;
      this.#fail(running, error);
      return false;
    }
    this.#reportProgress(running);
    const isDue = copy.isComplete || copy.pendingBytes >= this.#steps.commitBytes;
    if (!isDue && copy.failure === undefined) return true;
    // While one commit is on its way the next gathers, and no more.
    if (!copy.isCommitting) this.#commit(running);
    return false;
  }

  /** Gives up, unless the switch is on its way: that ends with the next commit. */
  stop(): void {
    this.#stopped = true;
    const running = this.#running;
    const waiters = [...(running?.waiters ?? []), ...this.#waiting];
    this.#waiting = [];
    if (running?.isSwitching === false) this.#dropCopy();
    this.#running = undefined;
    this.#parts.metrics.defragInflight.set(0);
    for (const done of waiters) done(Errors.Stopped);
  }

  /** Gives the copy up, also one that is about to take the name of the database. Requests wait from now on. */
  freeze(): void {
    this.#isFrozen = true;
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.#parts.metrics.defragInflight.set(0);
    this.#waiting.unshift(...running.waiters);
    this.#dropCopy();
  }

  /** Whoever waits here is answered by `next`. */
  handOver(next: Defragmentation): void {
    this.freeze();
    const waiters = this.#waiting;
    this.#waiting = [];
    for (const done of waiters) next.request(done);
  }

  #start(): void {
    const { backend, directory, random, clock, disk, log, work } = this.#parts;
    const waiters = this.#waiting;
    this.#waiting = [];
    const before = backend.sizes();
    const path = `${directory}/db.tmp.${random.below(2 ** 32)}`;
    try {
      const freeBytes = disk.freeBytes(directory);
      log.info("defragmenting", {
        path: backend.path,
        ...defragSizeFields(before),
        "temporary-path": path,
        "needed-bytes-max": before.bytesInUse,
        ...(freeBytes === undefined ? {} : { "free-bytes": freeBytes }),
      });
      const copy = backend.beginCopy(path);
      const startedMs = clock.nowMs();
      const reportedMs = startedMs;
      this.#parts.metrics.defragInflight.set(1);
      this.#running = { copy, waiters, before, startedMs, reportedMs, isSwitching: false };
    } catch (error) {
      if (!isStorageError(error)) throw error;
      this.#answer(waiters, failureOf(error));
      return;
    }
    work.add(this);
  }

  #commit(running: Running): void {
    const { backend, commits, work, disk, directory, reserveBytes } = this.#parts;
    const { copy } = running;
    const isLast = copy.isComplete;
    const freeBytes = disk.freeBytes(directory) ?? Number.POSITIVE_INFINITY;
    if (freeBytes < reserveBytes + copy.pendingBytes) {
      const detail = `no space left on device but the ${reserveBytes} bytes that the log may need`;
      this.#fail(running, new DiskError("write", backend.path, "ENOSPC", detail));
      return;
    }
    copy.commit(() => {
      if (this.#running !== running) return;
      if (copy.failure !== undefined) {
        this.#fail(running, copy.failure);
      } else if (isLast) {
        running.isSwitching = true;
        commits.force(() => this.#switched(running));
      } else {
        work.add(this);
      }
    });
  }

  /** A commit was made that went to the copy, if the copy could take it. */
  #switched(running: Running): void {
    if (this.#running !== running) return;
    const { backend, clock, log, metrics } = this.#parts;
    const { copy, before, startedMs, waiters } = running;
    if (copy.failure !== undefined) {
      this.#fail(running, copy.failure);
      return;
    }
    const after = backend.sizes();
    metrics.defragSeconds.observe((clock.nowMs() - startedMs) / 1000);
    log.info("finished defragmenting directory", {
      path: backend.path,
      ...defragFinishedFields(before, after),
      took: goDurationOfMs(clock.nowMs() - startedMs),
    });
    this.#answer(waiters, undefined);
  }

  #fail(running: Running, error: Error): void {
    this.#dropCopy();
    this.#answer(running.waiters, failureOf(error));
  }

  /** Ends a defragmentation; the next one begins if somebody waits for it. */
  #answer(waiters: readonly DefragDone[], failure: EtcdError | undefined): void {
    this.#running = undefined;
    this.#parts.metrics.defragInflight.set(0);
    for (const done of waiters) done(failure);
    if (this.#waiting.length > 0) this.#start();
  }

  #dropCopy(): void {
    try {
      this.#parts.backend.dropCopy();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#parts.log.warn("failed to remove the copy of a defragmentation", {
        error: error.message,
      });
    }
  }

  #reportProgress(running: Running): void {
    const { clock, log, backend } = this.#parts;
    const nowMs = clock.nowMs();
    if (nowMs - running.reportedMs < DEFRAG_PROGRESS_MS) return;
    running.reportedMs = nowMs;
    const { items, bytes } = running.copy.progress;
    log.info("defragmentation goes on", {
      path: backend.path,
      "copied-items": items,
      "copied-bytes": bytes,
      "copied-size": humanBytes(bytes),
      "current-db-size-in-use-bytes": running.before.bytesInUse,
      taking: goDurationOfMs(nowMs - running.startedMs),
    });
  }
}

function isStorageError(error: unknown): error is Error {
  return (
    error instanceof DiskError || error instanceof BoltError || error instanceof CorruptionError
  );
}

function failureOf(error: Error): EtcdError {
  return new EtcdError(GrpcCode.Unknown, error.message);
}
