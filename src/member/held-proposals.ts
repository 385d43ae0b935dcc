/**
 * Proposals of other members that Raft would not take, because leadership is being handed over or nobody leads
 * at the moment: they are tried again, here or at the new leader, so that whoever waits for them does not wait
 * in vain.
 *
 * Differs from etcd: it drops them, and their clients are told seconds later that it took too long.
 */
import { type RaftError, RaftErrors } from "../raft/errors.ts";
import type { Message } from "../wire/gen/raft.ts";
import { QUEUED_PROPOSAL_BYTES_MAX } from "./limits.ts";

interface Held {
  readonly message: Message;
  readonly bytes: number;
  ticksLeft: number;
}

export class HeldProposals {
  readonly #step: (message: Message) => RaftError | undefined;
  readonly #ticksMax: number;
  #held: Held[] = [];
  #bytes = 0;

  /** `step` gives a message to Raft; `ticksMax`: how long they are held, an election or two. */
  constructor(step: (message: Message) => RaftError | undefined, ticksMax: number) {
    this.#step = step;
    this.#ticksMax = ticksMax;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Gives any message to Raft; the refusal, unless it is held. */
  step(message: Message): RaftError | undefined {
    const refused = this.#step(message);
    return refused === RaftErrors.ProposalDropped && this.#hold(message) ? undefined : refused;
  }

  /** Tries those that are held again, oldest first, until one is refused. To be called with a leader. */
  retry(): void {
    if (this.isEmpty) return;
    let taken = 0;
    while (taken < this.#held.length && this.#step(this.#held[taken].message) === undefined)
      taken++;
    this.#forget(taken);
  }

  tick(): void {
    if (this.isEmpty) return;
    for (const held of this.#held) held.ticksLeft--;
    this.#forget(this.#held.findLastIndex(({ ticksLeft }) => ticksLeft <= 0) + 1);
  }

  #hold(message: Message): boolean {
    let bytes = 0;
    for (const { data } of message.entries) bytes += data?.length ?? 0;
    if (this.#bytes + bytes > QUEUED_PROPOSAL_BYTES_MAX) return false;
    this.#held.push({ message, bytes, ticksLeft: this.#ticksMax });
    this.#bytes += bytes;
    return true;
  }

  #forget(count: number): void {
    if (count === 0) return;
    for (const { bytes } of this.#held.splice(0, count)) this.#bytes -= bytes;
  }
}
