import { expect, test } from "vitest";
import { ELECTION_TICKS, Solo, entryOf } from "../../test/harness/raft-solo.ts";
import { QUIET_LOG } from "../../test/harness/quiet-log.ts";
import { EMPTY_BYTES, bytesFromUtf8 } from "../stdx/bytes.ts";
import { EntryType, MessageType, encodeConfChange } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { RaftErrors } from "./errors.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { newMessage } from "./message.ts";
import { LOCAL_APPEND_TARGET } from "./node-id.ts";
import { RawNode } from "./raw-node.ts";
import { emptySnapshot } from "./snapshot.ts";

const THREE = [1n, 2n, 3n];

function soleLeader(): Solo {
  const solo = new Solo({ voters: [1n] });
  solo.node.campaign();
  solo.run();
  expect(solo.status.role).toBe("leader");
  return solo;
}

function leaderOfThree(): Solo {
  const solo = new Solo({ voters: THREE });
  solo.node.campaign();
  solo.take();
  solo.receive(MessageType.MsgVoteResp, 2n, { term: 1 });
  solo.receive(MessageType.MsgAppResp, 2n, { term: 1, index: 1 });
  solo.receive(MessageType.MsgAppResp, 3n, { term: 1, index: 1 });
  solo.take();
  return solo;
}

function messageFrom(from: bigint, type: MessageType, fields: Partial<Message> = {}): Message {
  return Object.assign(newMessage(type, 1n), { from, term: 1 }, fields);
}

test("RawNode with one voter elects itself, commits and answers reads", () => {
  const solo = soleLeader();
  expect(solo.propose("a", "b")).toBeUndefined();
  expect(solo.appliedTexts()).toEqual(["a", "b"]);
  expect(solo.status).toMatchObject({ term: 1, lead: 1n, commit: 3, applied: 3 });
  solo.node.readIndex(bytesFromUtf8("r"));
  solo.run();
  expect(solo.readStates).toEqual([{ index: 3, context: bytesFromUtf8("r") }]);
});

test("RawNode.propose takes a batch as one append message per follower", () => {
  const solo = leaderOfThree();
  solo.propose("a", "b", "c");
  const sent = solo.takeOnly(MessageType.MsgApp);
  expect(sent.map(({ entries }) => entries.map(({ index }) => index))).toEqual([
    [2, 3, 4],
    [2, 3, 4],
  ]);
});

test("RawNode.propose is dropped where nobody leads", () => {
  expect(new Solo({ voters: THREE }).propose("a")).toBe(RaftErrors.ProposalDropped);
});

test("RawNode.propose refuses nothing at all", () => {
  expect(() => soleLeader().node.propose([])).toThrow("Cannot propose nothing");
});

test("RawNode.step appends a proposal once more when it is delivered twice", () => {
  const solo = leaderOfThree();
  const entries = [{ type: EntryType.EntryNormal, term: 0, index: 0, data: EMPTY_BYTES }];
  const proposal = messageFrom(2n, MessageType.MsgProp, { term: 0, entries });
  solo.node.step(proposal);
  solo.node.step(proposal);
  expect(solo.logTerms()).toHaveLength(3);
  expect(solo.storage.entries(2, 4, Number.POSITIVE_INFINITY)).toMatchObject([
    { index: 2 },
    { index: 3 },
  ]);
});

test.each([
  ["a local message", messageFrom(2n, MessageType.MsgHup), RaftErrors.StepLocalMessage],
  [
    "forged storage work",
    messageFrom(2n, MessageType.MsgStorageAppendResp),
    RaftErrors.StepLocalMessage,
  ],
  ["an answer of a stranger", messageFrom(9n, MessageType.MsgAppResp), RaftErrors.StepPeerNotFound],
  ["an empty proposal", messageFrom(2n, MessageType.MsgProp), RaftErrors.MalformedMessage],
  ["an empty read", messageFrom(2n, MessageType.MsgReadIndex), RaftErrors.MalformedMessage],
  [
    "a configuration change that is none",
    messageFrom(2n, MessageType.MsgProp, {
      entries: [{ type: EntryType.EntryConfChange, term: 0, index: 0, data: Uint8Array.of(0xff) }],
    }),
    RaftErrors.MalformedMessage,
  ],
  [
    "entries with a gap",
    messageFrom(2n, MessageType.MsgApp, { entries: [entryOf(2, 1)] }),
    RaftErrors.MalformedMessage,
  ],
  [
    "entries with falling terms",
    messageFrom(2n, MessageType.MsgApp, { term: 3, entries: [entryOf(1, 3), entryOf(2, 2)] }),
    RaftErrors.MalformedMessage,
  ],
  [
    "entries newer than their leader",
    messageFrom(2n, MessageType.MsgApp, { entries: [entryOf(1, 2)] }),
    RaftErrors.MalformedMessage,
  ],
])("RawNode.step refuses %s", (_name, message, error) => {
  const solo = new Solo({ voters: THREE });
  expect(solo.node.step(message)).toBe(error);
  expect(solo.status).toMatchObject({ term: 0, lead: 0n });
});

