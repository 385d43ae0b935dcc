/** What goes into the log and comes out of it. */
import type { Clock } from "../ports/clock.ts";
import type { Disk, DiskError } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import type { ConfState, Entry, HardState } from "../wire/gen/raft.ts";
import type { WalMetrics } from "./metrics.ts";
import type { WalError } from "./wal-error.ts";

/** A snapshot as the log knows it: that it exists, and the configuration at its index. */
export interface WalSnapshot {
  readonly index: number;
  readonly term: number;
  /** Required when index > 0; logs older than etcd 3.5 lack it. */
  readonly confState?: ConfState | undefined;
}

/**
 * What one turn of the member adds. Written in this order: snapshot, entries, hardState.
 *
 * The entries and their data are borrowed until `append` returns.
 */
export interface WalBatch {
  /** A snapshot whose file is durable already. */
  readonly snapshot?: WalSnapshot | undefined;
  readonly entries: readonly Entry[];
  /** The new hard state; `undefined` or the empty one when it did not change. */
  readonly hardState?: HardState | undefined;
}

/** Everything that a log says from a snapshot on. */
export interface WalContent {
  /** The bytes given to `createWal`; `undefined` when the log has none. */
  readonly metadata: Uint8Array | undefined;
  /** The last one; all zero when there is none. */
  readonly hardState: HardState;
  /**
   * Entries after the snapshot, contiguous, later ones over earlier ones of the same index. Those above
   * `hardState.commit` may still be overwritten. Their data are views into larger buffers.
   */
  readonly entries: Entry[];
}

/** What reading and writing logs needs of the world. */
export interface WalEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
}

export interface WalOptions extends WalEnvironment {
  /** The directory of the segments. */
  readonly directory: string;
  /** Size at which a segment is finished; default `SEGMENT_BYTES`. */
  readonly segmentBytes?: number;
  /** Never wait for the device (`--unsafe-no-fsync`). Default false. */
  readonly unsafeNoSync?: boolean;
  /** Counts the writes; nobody does when absent. */
  readonly metrics?: WalMetrics;
}

/** Why an operation on the log failed. */
export type WalFailure = WalError | DiskError;

/** Called once when an operation is over, never before its method returned. */
export type WalDone = (failure: WalFailure | undefined) => void;
