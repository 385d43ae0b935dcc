/** One granted lease: what the log says of it, and how it stands in the countdown of the primary lessor. */
import { type HeapEntry, NOT_IN_HEAP } from "../stdx/heap.ts";
import type { LeaseRights } from "./lease-rights.ts";

/** Whoever waits for the end of a lease that has expired. Exactly one method is called, once. */
export interface LeaseWaiter {
  /** The lease and its keys are gone. */
  onRevoked(): void;
  /** This lessor is not the primary one any more: the lease may live on. */
  onDemoted(): void;
}

/** A lease in the queue of checkpoints; its rank is when it is due, in the caller's milliseconds. */
export interface CheckpointEntry extends HeapEntry {
  readonly lease: Lease;
}

export class Lease implements HeapEntry {
  readonly id: bigint;
  /** Granted time to live in seconds. */
  readonly ttlSeconds: number;
  /** Seconds left as of the last checkpoint; 0 when there was none since the last renewal. */
  remainingTtlSeconds: number;
  /** When it expires, in the caller's milliseconds; `Infinity` while nobody counts. */
  expiryMs = Number.POSITIVE_INFINITY;
  /** When the countdown looks at it next: at its expiry or before. */
  rank = 0;
  place = NOT_IN_HEAP;
  checkpoint: CheckpointEntry | undefined;
  waiters: LeaseWaiter[] | undefined;
  /** Who may write its keys; `undefined` as long as nobody has asked. */
  rights: LeaseRights | undefined;
  #keys: Set<string> | undefined;

  constructor(id: bigint, ttlSeconds: number, remainingTtlSeconds: number) {
    this.id = id;
    this.ttlSeconds = ttlSeconds;
    this.remainingTtlSeconds = remainingTtlSeconds;
  }

  /** Seconds it lives when its countdown starts anew. */
  get startSeconds(): number {
    return this.remainingTtlSeconds > 0 ? this.remainingTtlSeconds : this.ttlSeconds;
  }

  /** Attached keys, as latin1 strings. */
  get keys(): ReadonlySet<string> {
    return this.#keys ?? NO_KEYS;
  }

  addKey(key: string): void {
    this.#keys ??= new Set();
    this.#keys.add(key);
    this.rights?.keyAdded(key);
  }

  removeKey(key: string): void {
    this.#keys?.delete(key);
  }

  isExpired(nowMs: number): boolean {
    return this.expiryMs <= nowMs;
  }
}

/** Shared by all leases that never had a key. */
const NO_KEYS: ReadonlySet<string> = new Set();
