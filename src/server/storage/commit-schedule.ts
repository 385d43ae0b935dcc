/**
 * When the backend commits: a batch interval after the first change, or as soon as enough changes have
 * gathered. A commit writes its pages while new changes gather in the next transaction; only one is under
 * way. When a defragmentation has a copy of the database ready, the next commit switches to it.
 *
 * Source: etcd server/storage/backend (batchInterval, batchLimit).
 */
import type { Applier } from "../../apply/applier.ts";
import type { Backend, Position } from "../../backend/backend.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { DiskError } from "../../ports/disk.ts";

export interface CommitScheduleOptions {
  readonly intervalMs: number;
  /** Changes of the backend. */
  readonly changesMax: number;
}

/** Whoever waits for a commit that holds everything applied so far. */
export interface CommitWaiter {
  /**
   * The commit begins: it holds what was applied up to `position`, no more and no less. Called again when it
   * could not be made and another one begins in its place.
   */
  onBegun(position: Position): void;
  /** It is durable, and no later one is. */
  onDurable(): void;
  /** It has failed, which ends the member. */
  onFailed?(): void;
}

export class CommitSchedule {
  readonly #backend: Backend;
  readonly #applier: Applier;
  readonly #clock: Clock;
  readonly #options: CommitScheduleOptions;
  readonly #onFailure: (error: DiskError) => void;
  #timer: Timer | undefined;
  #committing = false;
  #frozen = false;
  #begun = 0;
  /** Told of the next commit that begins. */
  #waiting: CommitWaiter[] = [];

  constructor(
    backend: Backend,
    applier: Applier,
    clock: Clock,
    options: CommitScheduleOptions,
    onFailure: (error: DiskError) => void,
  ) {
    this.#backend = backend;
    this.#applier = applier;
    this.#clock = clock;
    this.#options = options;
    this.#onFailure = onFailure;
  }

  /** Commits that have begun: two equal numbers mean that no change between them is committed. */
  get begun(): number {
    return this.#begun;
  }

  /** No commit begins any more, and nobody is told of one that is under way. */
  freeze(): void {
    this.#frozen = true;
    this.#timer?.cancel();
  }

  get isFrozen(): boolean {
    return this.#frozen;
  }

  /** Begins a commit now, unless one is under way. */
  hurry(): void {
    this.#commit();
  }

  /** Looks whether a commit is due; called after every turn that may have applied something. */
  afterApply(): void {
    const changes = this.#backend.pendingChanges;
    if (changes === 0 || this.#frozen) return;
    if (changes >= this.#options.changesMax) this.#commit();
    else this.#timer ??= this.#clock.after(this.#options.intervalMs, () => this.#intervalOver());
  }

  /** Commits as soon as possible; `done` is called when everything applied so far is durable. */
  force(done: () => void): void {
    this.forceFor({ onBegun: () => {}, onDurable: done });
  }

  /** As `force`, but `done` is also called when the commit has failed. */
  finish(done: () => void): void {
    this.forceFor({ onBegun: () => {}, onDurable: done, onFailed: done });
  }

  /** As `force`, for somebody who has to know what exactly is in that commit. */
  forceFor(waiter: CommitWaiter): void {
    this.#waiting.push(waiter);
    this.#commit();
  }

  #intervalOver(): void {
    this.#timer = undefined;
    this.#commit();
  }

  #commit(): void {
    if (this.#committing || this.#frozen) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#committing = true;
    this.#begun++;
    const told = this.#waiting;
    this.#waiting = [];
    const position = this.#begin(told);
    if (this.#backend.isCopyReady) {
      this.#backend.commitToCopy(position, (outcome) => {
        if (outcome === "kept") this.#commitAsBefore(told);
        else this.#committed(outcome === "switched" ? undefined : outcome, told);
      });
    } else {
      this.#backend.commit(position, (error) => this.#committed(error, told));
    }
  }

  /** After a copy has failed: what was to be in its commit is in the one of the old file. */
  #commitAsBefore(told: readonly CommitWaiter[]): void {
    this.#backend.commit(this.#begin(told), (error) => this.#committed(error, told));
  }

  #begin(told: readonly CommitWaiter[]): Position {
    const position = this.#applier.position();
    for (const waiter of told) waiter.onBegun(position);
    return position;
  }

  #committed(error: DiskError | undefined, told: readonly CommitWaiter[]): void {
    this.#committing = false;
    if (error !== undefined) {
      this.#onFailure(error);
      for (const waiter of [...told, ...this.#waiting]) waiter.onFailed?.();
      return;
    }
    if (this.#frozen) return;
    for (const waiter of told) waiter.onDurable();
    if (this.#waiting.length > 0) this.#commit();
    else this.afterApply();
  }
}
