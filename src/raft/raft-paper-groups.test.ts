/**
 * More claims of the papers, those that need two logs, or a group (see `raft-paper.test.ts` for the sections).
 */
import { describe, expect, test } from "vitest";
import { QUIET_LOG } from "../../test/harness/quiet-log.ts";
import { ELECTION_TICKS, entryOf, Solo, type SoloStart } from "../../test/harness/raft-solo.ts";
import { ScriptGroup } from "../../test/harness/raft-script-group.ts";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import { ConfChangeType, MessageType } from "../wire/gen/raft.ts";
import { newMessage } from "./message.ts";
import { RaftErrors } from "./errors.ts";
import { RawNode } from "./raw-node.ts";
import { emptySnapshot } from "./snapshot.ts";

const THREE = [1n, 2n, 3n];

/** A node that leads, with nothing of its term acknowledged. */
function leader(start: Partial<SoloStart> = {}): Solo {
  const solo = new Solo({ voters: THREE, terms: [1], term: 1, commit: 1, ...start });
  solo.node.campaign();
  solo.take();
  solo.receive(MessageType.MsgVoteResp, 2n, { term: solo.status.term });
  expect(solo.status.role).toBe("leader");
  return solo;
}

/** Node `from` acknowledges what the leader has, or what it has up to `index`. */
function acknowledge(solo: Solo, from: bigint, index?: number): void {
  solo.run();
  const { term } = solo.status;
  const stored = index ?? solo.storage.lastIndex();
  solo.receive(MessageType.MsgAppResp, from, { term, index: stored });
}

/** What both say to each other; either is node 1 to itself, and node 2 to the other. */
function converse(one: Solo, other: Solo): number {
  let rounds = 0;
  for (let quiet = false; !quiet; rounds++) {
    quiet = true;
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      for (const message of from.take().filter((each) => each.to === 2n)) {
        quiet = false;
        const { type, ...fields } = message;
        to.receive(type, 2n, { ...fields, from: 2n, to: 1n });
      }
    }
  }
  return rounds;
}

