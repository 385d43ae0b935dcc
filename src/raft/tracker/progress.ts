/**
 * What a leader knows about one follower, and the flow control that follows from it.
 *
 * ```
 *            rejected / unreachable                     needs compacted entries
 *        +-----------------------------+            +--------------------------+
 *        v                             |            |                          v
 *      probe ---- first ack ------> replicate ------+                      snapshot
 *        ^  \------------- needs compacted entries ----------------------->  |
 *        +---------------- snapshot reported over / log reconnected ---------+
 * ```
 * probe: the end of the follower's log is being searched, one message per heartbeat interval.
 * replicate: entries are sent as they come, up to the inflight window.
 * snapshot: a snapshot is under way, nothing else is sent.
 *
 * Source: etcd-io/raft tracker/progress.go, tracker/state.go; Raft thesis section 3.5 (consistency check)
 * and 10.2.1 (pipelining).
 */
import { assert } from "../../stdx/assert.ts";
import type { Inflights } from "./inflights.ts";

/** How a follower is sent entries: see MemberProgress.state. */
export type ProgressState = "probe" | "replicate" | "snapshot";

/** What a leader knows about one member, itself included. */
export interface MemberProgress {
  /** Highest index at which the member's log is known to equal the leader's. */
  readonly match: number;
  /** Index of the next entry to send; above `match`. */
  readonly next: number;
  /**
   * `probe`: the end of its log is searched, one message per heartbeat interval. `replicate`: entries are sent as they
   * come. `snapshot`: one is under way, and nothing else is sent.
   */
  readonly state: ProgressState;
  /** Index of the snapshot under way; 0 outside state `snapshot`. */
  readonly pendingSnapshot: number;
  /** Whether the member was heard of since the last check of the quorum. */
  readonly recentActive: boolean;
  /** Whether appends to it are held back. */
  readonly paused: boolean;
  /** Whether it does not vote. */
  readonly isLearner: boolean;
  /** Append messages on their way to it. */
  readonly inflights: {
    /** How many. */
    readonly count: number;
    /** Whether that is as many as may be. */
    readonly full: boolean;
  };
}

/** What a `Progress` starts from; the rest begins at its resting value. */
export interface ProgressInit {
  readonly match: number;
  readonly next: number;
  readonly inflights: Inflights;
  readonly isLearner: boolean;
  readonly recentActive: boolean;
}

/**
 * Invariants:
 * 1. match < next.
 * 2. Entries in (match, next) are in flight.
 * 3. In state snapshot, next = pendingSnapshot + 1.
 */
export class Progress implements MemberProgress {
  /** Highest index at which the follower's log is known to equal ours. */
  match: number;
  /** Index of the next entry to send. */
  next: number;
  state: ProgressState = "probe";
  /** Index of the snapshot under way; 0 outside state snapshot. */
  pendingSnapshot = 0;
  /** Whether the follower was heard of since the last quorum check. Always true for the leader itself. */
  recentActive: boolean;
  /**
   * Whether appends wait for the next heartbeat response: a probe is out, or the window is full. One
   * more message per heartbeat interval keeps going through, or lost messages would stall us for good.
   */
  appendsPaused = false;
  isLearner: boolean;
  readonly inflights: Inflights;
  /** Highest commit index sent that is not known to be lost. May fall back when probing starts. */
  #sentCommit = 0;

  constructor(init: ProgressInit) {
    assert(
      init.match < init.next,
      "Cannot track a follower whose next index is not past its match",
    );
    this.match = init.match;
    this.next = init.next;
    this.inflights = init.inflights;
    this.isLearner = init.isLearner;
    this.recentActive = init.recentActive;
  }

  /** A copy that shares the inflight window: configuration changes keep what is known of a follower. */
  withSharedInflights(): Progress {
    return this.#copy(this.inflights);
  }

  /** An independent copy, for status. */
  clone(): Progress {
    return this.#copy(this.inflights.clone());
  }

  /** Searches the end of the follower's log anew, after a finished snapshot from where that leads. */
  becomeProbe(): void {
    const afterSnapshot = this.state === "snapshot" ? this.pendingSnapshot + 1 : 0;
    this.#enter("probe");
    this.next = Math.max(this.match + 1, afterSnapshot);
    this.#lowerSentCommit();
  }

  /** Sends optimistically from behind the known match. */
  becomeReplicate(): void {
    this.#enter("replicate");
    this.next = this.match + 1;
  }

  /** Waits for the snapshot at `index` that was sent. */
  becomeSnapshot(index: number): void {
    this.#enter("snapshot");
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.#sentCommit = index;
  }

  /** Accounts for an append message with `count` entries of `bytes` bytes in total. */
  sentEntries(count: number, bytes: number): void {
    assert(this.state !== "snapshot", "Cannot send appends while a snapshot is under way");
    if (this.state === "replicate") {
      if (count > 0) {
        this.next += count;
        this.inflights.add(this.next - 1, bytes);
      }
      this.appendsPaused = this.inflights.full;
    } else if (count > 0) {
      this.appendsPaused = true;
    }
  }

  /** Records that a message with commit index `commit` is on its way. */
  sentCommit(commit: number): void {
    this.#sentCommit = commit;
  }

  /**
   * Reports whether sending `commit` now may move the follower's commit index: it is news, and not yet
   * all that the follower could use given the entries it was sent.
   */
  canBumpCommit(commit: number): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.next - 1;
  }

  /** Takes an acknowledgement up to `index`; false when that is nothing new. */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.appendsPaused = false;
    return true;
  }

  /**
   * Takes the rejection of an append after `rejected`, with the follower's hint on where the logs may
   * agree. False when the rejection is stale and nothing changed.
   */
  maybeDecrease(rejected: number, matchHint: number): boolean {
    if (this.state === "replicate") {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      this.#lowerSentCommit();
      return true;
    }
    // A follower that is not replicating is probed with one message at a time, so any rejection but
    // that of the newest probe was delayed.
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, matchHint + 1), this.match + 1);
    this.#lowerSentCommit();
    this.appendsPaused = false;
    return true;
  }

  /** Reports whether appends to this follower are held back. */
  get paused(): boolean {
    return this.state === "snapshot" || this.appendsPaused;
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.appendsPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }

  /** What was sent beyond `next` is taken as lost. */
  #lowerSentCommit(): void {
    this.#sentCommit = Math.min(this.#sentCommit, this.next - 1);
  }

  #copy(inflights: Inflights): Progress {
    const copy = new Progress({
      match: this.match,
      next: this.next,
      inflights,
      isLearner: this.isLearner,
      recentActive: this.recentActive,
    });
    copy.state = this.state;
    copy.pendingSnapshot = this.pendingSnapshot;
    copy.appendsPaused = this.appendsPaused;
    copy.#sentCommit = this.#sentCommit;
    return copy;
  }
}
