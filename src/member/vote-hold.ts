/**
 * Keeps a member that has lost a part of its memory from voting and from standing for election, until it has
 * everything again that may have been committed on the strength of what it lost.
 *
 * It had acknowledged entries which are gone, and they may be committed: counted by a leader, and held by one
 * member less than a quorum. So a quorum without this member always has one that holds them, a quorum with
 * it need not. Hence whoever is elected without its vote has all of them in its log, and they are before the
 * first entry of that leader's term. `term` is above every term that this member has ever voted in, so the
 * leaders from then on are such leaders: once an entry of one of these terms is committed here, all is back.
 *
 * Storing and acknowledging entries is safe meanwhile: these are true acknowledgements again.
 */
import { type Message, MessageType } from "../wire/gen/raft.ts";

export class VoteHold {
  readonly #term: number;
  readonly #onReleased: () => void;
  #isHeld = true;

  constructor(term: number, onReleased: () => void) {
    this.#term = term;
    this.#onReleased = onReleased;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Whether the message asks for what this member must not do. */
  refuses({ type }: Message): boolean {
    if (!this.#isHeld) return false;
    return (
      type === MessageType.MsgVote ||
      type === MessageType.MsgPreVote ||
      type === MessageType.MsgTimeoutNow
    );
  }

  /** An entry of `term` is committed here, and with it everything before. */
  committed(term: number): void {
    if (!this.#isHeld || term < this.#term) return;
    this.#isHeld = false;
    this.#onReleased();
  }
}
