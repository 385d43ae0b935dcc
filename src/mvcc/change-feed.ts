/**
 * The changes that watchers have not been shown yet, between the transaction that made them and the watch
 * hub that spreads them: writing a key costs one append here, and nothing while nobody listens.
 */
import type { ChangeSink, KeyChange } from "./write-transaction.ts";

/** All changes of one transaction. */
export interface ChangedRevision {
  readonly revision: number;
  readonly changes: readonly KeyChange[];
}

const NONE: readonly ChangedRevision[] = [];

export class ChangeFeed implements ChangeSink {
  /** Whether anybody watches; what happens meanwhile is not kept. */
  listening = false;
  #pending: ChangedRevision[] = [];

  onChanges(revision: number, changes: readonly KeyChange[]): void {
    if (this.listening) this.#pending.push({ revision, changes });
  }

  /** Removes and returns what has gathered, oldest first. */
  take(): readonly ChangedRevision[] {
    if (this.#pending.length === 0) return NONE;
    const pending = this.#pending;
    this.#pending = [];
    return pending;
  }
}