test("RawNode.step takes a readable configuration change from a follower", () => {
  const solo = leaderOfThree();
  const data = encodeConfChange({ id: 1n, type: 0, nodeId: 4n, context: undefined });
  const entries = [{ type: EntryType.EntryConfChange, term: 0, index: 0, data }];
  expect(
    solo.node.step(messageFrom(2n, MessageType.MsgProp, { term: 0, entries })),
  ).toBeUndefined();
  solo.receive(MessageType.MsgAppResp, 2n, { term: 1, index: 2 });
  solo.run();
  solo.receive(MessageType.MsgAppResp, 2n, { term: 1, index: 2 });
  solo.run();
  expect(solo.node.status().config.incoming).toEqual(new Set([1n, 2n, 3n, 4n]));
});

test("RawNode.ready hands everything out once", () => {
  const solo = leaderOfThree();
  expect(solo.node.hasReady()).toBe(false);
  solo.propose("a");
  expect(solo.node.hasReady()).toBe(true);
  const { entries, mustSync, hardState } = solo.node.ready();
  expect([entries.length, mustSync, hardState]).toEqual([1, true, undefined]);
  expect(solo.node.hasReady()).toBe(false);
  solo.propose("b");
  expect(solo.node.ready().entries).toMatchObject([{ index: 3 }]);
});

test("RawNode.ready needs no sync for a commit index alone", () => {
  const solo = leaderOfThree();
  solo.propose("a");
  solo.take();
  solo.receive(MessageType.MsgAppResp, 2n, { term: 1, index: 2 });
  const { mustSync, hardState, messages } = solo.node.ready();
  expect([mustSync, hardState?.commit]).toEqual([false, 2]);
  const append = messages.find(({ to }) => to === LOCAL_APPEND_TARGET);
  expect(append?.responses).toEqual([]);
});

test("RawNode.bootstrap founds a group whose members agree without voting", () => {
  const storage = new MemoryStorage();
  const node = new RawNode({
    id: 2n,
    electionTicks: ELECTION_TICKS,
    heartbeatTicks: 1,
    storage,
    random: { below: () => 0, fill: () => {} },
    log: QUIET_LOG,
    messageBytesMax: 1024,
    inflightMessagesMax: 4,
  });
  node.bootstrap(THREE.map((id) => ({ id, context: bytesFromUtf8(`member ${id}`) })));
  const { entries, hardState } = node.ready();
  expect(entries.map(({ type, term, index }) => [type, term, index])).toEqual([
    [EntryType.EntryConfChange, 1, 1],
    [EntryType.EntryConfChange, 1, 2],
    [EntryType.EntryConfChange, 1, 3],
  ]);
  expect(hardState).toEqual({ term: 1, vote: 0n, commit: 3 });
  expect(node.status().config.incoming).toEqual(new Set(THREE));
});

test("RawNode.bootstrap refuses a storage that has entries", () => {
  const solo = new Solo({ voters: THREE, terms: [1] });
  expect(() => solo.node.bootstrap([{ id: 1n, context: undefined }])).toThrow("nonempty");
});

test("RawNode starts from what storage holds", () => {
  const solo = new Solo({ voters: THREE, terms: [1, 2, 2], term: 4, commit: 2 });
  expect(solo.status).toMatchObject({ term: 4, commit: 2, applied: 0, role: "follower" });
  expect(() => new Solo({ voters: THREE, terms: [1], commit: 2 })).toThrow("out of range");
});

