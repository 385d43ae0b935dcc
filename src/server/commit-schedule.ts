/**
 * When the backend commits: a batch interval after the first change, or as soon as enough changes have
 * gathered. A commit writes its pages while new changes gather in the next transaction; only one is under
 * way. When a defragmentation has a copy of the database ready, the next commit switches to it.
 *
 * Source: etcd server/storage/backend (batchInterval, batchLimit).
 */
import type { Applier } from "../apply/applier.ts";
import type { Backend } from "../backend/backend.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { DiskError } from "../ports/disk.ts";

export interface CommitScheduleOptions {
  readonly intervalMs: number;
  /** Changes of the backend. */
  readonly changesMax: number;
}

export class CommitSchedule {
  readonly #backend: Backend;
  readonly #applier: Applier;
  readonly #clock: Clock;
  readonly #options: CommitScheduleOptions;
  readonly #onFailure: (error: DiskError) => void;
  #timer: Timer | undefined;
  #committing = false;
  #begun = 0;
  /** Told when a commit that begins from now on is durable. */
  #waiting: (() => void)[] = [];

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

  /** Begins a commit now, unless one is under way. */
  hurry(): void {
    this.#commit();
  }

  /** Looks whether a commit is due; called after every turn that may have applied something. */
  afterApply(): void {
    const changes = this.#backend.pendingChanges;
    if (changes === 0) return;
    if (changes >= this.#options.changesMax) this.#commit();
    else this.#timer ??= this.#clock.after(this.#options.intervalMs, () => this.#intervalOver());
  }

  /** Commits as soon as possible; `done` is called when everything applied so far is durable. */
  force(done: () => void): void {
    this.#waiting.push(done);
    this.#commit();
  }

  #intervalOver(): void {
    this.#timer = undefined;
    this.#commit();
  }

  #commit(): void {
    if (this.#committing) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#committing = true;
    this.#begun++;
    const told = this.#waiting;
    this.#waiting = [];
    const position = this.#applier.position();
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
  #commitAsBefore(told: readonly (() => void)[]): void {
    this.#backend.commit(this.#applier.position(), (error) => this.#committed(error, told));
  }

  #committed(error: DiskError | undefined, told: readonly (() => void)[]): void {
    this.#committing = false;
    if (error !== undefined) {
      this.#onFailure(error);
      return;
    }
    for (const done of told) done();
    if (this.#waiting.length > 0) this.#commit();
    else this.afterApply();
  }
}
