/**
 * The proposals of this member: those that wait to be handed to Raft, as while there is no leader, and
 * everybody who waits for what comes of them. Each waits for a limited time, counted in ticks.
 *
 * ```
 *   add ──> queue ──(handOver)──> Raft, here or at the leader ──> log ──(applied: take)──> its waiter
 *             └── too late: never handed over        └── too late: nobody knows what became of it
 * ```
 */
import { Errors } from "../errors/table.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Counter } from "../stdx/metrics/counter.ts";
import {
  FORWARDED_PROPOSAL_BYTES_MAX,
  PENDING_PROPOSALS_MAX,
  QUEUED_PROPOSAL_BYTES_MAX,
} from "./limits.ts";
import { Pending } from "./pending.ts";
import type { ProposalWaiter } from "./ready.ts";

/** Who may carry out a proposal: whoever leads when it gets there, or this member alone, as the leader. */
export type Audience = "anyLeader" | "selfOnly";

/** Hands payloads to Raft, all or none; whether it took them. Keeps them. */
export type HandToRaft = (payloads: readonly Uint8Array[]) => boolean;

export class Proposals {
  readonly #waiting: Pending<ProposalWaiter>;
  readonly #failed: Counter;
  /** Payloads that wait to be handed over, and beside them their keys. */
  #queue: Uint8Array[] = [];
  #keys: number[] = [];
  #queuedBytes = 0;
  /** Keys in the queue that are not for other leaders. */
  readonly #selfOnly = new Set<number>();
  /** Whether what is queued has been there for a tick: its callers may have gone. */
  #isStale = false;

  /** `limitTicks`: how many whole ticks a proposal may wait for its outcome. `failed` counts those in vain. */
  constructor(limitTicks: number, failed: Counter = new Counter()) {
    this.#failed = failed;
    this.#waiting = new Pending(limitTicks);
  }

  /** Proposals that somebody waits for. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Whether there are as many as there may be. */
  get isFull(): boolean {
    return (
      this.#waiting.size >= PENDING_PROPOSALS_MAX || this.#queuedBytes >= QUEUED_PROPOSAL_BYTES_MAX
    );
  }

  /** Keys grow from call to call. Keeps `data`. */
  add(key: number, data: Uint8Array, waiter: ProposalWaiter, audience: Audience): void {
    this.#waiting.add(key, waiter);
    this.#queue.push(data);
    this.#keys.push(key);
    this.#queuedBytes += data.length;
    if (audience === "selfOnly") this.#selfOnly.add(key);
  }

  /** The waiter of a proposal that was applied; `undefined` when nobody waits (any more). */
  take(key: number): ProposalWaiter | undefined {
    return this.#waiting.take(key);
  }

  /**
   * Hands over what is queued. To this member's own Raft as leader in one go; on the way to another leader in
   * messages of bounded size.
   *
   * Differs from etcd: what Raft drops, as during a transfer of leadership, stays, and is handed over again:
   * nothing was appended. etcd answers "raft proposal dropped" on the leader.
   */
  handOver(isLeader: boolean, hand: HandToRaft): void {
    if (this.#queue.length === 0) return;
    if (this.#isStale) this.#dropGone();
    if (!isLeader && this.#selfOnly.size > 0) this.failSelfOnly();
    const bytesMax = isLeader ? Number.POSITIVE_INFINITY : FORWARDED_PROPOSAL_BYTES_MAX;
    while (this.#queue.length > 0) {
      if (this.#queuedBytes <= bytesMax) {
        if (hand(this.#queue)) this.#clear();
        return;
      }
      const count = this.#countWithin(bytesMax);
      if (!hand(this.#queue.slice(0, count))) return;
      this.#dropFirst(count);
    }
  }

  /**
   * One tick passes: returns who has waited too long. `unsent` are those whose proposals were never handed
   * over, and are not any more; what became of those of `late` is not known.
   */
  tick(): { readonly unsent: readonly ProposalWaiter[]; readonly late: readonly ProposalWaiter[] } {
    this.#isStale = this.#queue.length > 0;
    const expiredKey = this.#waiting.expiringKey;
    const unsent: ProposalWaiter[] = [];
    let count = 0;
    for (; count < this.#keys.length && this.#keys[count] <= expiredKey; count++) {
      const waiter = this.#waiting.take(this.#keys[count]);
      if (waiter !== undefined) unsent.push(waiter);
    }
    if (count > 0) this.#dropFirst(count);
    const late = this.#waiting.tick();
    this.#failed.add(unsent.length + late.length);
    return { unsent, late };
  }

  /** What only this member as leader could have carried out has failed: it does not lead. */
  failSelfOnly(): void {
    if (this.#selfOnly.size === 0) return;
    const failing = new Set(this.#selfOnly);
    this.#keep((key) => !failing.has(key));
    for (const key of failing) this.#waiting.take(key)?.onApplied(Errors.NotLeader);
  }

  /** Everybody is told `error`; what is queued is not handed over any more. */
  failAll(error: EtcdError): void {
    this.#clear();
    for (const waiter of this.#waiting.takeAll()) waiter.onApplied(error);
  }

  /** Forgets what is queued for callers that have gone away. */
  #dropGone(): void {
    this.#isStale = false;
    this.#keep((key) => {
      const waiter = this.#waiting.get(key);
      if (waiter?.isGone?.() !== true) return true;
      this.#waiting.take(key);
      this.#failed.inc();
      return false;
    });
  }

  #keep(isKept: (key: number) => boolean): void {
    const queue: Uint8Array[] = [];
    const keys: number[] = [];
    for (let at = 0; at < this.#keys.length; at++) {
      const key = this.#keys[at];
      if (isKept(key)) {
        queue.push(this.#queue[at]);
        keys.push(key);
      } else {
        this.#queuedBytes -= this.#queue[at].length;
        this.#selfOnly.delete(key);
      }
    }
    this.#queue = queue;
    this.#keys = keys;
  }

  /** How many of the first payloads are within `bytesMax` together; at least one. */
  #countWithin(bytesMax: number): number {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length) {
      bytes += this.#queue[count].length;
      if (bytes > bytesMax && count > 0) break;
      count++;
    }
    return count;
  }

  #dropFirst(count: number): void {
    for (let at = 0; at < count; at++) {
      this.#queuedBytes -= this.#queue[at].length;
      this.#selfOnly.delete(this.#keys[at]);
    }
    this.#queue = this.#queue.slice(count);
    this.#keys = this.#keys.slice(count);
  }

  #clear(): void {
    this.#queue = [];
    this.#keys = [];
    this.#queuedBytes = 0;
    if (this.#selfOnly.size > 0) this.#selfOnly.clear();
  }
}