describe("5.3", () => {
  const LEADER = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

  // Figure 7: everything that can be wrong with the log of a follower.
  test.each([
    ["lacks an entry", [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ["lacks many", [1, 1, 1, 4]],
    ["has one too many", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ["has entries of a later term", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ["has others of the same term", [1, 1, 1, 4, 4, 4, 4]],
    ["has others of earlier terms", [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
    ["has nothing", []],
  ])("figure 7: a follower that %s gets the log of its leader", (_what, terms) => {
    const leading = leader({ terms: LEADER, term: 7, commit: 0 });
    const following = new Solo({ voters: THREE, terms, term: 7, commit: 0 });
    const rounds = converse(leading, following);
    expect(leading.logTerms()).toEqual([...LEADER, 8]);
    expect(following.logTerms()).toEqual([...LEADER, 8]);
    // One round a term at the most, not one an entry.
    expect(rounds).toBeLessThan(8);
  });

  test("a leader never replaces or deletes what is in its log", () => {
    const solo = leader({ terms: [1, 1, 1], commit: 0 });
    let before = solo.logTerms();
    const happen: readonly (() => void)[] = [
      () => solo.propose("x"),
      () => acknowledge(solo, 2n, 1),
      () => solo.receive(MessageType.MsgAppResp, 3n, { term: 2, index: 3, reject: true }),
      () => solo.receive(MessageType.MsgApp, 3n, { term: 1, index: 0, entries: [entryOf(1, 1)] }),
      () => solo.receive(MessageType.MsgVote, 3n, { term: 2, index: 9, logTerm: 9 }),
      () => solo.tick(ELECTION_TICKS),
      () => solo.propose("y"),
    ];
    for (const each of happen) {
      each();
      const after = solo.logTerms();
      expect(after.slice(0, before.length)).toEqual(before);
      before = after;
    }
    expect(before).toEqual([1, 1, 1, 2, 2, 2]);
  });
});

/** Delivers what is on its way to these nodes, and has them deal with it; what goes to others is lost. */
function settle(group: ScriptGroup, ids: readonly bigint[]): void {
  const lost = group.nodes
    .filter(({ id }) => !ids.includes(id))
    .map(({ id }) => ({ id, drop: true }));
  const alive = ids.map((id) => group.node(id));
  for (let round = 0; round < 50; round++) {
    for (const node of alive) if (node.raft.hasReady()) group.processReady(node);
    group.deliver(lost);
    group.deliver(ids.map((id) => ({ id, drop: false })));
  }
}

test("5.4.2, figure 8: an entry of an earlier term that a majority has can still be replaced", () => {
  const group = new ScriptGroup();
  group.output.level = 5;
  const { metadata } = emptySnapshot();
  const confState = { ...metadata.confState, voters: [1n, 2n, 3n, 4n, 5n] };
  const options = {
    ...{ electionTicks: 3, heartbeatTicks: 1, applied: 2, asyncStorageWrites: false },
    // One entry a message, as in the figure.
    ...{ messageBytesMax: 0, inflightMessagesMax: 100 },
  };
  group.addNodes(5, options, { data: undefined, metadata: { confState, index: 2, term: 1 } });
  const elect = (id: bigint, voters: readonly bigint[]): void => {
    group.node(id).raft.campaign();
    settle(group, [id, ...voters]);
    if (group.node(id).raft.basicStatus().role === "leader") return;
    group.node(id).raft.campaign();
    settle(group, [id, ...voters]);
  };
  const commitOf = (id: bigint): number => group.node(id).raft.basicStatus().commit;
  elect(1n, [2n, 3n, 4n, 5n]);
  // (a) Node 1 gives an entry to node 2 only.
  group.node(1n).raft.propose([bytesFromUtf8("old")]);
  settle(group, [1n, 2n]);
  // (b) Node 5 is elected by 3 and 4, and keeps an entry of its term to itself.
  group.node(5n).raft.campaign();
  group.processReady(group.node(5n));
  group.deliver([1n, 2n].map((id) => ({ id, drop: true })));
  group.deliver([3n, 4n].map((id) => ({ id, drop: false })));
  for (const id of [3n, 4n]) group.processReady(group.node(id));
  group.deliver([{ id: 5n, drop: false }]);
  group.processReady(group.node(5n));
  expect(group.node(5n).raft.basicStatus()).toMatchObject({ role: "leader", term: 2 });
  group.deliver([1n, 2n, 3n, 4n].map((id) => ({ id, drop: true })));
  // (c) Node 1 is elected again and goes on to replicate the old entry: 1, 2 and 3 have it then.
  hearOf(group, 1n, 2);
  settle(group, [1n]);
  group.node(1n).raft.campaign();
  group.processReady(group.node(1n));
  group.deliver([{ id: 5n, drop: true }]);
  for (const id of [2n, 3n, 4n]) group.deliver([{ id, drop: false }]);
  for (const id of [2n, 3n, 4n]) group.processReady(group.node(id));
  group.deliver([{ id: 1n, drop: false }]);
  expect(group.node(1n).raft.basicStatus()).toMatchObject({ role: "leader", term: 3 });
  const before = commitOf(1n);
  replicateOldEntryTo(group, 3n, before + 1);
  expect(group.node(3n).storage.lastIndex()).toBe(before + 1);
  // A majority has it, and it is not committed.
  expect(commitOf(1n)).toBe(before);
  // (d) Node 5 can be elected, and its entry replaces the old one everywhere.
  group.messages = [];
  hearOf(group, 5n, 3);
  elect(5n, [2n, 3n, 4n]);
  settle(group, [2n, 3n, 4n, 5n]);
  for (const id of [2n, 3n, 4n]) expect(group.node(id).storage.term(before + 1)).toBe(2);
});

/** The node hears that there is a later term. */
function hearOf(group: ScriptGroup, id: bigint, term: number): void {
  const heartbeat = newMessage(MessageType.MsgHeartbeat, id);
  group.node(id).raft.step({ ...heartbeat, from: 4n, term });
}

/** Lets node 1 talk to one follower, one message at a time, until that one has `index`. */
function replicateOldEntryTo(group: ScriptGroup, id: bigint, index: number): void {
  const [leading, following] = [group.node(1n), group.node(id)];
  for (let round = 0; round < 20 && following.storage.lastIndex() < index; round++) {
    if (leading.raft.hasReady()) group.processReady(leading);
    group.messages = group.messages.filter(({ to }) => to === id);
    group.deliver([{ id, drop: false }]);
    if (following.raft.hasReady()) group.processReady(following);
    group.deliver([{ id: 1n, drop: false }]);
  }
}

describe("5.5", () => {
  test("a request that comes twice changes nothing the second time", () => {
    const solo = new Solo({ voters: THREE, terms: [1], term: 1, commit: 1 });
    const append = {
      term: 2,
      index: 1,
      logTerm: 1,
      entries: [entryOf(2, 2), entryOf(3, 2)],
      commit: 1,
    };
    const vote = { term: 3, index: 9, logTerm: 2 };
    for (const [type, request] of [
      [MessageType.MsgApp, append],
      [MessageType.MsgVote, vote],
    ] as const) {
      solo.receive(type, 2n, request);
      const [first, log, status] = [solo.take(), solo.logTerms(), solo.status];
      solo.receive(type, 2n, request);
      expect([solo.take(), solo.logTerms(), solo.status]).toEqual([first, log, status]);
    }
  });

  test("an old request does not shorten the log", () => {
    const solo = new Solo({ voters: THREE, terms: [1], term: 1, commit: 1 });
    const entries = [entryOf(2, 2), entryOf(3, 2)];
    solo.receive(MessageType.MsgApp, 2n, { term: 2, index: 1, logTerm: 1, entries });
    solo.receive(MessageType.MsgApp, 2n, { term: 2, index: 1, logTerm: 1, entries: [entries[0]] });
    expect(solo.logTerms()).toEqual([1, 2, 2]);
  });

  test("who does not answer is asked again and again", () => {
    const solo = leader();
    solo.take();
    for (let round = 0; round < 3; round++) {
      solo.tick(1);
      expect(solo.takeOnly(MessageType.MsgHeartbeat).map(({ to }) => to)).toEqual([2n, 3n]);
      // It is there again, and has nothing of what was sent to it.
      solo.receive(MessageType.MsgHeartbeatResp, 3n, { term: 2 });
      expect(solo.takeOnly(MessageType.MsgApp)).toMatchObject([{ to: 3n, index: 1 }]);
    }
  });

  test("who comes back votes as it did before", () => {
    const solo = new Solo({ voters: THREE });
    solo.receive(MessageType.MsgVote, 2n, { term: 1 });
    solo.take();
    const node = new RawNode({
      ...{ id: 1n, electionTicks: ELECTION_TICKS, heartbeatTicks: 1, storage: solo.storage },
      ...{ random: { below: () => 0, fill: () => {} }, log: QUIET_LOG },
      ...{ messageBytesMax: 1000, inflightMessagesMax: 10 },
    });
    node.step(Object.assign(newMessage(MessageType.MsgVote, 1n), { from: 3n, term: 1 }));
    const answers = node.ready().messages.flatMap(({ responses }) => responses);
    expect(answers.filter(({ to }) => to === 3n)).toMatchObject([{ reject: true }]);
    expect(node.basicStatus()).toMatchObject({ term: 1, vote: 2n });
  });
});

describe("7", () => {
  const snapshotOf = (index: number, term: number) => {
    const { metadata } = emptySnapshot();
    const confState = { ...metadata.confState, voters: THREE };
    return { data: undefined, metadata: { confState, index, term } };
  };

  test("a follower that needs entries which are gone is sent a snapshot", () => {
    const solo = leader({ terms: [1, 1, 1, 1], commit: 4 });
    acknowledge(solo, 2n);
    solo.take();
    solo.storage.createSnapshot(4, snapshotOf(4, 1).metadata.confState, new Uint8Array(1));
    solo.storage.compact(4);
    solo.receive(MessageType.MsgAppResp, 3n, {
      ...{ term: 2, index: 4, reject: true, rejectHint: 1, logTerm: 1 },
    });
    const [sent] = solo.takeOnly(MessageType.MsgSnap);
    expect([sent.to, sent.snapshot?.metadata.index]).toEqual([3n, 4]);
    // And nothing else until that is over.
    solo.propose("x");
    expect(solo.takeOnly(MessageType.MsgApp).map(({ to }) => to)).toEqual([2n]);
  });

  test("a snapshot of what the log has keeps the entries behind it", () => {
    const solo = new Solo({ voters: THREE, terms: [1, 1, 1], term: 1, commit: 1 });
    solo.receive(MessageType.MsgSnap, 2n, { term: 2, snapshot: snapshotOf(2, 1) });
    expect(solo.logTerms()).toEqual([1, 1, 1]);
    expect(solo.status.commit).toBe(2);
  });

  test("a snapshot of what the log does not have replaces all of it", () => {
    const solo = new Solo({ voters: THREE, terms: [1, 1, 1], term: 1, commit: 1 });
    solo.receive(MessageType.MsgSnap, 2n, { term: 3, snapshot: snapshotOf(3, 2) });
    expect(solo.take()).toMatchObject([{ type: MessageType.MsgAppResp, index: 3 }]);
    expect(solo.logTerms()).toEqual([]);
    expect(solo.storage.lastIndex()).toBe(3);
  });
});

test("thesis 3.10: a leader takes no proposals while it hands over", () => {
  const solo = leader();
  acknowledge(solo, 2n);
  solo.take();
  solo.node.transferLeader(3n);
  expect(solo.propose("x")).toBe(RaftErrors.ProposalDropped);
  // It brings the other up to date first.
  expect(solo.takeOnly(MessageType.MsgTimeoutNow)).toEqual([]);
  acknowledge(solo, 3n);
  expect(solo.takeOnly(MessageType.MsgTimeoutNow)).toMatchObject([{ to: 3n }]);
});

describe("thesis 4.2.2", () => {
  const removal = {
    id: 0n,
    type: ConfChangeType.ConfChangeRemoveNode,
    nodeId: 1n,
    context: undefined,
  };

  test("a leader that removes itself leads until that is committed, and counts as long", () => {
    const solo = leader({ config: { stepDownOnRemoval: true } });
    acknowledge(solo, 2n);
    solo.take();
    solo.node.proposeConfChange(removal);
    solo.take();
    expect(solo.status.role).toBe("leader");
    acknowledge(solo, 2n);
    solo.take();
    expect(solo.status.role).toBe("follower");
  });

  test("a leader that is removed and goes on does not count itself", () => {
    const solo = leader();
    acknowledge(solo, 2n);
    solo.take();
    solo.node.proposeConfChange(removal);
    const change = solo.storage.lastIndex() + 1;
    solo.propose("x");
    solo.take();
    acknowledge(solo, 2n, change);
    solo.take();
    expect(solo.status).toMatchObject({ role: "leader", commit: change });
    acknowledge(solo, 2n);
    expect(solo.status.commit).toBe(change);
    acknowledge(solo, 3n);
    expect(solo.status.commit).toBe(change + 1);
    expect(solo.propose("y")).toBe(RaftErrors.ProposalDropped);
  });
});

describe("thesis 6.4", () => {
  test("a follower asks the leader for an index, and reads at it", () => {
    const solo = new Solo({ voters: THREE, terms: [1], term: 1, commit: 1 });
    solo.receive(MessageType.MsgHeartbeat, 2n, { term: 2 });
    solo.take();
    const context = bytesFromUtf8("r");
    solo.node.readIndex(context);
    const [asked] = solo.takeOnly(MessageType.MsgReadIndex);
    expect(asked.to).toBe(2n);
    solo.receive(MessageType.MsgReadIndexResp, 2n, { term: 2, index: 7, entries: asked.entries });
    solo.run();
    expect(solo.readStates).toEqual([{ index: 7, context }]);
  });

  test("6.4.1: with a lease reads need no messages, and the lease ends with the quorum", () => {
    const config = { checkQuorum: true, readMode: "leaseBased" } as const;
    const solo = leader({ config });
    acknowledge(solo, 2n);
    solo.take();
    const context = bytesFromUtf8("r");
    solo.node.readIndex(context);
    expect(solo.takeOnly(MessageType.MsgHeartbeat)).toEqual([]);
    expect(solo.readStates).toEqual([{ index: 2, context }]);
    solo.tick(2 * ELECTION_TICKS);
    solo.take();
    solo.node.readIndex(context);
    solo.run();
    expect(solo.status.role).toBe("follower");
    expect(solo.readStates.length).toBe(1);
  });
});

test("thesis 10.2.2: entries are sent without waiting for the answer to those before", () => {
  const solo = leader();
  acknowledge(solo, 2n);
  solo.take();
  const sent = ["x", "y", "z"].flatMap((text) => {
    solo.propose(text);
    return solo.takeOnly(MessageType.MsgApp).filter(({ to }) => to === 2n);
  });
  expect(sent.map(({ index, entries }) => [index, entries.length])).toEqual([
    [2, 1],
    [3, 1],
    [4, 1],
  ]);
});