test.each([
  [{ id: 0n }, "none as id"],
  [{ id: LOCAL_APPEND_TARGET }, "local target"],
  [{ heartbeatTicks: 0 }, "Heartbeat ticks"],
  [{ heartbeatTicks: ELECTION_TICKS }, "Election ticks"],
  [{ inflightMessagesMax: 0 }, "Inflight messages"],
  [{ messageBytesMax: 10, inflightBytesMax: 9 }, "Inflight bytes"],
  [{ readMode: "leaseBased" as const }, "quorum check"],
])("RawNode refuses the configuration %o", (config, error) => {
  expect(() => new Solo({ voters: THREE, config })).toThrow(error);
});

test("RawNode.step restores a snapshot, and reports it when it is stored", () => {
  const solo = new Solo({ voters: THREE, terms: [1], term: 1 });
  const confState = { ...emptySnapshot().metadata.confState, voters: [1n, 2n] };
  const snapshot = { data: undefined, metadata: { confState, index: 9, term: 2 } };
  solo.holdStorage();
  solo.receive(MessageType.MsgSnap, 2n, { term: 3, snapshot });
  expect(solo.take()).toEqual([]);
  expect(solo.status.applied).toBe(0);
  solo.releaseStorage();
  expect(solo.take()).toMatchObject([{ type: MessageType.MsgAppResp, index: 9 }]);
  expect(solo.status).toMatchObject({ applied: 9, commit: 9 });
  expect(solo.node.status().config.incoming).toEqual(new Set([1n, 2n]));
});

test("RawNode.step ignores a snapshot that is not for this node, or old", () => {
  const solo = new Solo({ voters: THREE, terms: [1], term: 1, commit: 1 });
  const { confState } = emptySnapshot().metadata;
  for (const [index, voters] of [
    [9, [2n, 3n]],
    [1, THREE],
  ] as const) {
    const metadata = { confState: { ...confState, voters: [...voters] }, index, term: 2 };
    solo.receive(MessageType.MsgSnap, 2n, { term: 3, snapshot: { data: undefined, metadata } });
    expect(solo.take()).toMatchObject([{ type: MessageType.MsgAppResp, index: 1 }]);
  }
});

test("RawNode.applyConfChange of an entry that a snapshot has overtaken stays out of the way", () => {
  const solo = new Solo({ voters: THREE, terms: [1, 1], term: 1, commit: 2 });
  const confState = { ...emptySnapshot().metadata.confState, voters: [1n, 2n] };
  const snapshot = { data: undefined, metadata: { confState, index: 9, term: 2 } };
  solo.holdStorage();
  solo.receive(MessageType.MsgSnap, 2n, { term: 3, snapshot });
  solo.run();
  const change = { id: 0n, type: 0, nodeId: 7n, context: undefined };
  expect(solo.node.applyConfChange(change).voters).toEqual([...THREE, 7n]);
  expect(solo.node.status().config.incoming).toEqual(new Set([1n, 2n]));
  solo.releaseStorage();
  solo.run();
  expect(solo.node.applyConfChange(change).voters).toEqual([1n, 2n, 7n]);
});

test("RawNode.reportUnreachable makes a leader probe", () => {
  const solo = leaderOfThree();
  solo.node.reportUnreachable(2n);
  solo.node.reportUnreachable(9n);
  const states = [...solo.node.status().progress.values()].map(({ state }) => state);
  expect(states).toEqual(["replicate", "probe", "replicate"]);
});

test("RawNode.status is a copy", () => {
  const solo = leaderOfThree();
  const before = solo.node.status();
  solo.propose("a");
  solo.take();
  expect(before.progress.get(2n)?.next).toBe(2);
  expect(solo.node.status().progress.get(2n)?.next).toBe(3);
});

test("RawNode.forgetLeader makes a follower free to vote", () => {
  const solo = new Solo({ voters: THREE, config: { checkQuorum: true, preVote: true } });
  solo.receive(MessageType.MsgHeartbeat, 2n, { term: 1 });
  solo.take();
  const request = { term: 2, index: 0, logTerm: 0 };
  solo.receive(MessageType.MsgPreVote, 3n, request);
  expect(solo.take()).toEqual([]);
  solo.node.forgetLeader();
  solo.receive(MessageType.MsgPreVote, 3n, request);
  expect(solo.take()).toMatchObject([{ type: MessageType.MsgPreVoteResp, reject: false }]);
});
