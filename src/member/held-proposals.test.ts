import { describe, expect, test } from "vitest";
import { type RaftError, RaftErrors } from "../raft/errors.ts";
import { createMessage, EntryType, type Message, MessageType } from "../wire/gen/raft.ts";
import { HeldProposals } from "./held-proposals.ts";
import { QUEUED_PROPOSAL_BYTES_MAX } from "./limits.ts";

function proposal(bytes: number): Message {
  const entry = { type: EntryType.EntryNormal, term: 0, index: 0, data: new Uint8Array(bytes) };
  return createMessage({ type: MessageType.MsgProp, entries: [entry] });
}

/** A Raft that takes as many messages as `room` says. */
class Taker {
  readonly taken: Message[] = [];
  room = 0;
  readonly step = (message: Message): RaftError | undefined => {
    if (this.room === 0) return RaftErrors.ProposalDropped;
    this.room--;
    this.taken.push(message);
    return undefined;
  };
}

describe("HeldProposals", () => {
  test("gives back what was dropped in order until one is refused, and the rest later", () => {
    const raft = new Taker();
    const held = new HeldProposals(raft.step, 5);
    const messages = [proposal(1), proposal(2), proposal(3)];
    for (const message of messages) expect(held.step(message)).toBeUndefined();
    raft.room = 2;
    held.retry();
    expect(raft.taken).toEqual(messages.slice(0, 2));
    raft.room = 2;
    held.retry();
    expect(raft.taken).toEqual(messages);
    expect(held.isEmpty).toBe(true);
  });

  test("forgets those that were held for too long", () => {
    const raft = new Taker();
    const held = new HeldProposals(raft.step, 2);
    held.step(proposal(1));
    held.tick();
    const younger = proposal(2);
    held.step(younger);
    held.tick();
    raft.room = 2;
    held.retry();
    expect(raft.taken).toEqual([younger]);
  });

  test("holds no more than a bound of bytes, and nothing that is refused for another reason", () => {
    const raft = new Taker();
    const held = new HeldProposals(raft.step, 2);
    expect(held.step(proposal(QUEUED_PROPOSAL_BYTES_MAX))).toBeUndefined();
    expect(held.step(proposal(1))).toBe(RaftErrors.ProposalDropped);
    raft.room = 1;
    held.retry();
    expect(held.step(proposal(1))).toBeUndefined();
    const refusing = new HeldProposals(() => RaftErrors.MalformedMessage, 2);
    expect(refusing.step(proposal(1))).toBe(RaftErrors.MalformedMessage);
    expect(refusing.isEmpty).toBe(true);
  });
});
