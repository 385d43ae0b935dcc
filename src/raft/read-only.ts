/**
 * Linearizable reads without log entries: the leader notes its commit index when a read arrives, and may
 * answer once a quorum has confirmed, by answering a heartbeat sent afterwards, that it still leads.
 *
 * Reads are numbered in order of arrival. A heartbeat carries the number of the newest one; whoever
 * answers it confirms all reads up to that number. The highest number that a quorum has confirmed is
 * then found exactly as the commit index is. On the wire the number is 8 bytes, little endian; peers
 * hand it back as it is and never look into it.
 *
 * Source: etcd-io/raft read_only.go; Raft thesis section 6.4.
 */
import type { Message } from "../wire/gen/raft.ts";
import { READ_REQUESTS_PENDING_MAX } from "./limits.ts";
import type { NodeId } from "./node-id.ts";
import { jointCommittedIndex } from "./quorum/joint.ts";
import type { JointConfig } from "./quorum/joint.ts";
import type { AckedIndexer } from "./quorum/majority.ts";

/** A read that may be served once the state machine has applied up to `index`. */
export interface ReadState {
  /** Index of the log. */
  readonly index: number;
  /** What the reader gave to recognize its request. */
  readonly context: Uint8Array;
}

/** A read that arrived when `index` was committed. */
export interface PendingRead {
  readonly request: Message;
  readonly index: number;
}

const CONTEXT_BYTES = 8;
const WORD_SIZE = 2 ** 32;

export class ReadOnly implements AckedIndexer {
  #pending: PendingRead[] = [];
  /** Reads confirmed so far; the number of the first pending one is one more. */
  #confirmed = 0;
  readonly #acks = new Map<NodeId, number>();

  /** Adds a read; false when there are too many. Keeps the request. */
  add(request: Message, commitIndex: number): boolean {
    if (this.#pending.length >= READ_REQUESTS_PENDING_MAX) return false;
    this.#pending.push({ request, index: commitIndex });
    return true;
  }

  /** Takes note that `from` answered a heartbeat with `context`. Contexts that are not ours do nothing. */
  acknowledge(from: NodeId, context: Uint8Array | undefined): void {
    if (context === undefined || context.length !== CONTEXT_BYTES) return;
    const view = new DataView(context.buffer, context.byteOffset, CONTEXT_BYTES);
    const number = view.getUint32(0, true) + view.getUint32(4, true) * WORD_SIZE;
    this.#acks.set(from, Math.max(this.#acks.get(from) ?? 0, number));
  }

  ackedIndex(voter: NodeId): number | undefined {
    return this.#acks.get(voter);
  }

  /** Removes and returns the reads that a quorum of `voters` has confirmed by now. */
  takeConfirmed(voters: JointConfig): PendingRead[] {
    const issued = this.#confirmed + this.#pending.length;
    const confirmed = Math.min(jointCommittedIndex(voters, this), issued);
    if (confirmed <= this.#confirmed) return [];
    const reads = this.#pending.splice(0, confirmed - this.#confirmed);
    this.#confirmed = confirmed;
    return reads;
  }

  /** What a heartbeat must carry to confirm all pending reads; undefined when there are none. */
  heartbeatContext(): Uint8Array | undefined {
    if (this.#pending.length === 0) return undefined;
    const number = this.#confirmed + this.#pending.length;
    const context = new Uint8Array(CONTEXT_BYTES);
    const view = new DataView(context.buffer);
    view.setUint32(0, number % WORD_SIZE, true);
    view.setUint32(4, Math.floor(number / WORD_SIZE), true);
    return context;
  }
}
