/**
 * States of the database for backups: each is committed first, so that it holds everything applied before
 * the request. Only so many are held at a time: the database grows by what changes while one is held.
 */
import type { Backend } from "../../backend/backend.ts";
import type { PinnedState } from "../../backend/pinned-state.ts";
import type { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { CommitSchedule } from "./commit-schedule.ts";
import { BACKUPS_OPEN_MAX } from "../limits.ts";

type BackupDone = (result: PinnedState | EtcdError) => void;

export class BackupSource {
  readonly #backend: Backend;
  readonly #commits: CommitSchedule;
  readonly #open = new Set<PinnedState>();
  /** Requests that wait for their commit. */
  readonly #opening = new Set<BackupDone>();
  #stopped = false;

  constructor(backend: Backend, commits: CommitSchedule) {
    this.#backend = backend;
    this.#commits = commits;
  }

  /** See `Backups.open`. */
  open(done: BackupDone): void {
    this.#forgetClosed();
    if (this.#stopped) {
      done(Errors.Stopped);
      return;
    }
    if (this.#open.size + this.#opening.size >= BACKUPS_OPEN_MAX) {
      done(Errors.TooManyRequests);
      return;
    }
    this.#opening.add(done);
    this.#commits.force(() => {
      this.#opening.delete(done);
      if (this.#stopped) {
        done(Errors.Stopped);
        return;
      }
      const state = this.#backend.pinToSend();
      this.#open.add(state);
      done(state);
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const state of this.#open) state.close();
  }

  /** Whoever waits here is answered by `next`, which also looks after the states that are held. */
  handOver(next: BackupSource): void {
    this.#stopped = true;
    for (const state of this.#open) next.#open.add(state);
    for (const done of this.#opening) next.open(done);
  }

  #forgetClosed(): void {
    for (const state of this.#open) if (!state.isOpen) this.#open.delete(state);
  }
}
