/**
 * What the papers claim, one test per claim. Section numbers are those of "In Search of an Understandable
 * Consensus Algorithm" (extended version); those that begin with "thesis" of "Consensus: Bridging Theory
 * and Practice". Node 1 is the one under test, the test plays the others.
 */
import { describe, expect, test } from "vitest";
import { ELECTION_TICKS, Solo, entryOf } from "../../test/harness/raft-solo.ts";
import type { SoloStart } from "../../test/harness/raft-solo.ts";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import { Prng } from "../stdx/prng.ts";
import { EntryType, MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { RaftErrors } from "./errors.ts";
import type { Role } from "./raft.ts";

const THREE = [1n, 2n, 3n];

/** A node in the given role, in term 2 (a pre-candidate: in term 1), with nothing left to do. */
function inRole(role: Role, start: Partial<SoloStart> = {}): Solo {
  const config = { preVote: role === "preCandidate", ...start.config };
  const solo = new Solo({ voters: THREE, terms: [1], term: 1, commit: 1, ...start, config });
  if (role === "follower") {
    solo.receive(MessageType.MsgHeartbeat, 2n, { term: 2 });
  } else {
    solo.node.campaign();
    solo.take();
    if (role === "leader") solo.receive(MessageType.MsgVoteResp, 2n, { term: 2 });
  }
  solo.take();
  expect(solo.status.role).toBe(role);
  return solo;
}

/** A leader whose opening entry is stored by a quorum. */
function settledLeader(start: Partial<SoloStart> = {}): Solo {
  const solo = inRole("leader", start);
  acknowledge(solo, 2n);
  solo.take();
  return solo;
}

/** Node `from` acknowledges all that the leader has. */
function acknowledge(solo: Solo, from: bigint): void {
  const { term } = solo.status;
  solo.receive(MessageType.MsgAppResp, from, { term, index: solo.storage.lastIndex() });
}

function targets(messages: readonly Message[]): bigint[] {
  return messages.map(({ to }) => to);
}

describe("5.1", () => {
  test.each(["follower", "candidate", "leader"] as const)(
    "a %s that sees a larger term updates to it, and is a follower then",
    (role) => {
      const solo = inRole(role);
      solo.receive(MessageType.MsgApp, 3n, { term: 5, index: 1, logTerm: 1 });
      expect(solo.status).toMatchObject({ term: 5, role: "follower", lead: 3n });
    },
  );

  test("a request with a stale term is rejected", () => {
    const solo = inRole("follower");
    solo.receive(MessageType.MsgApp, 3n, { term: 1, index: 1, logTerm: 1 });
    solo.receive(MessageType.MsgVote, 3n, { term: 1, index: 9, logTerm: 1 });
    expect(solo.status).toMatchObject({ term: 2, lead: 2n, vote: 0n });
    expect(solo.take()).toEqual([]);
  });
});

describe("5.2", () => {
  test("servers start as followers", () => {
    const solo = new Solo({ voters: THREE });
    expect(solo.status.role).toBe("follower");
  });

  test("a leader sends heartbeats to all followers, one per interval", () => {
    const solo = settledLeader({ config: { heartbeatTicks: 3 } });
    const seen = [1, 2, 3, 4, 5, 6].map(() => {
      solo.tick(1);
      return targets(solo.takeOnly(MessageType.MsgHeartbeat));
    });
    expect(seen).toEqual([[], [], [2n, 3n], [], [], [2n, 3n]]);
  });

  test.each(["follower", "candidate"] as const)(
    "a %s that hears nothing for an election timeout starts an election",
    (role) => {
      const solo = inRole(role);
      const { term } = solo.status;
      solo.tick(ELECTION_TICKS);
      expect(solo.status).toMatchObject({ role: "candidate", term: term + 1, vote: 1n });
      expect(targets(solo.takeOnly(MessageType.MsgVote))).toEqual([2n, 3n]);
    },
  );

  test("a follower that hears from the leader starts none", () => {
    const solo = inRole("follower");
    for (let i = 0; i < 3; i++) {
      solo.tick(ELECTION_TICKS - 1);
      solo.receive(MessageType.MsgHeartbeat, 2n, { term: 2 });
    }
    expect(solo.status.role).toBe("follower");
  });

  test.each([
    // voters, grants from others, rejections, role afterwards
    [1, 0, 0, "leader"],
    [3, 1, 0, "leader"],
    [3, 0, 1, "candidate"],
    [3, 0, 2, "follower"],
    [5, 1, 0, "candidate"],
    [5, 2, 0, "leader"],
    [5, 1, 3, "follower"],
    [4, 1, 0, "candidate"],
    [4, 2, 0, "leader"],
  ])("of %i voters, %i more votes and %i refusals make a %s", (size, grants, refusals, role) => {
    const voters = Array.from({ length: size }, (_, i) => BigInt(i + 1));
    const solo = new Solo({ voters });
    solo.node.campaign();
    solo.take();
    for (let i = 0; i < grants + refusals; i++) {
      const reject = i >= grants;
      solo.receive(MessageType.MsgVoteResp, BigInt(i + 2), { term: 1, reject });
    }
    expect(solo.status.role).toBe(role);
  });

  test("a vote is given to one candidate per term, first come, first served", () => {
    const solo = new Solo({ voters: THREE });
    const request = { term: 1, index: 0, logTerm: 0 };
    solo.receive(MessageType.MsgVote, 2n, request);
    solo.receive(MessageType.MsgVote, 3n, request);
    solo.receive(MessageType.MsgVote, 2n, request);
    const answers = solo.take().map(({ to, reject }) => [to, reject]);
    expect(answers).toEqual([
      [2n, false],
      [3n, true],
      [2n, false],
    ]);
  });

  test("a candidate that hears from a leader of its term follows it", () => {
    const solo = inRole("candidate");
    solo.receive(MessageType.MsgApp, 3n, { term: 2, index: 1, logTerm: 1 });
    expect(solo.status).toMatchObject({ role: "follower", term: 2, lead: 3n });
  });

  test("election timeouts are drawn from one to two times the least timeout", () => {
    const solo = new Solo({ voters: THREE, config: { random: new Prng(1) } });
    const timeouts = new Set<number>();
    for (let election = 0; election < 300; election++) {
      const { term } = solo.status;
      let ticks = 0;
      for (; solo.status.term === term; ticks++) solo.tick(1);
      timeouts.add(ticks);
    }
    const sorted = [...timeouts].sort((a, b) => a - b);
    const range = Array.from({ length: ELECTION_TICKS }, (_, i) => ELECTION_TICKS + i);
    expect(sorted).toEqual(range);
  });
});

describe("5.3", () => {
  test("a leader appends a proposal and sends it to all followers at once", () => {
    const solo = settledLeader();
    acknowledge(solo, 3n);
    solo.take();
    solo.propose("x");
    const sent = solo.takeOnly(MessageType.MsgApp);
    expect(targets(sent)).toEqual([2n, 3n]);
    for (const { index, logTerm, entries } of sent) {
      expect([index, logTerm, entries.length]).toEqual([2, 2, 1]);
      expect(entries[0]).toMatchObject({ index: 3, term: 2, data: bytesFromUtf8("x") });
    }
  });

  test("an entry is committed and applied when a majority has stored it", () => {
    const solo = settledLeader();
    solo.propose("x");
    solo.take();
    expect(solo.appliedTexts()).toEqual([]);
    acknowledge(solo, 2n);
    expect(solo.appliedTexts()).toEqual(["x"]);
  });

  test("committing an entry commits all before it, those of other leaders too", () => {
    const solo = inRole("leader", { terms: [1, 1, 1], commit: 0 });
    expect(solo.status.commit).toBe(0);
    acknowledge(solo, 2n);
    expect(solo.status.commit).toBe(4);
  });

  test("the leader tells followers how far it has committed", () => {
    const solo = settledLeader();
    acknowledge(solo, 3n);
    solo.propose("x");
    solo.take();
    acknowledge(solo, 2n);
    expect(solo.takeOnly(MessageType.MsgApp).map(({ commit }) => commit)).toEqual([3, 3]);
  });

  test("a follower applies what the leader has committed, as far as its log was checked", () => {
    const solo = inRole("follower");
    const entries = [entryOf(2, 2), entryOf(3, 2)];
    solo.receive(MessageType.MsgApp, 2n, { term: 2, index: 1, logTerm: 1, entries, commit: 9 });
    expect(solo.status.commit).toBe(3);
  });

  test.each([
    // index and term before the new entries, whether they are refused, hint
    [1, 1, false, 0],
    [1, 2, true, 1],
    [4, 2, true, 1],
  ])(
    "entries behind index %i of term %i are taken only if the log has it",
    (index, logTerm, reject, rejectHint) => {
      const solo = inRole("follower", { commit: 0 });
      solo.receive(MessageType.MsgApp, 2n, { term: 2, index, logTerm });
      expect(solo.takeOnly(MessageType.MsgAppResp)).toMatchObject([{ reject, rejectHint }]);
    },
  );

  test.each([
    // log before, entries after index, terms sent, log afterwards
    [[1, 2], 2, [3], [1, 2, 3]],
    [[1, 2], 1, [3, 4], [1, 3, 4]],
    [[1, 2], 0, [1], [1, 2]],
    [[1, 2], 0, [3], [3]],
  ])("of the log %j, what conflicts behind %i with %j is replaced", (terms, index, sent, after) => {
    const solo = new Solo({ voters: THREE, terms, term: 2 });
    const logTerm = index === 0 ? 0 : terms[index - 1];
    const entries = sent.map((term, i) => entryOf(index + 1 + i, term));
    solo.receive(MessageType.MsgApp, 2n, { term: 4, index, logTerm, entries });
    expect(solo.logTerms()).toEqual(after);
  });

  // Figure 7: six ways in which the log of a follower can differ from the new leader's.
  test.each([
    ["a", [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ["b", [1, 1, 1, 4]],
    ["c", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ["d", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ["e", [1, 1, 1, 4, 4, 4, 4]],
    ["f", [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])("figure 7 (%s): the leader makes the follower's log equal to its own", (_name, terms) => {
    const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    const leader = new Solo({ voters: THREE, terms: leaderTerms, term: 7, commit: 10 });
    const follower = new Solo({ voters: THREE, terms, term: 7 });
    leader.node.campaign();
    leader.take();
    leader.receive(MessageType.MsgVoteResp, 3n, { term: 8 });
    for (let round = 0; round < 20; round++) {
      for (const message of leader.take()) {
        if (message.to === 2n) follower.node.step({ ...message, to: 1n, from: 2n });
      }
      for (const message of follower.take()) leader.node.step({ ...message, to: 1n, from: 2n });
    }
    expect(follower.logTerms()).toEqual([...leaderTerms, 8]);
  });
});

describe("5.4", () => {
  test.each([
    // own log, candidate's last index and term, whether it gets the vote
    [[1], 1, 1, true],
    [[1], 1, 2, true],
    [[1, 1], 1, 2, true],
    [[1], 2, 1, true],
    [[2], 1, 1, false],
    [[2], 2, 1, false],
    [[1, 1], 1, 1, false],
  ])(
    "5.4.1: a voter with the log %j decides on (index %i, term %i)",
    (terms, index, logTerm, granted) => {
      const solo = new Solo({ voters: THREE, terms, term: 2 });
      solo.receive(MessageType.MsgVote, 2n, { term: 3, index, logTerm });
      expect(solo.take()).toMatchObject([{ type: MessageType.MsgVoteResp, reject: !granted }]);
    },
  );

  test.each([
    // index that a quorum has stored, committed index
    [1, 0],
    [2, 0],
    [3, 3],
  ])("5.4.2: stored up to %i, entries of earlier terms are committed up to %i", (index, commit) => {
    const solo = inRole("leader", { terms: [1, 1], commit: 0 });
    solo.receive(MessageType.MsgAppResp, 2n, { term: 2, index });
    expect(solo.status.commit).toBe(commit);
  });
});

describe("thesis 3.8", () => {
  test("a vote is sent when it is durable, not before", () => {
    const solo = new Solo({ voters: THREE });
    solo.holdStorage();
    solo.receive(MessageType.MsgVote, 2n, { term: 1 });
    expect(solo.take()).toEqual([]);
    solo.releaseStorage();
    expect(solo.take()).toMatchObject([{ type: MessageType.MsgVoteResp, to: 2n }]);
    expect(solo.storage.initialState().hardState).toMatchObject({ term: 1, vote: 2n });
  });

  test("entries are acknowledged when they are durable, not before", () => {
    const solo = inRole("follower");
    solo.holdStorage();
    const entries = [entryOf(2, 2)];
    solo.receive(MessageType.MsgApp, 2n, { term: 2, index: 1, logTerm: 1, entries });
    expect(solo.take()).toEqual([]);
    solo.releaseStorage();
    expect(solo.take()).toMatchObject([{ type: MessageType.MsgAppResp, index: 2 }]);
    expect(solo.storage.lastIndex()).toBe(2);
  });
});

describe("thesis 10.2.1", () => {
  test("a leader sends entries while it writes them, and counts them when it has them", () => {
    const solo = settledLeader();
    acknowledge(solo, 3n);
    solo.take();
    solo.holdStorage();
    solo.propose("x");
    expect(targets(solo.takeOnly(MessageType.MsgApp))).toEqual([2n, 3n]);
    solo.receive(MessageType.MsgAppResp, 2n, { term: 2, index: 3 });
    expect(solo.status.commit).toBe(2);
    solo.releaseStorage();
    expect(solo.status.commit).toBe(3);
  });

  test("followers alone may commit what the leader has not stored yet", () => {
    const solo = settledLeader();
    solo.holdStorage();
    solo.propose("x");
    solo.take();
    for (const from of [2n, 3n]) solo.receive(MessageType.MsgAppResp, from, { term: 2, index: 3 });
    expect(solo.status.commit).toBe(3);
    expect(solo.appliedTexts()).toEqual([]);
    solo.releaseStorage();
    expect(solo.appliedTexts()).toEqual(["x"]);
  });
});

describe("thesis 3.10", () => {
  test("leadership goes to a follower that is up to date at once", () => {
    const solo = settledLeader();
    solo.node.transferLeader(2n);
    expect(solo.take()).toMatchObject([{ type: MessageType.MsgTimeoutNow, to: 2n }]);
    expect(solo.propose("x")).toBe(RaftErrors.ProposalDropped);
  });

  test("the follower holds an election without waiting, which voters do not ignore", () => {
    const solo = inRole("follower", { config: { checkQuorum: true, preVote: true } });
    solo.receive(MessageType.MsgTimeoutNow, 2n, { term: 2 });
    const requests = solo.takeOnly(MessageType.MsgVote);
    expect(requests.map(({ term }) => term)).toEqual([3, 3]);
    const voter = inRole("follower", { config: { checkQuorum: true } });
    voter.node.step({ ...requests[0], to: 1n, from: 3n });
    expect(voter.take()).toMatchObject([{ type: MessageType.MsgVoteResp, reject: false }]);
  });

  test("a transfer that takes an election timeout is given up", () => {
    const solo = settledLeader();
    solo.node.transferLeader(2n);
    solo.tick(ELECTION_TICKS);
    expect(solo.status.leadTransferee).toBe(0n);
    expect(solo.propose("x")).toBeUndefined();
  });
});

describe("thesis 4", () => {
  const addFour = { id: 0n, type: 0, nodeId: 4n, context: undefined };

  test("4.1: one configuration change is in the log at a time", () => {
    const solo = settledLeader();
    solo.node.proposeConfChange(addFour);
    solo.node.proposeConfChange({ ...addFour, nodeId: 5n });
    const sent = solo.takeOnly(MessageType.MsgApp).filter(({ to }) => to === 2n);
    const types = sent.flatMap(({ entries }) => entries.map(({ type }) => type));
    expect(types).toEqual([EntryType.EntryConfChange, EntryType.EntryNormal]);
  });

  test("4.2.1: a learner gets entries and counts for nothing", () => {
    const solo = settledLeader({ learners: [4n] });
    acknowledge(solo, 4n);
    solo.take();
    solo.propose("x");
    expect(targets(solo.takeOnly(MessageType.MsgApp))).toContain(4n);
    acknowledge(solo, 4n);
    expect(solo.status.commit).toBe(2);
    const learner = new Solo({ voters: [2n, 3n], learners: [1n] });
    learner.tick(3 * ELECTION_TICKS);
    expect(learner.status).toMatchObject({ role: "follower", term: 0 });
  });

  test("4.2.3: whoever hears from a leader ignores vote requests", () => {
    const solo = inRole("follower", { config: { checkQuorum: true } });
    const request = { term: 3, index: 9, logTerm: 2 };
    solo.receive(MessageType.MsgVote, 3n, request);
    expect([solo.status.term, solo.take()]).toEqual([2, []]);
    solo.node.setRandomizedElectionTicks(2 * ELECTION_TICKS);
    solo.tick(ELECTION_TICKS);
    solo.receive(MessageType.MsgVote, 3n, request);
    expect(solo.take()).toMatchObject([{ type: MessageType.MsgVoteResp, reject: false }]);
  });

  test("4.3: in a joint configuration both majorities must have an entry", () => {
    const solo = settledLeader();
    const changes = [4n, 5n].map((nodeId) => ({ type: 0, nodeId }));
    solo.node.proposeConfChange({ transition: 2, changes, context: undefined });
    solo.take();
    acknowledge(solo, 2n);
    solo.take();
    const { commit } = solo.status;
    solo.propose("x");
    solo.take();
    acknowledge(solo, 2n);
    expect(solo.status.commit).toBe(commit);
    acknowledge(solo, 4n);
    expect(solo.status.commit).toBe(commit + 1);
  });
});

describe("thesis 6", () => {
  test("6.2: a leader that hears from no quorum for an election timeout steps down", () => {
    const solo = settledLeader({ config: { checkQuorum: true } });
    solo.tick(ELECTION_TICKS);
    expect(solo.status.role).toBe("leader");
    solo.receive(MessageType.MsgHeartbeatResp, 3n, { term: 2 });
    solo.tick(ELECTION_TICKS);
    expect(solo.status.role).toBe("leader");
    solo.tick(ELECTION_TICKS);
    expect(solo.status).toMatchObject({ role: "follower", lead: 0n, term: 2 });
  });

  test("6.4: a read waits until the leader has committed in its term", () => {
    const solo = inRole("leader");
    solo.node.readIndex(bytesFromUtf8("r"));
    expect(solo.takeOnly(MessageType.MsgHeartbeat)).toEqual([]);
    acknowledge(solo, 2n);
    const [heartbeat] = solo.takeOnly(MessageType.MsgHeartbeat);
    const { context } = heartbeat;
    solo.receive(MessageType.MsgHeartbeatResp, 2n, { term: 2, context });
    solo.run();
    expect(solo.readStates).toEqual([{ index: 2, context: bytesFromUtf8("r") }]);
  });

  test("6.4: heartbeat answers from before the read confirm nothing", () => {
    const solo = settledLeader();
    solo.tick(1);
    solo.take();
    solo.node.readIndex(bytesFromUtf8("r"));
    solo.receive(MessageType.MsgHeartbeatResp, 2n, { term: 2 });
    solo.run();
    expect(solo.readStates).toEqual([]);
  });

  test("6.4: the only voter of a group, too, reads only what it has committed in its term", () => {
    const solo = new Solo({ voters: [1n], terms: [1, 1], term: 1, commit: 1 });
    solo.node.campaign();
    while (solo.status.role !== "leader") {
      const { messages } = solo.node.ready();
      for (const { responses } of messages) for (const each of responses) solo.node.step(each);
    }
    solo.node.readIndex(bytesFromUtf8("r"));
    expect(solo.status.commit).toBe(1);
    solo.run();
    expect(solo.readStates).toMatchObject([{ index: 3 }]);
  });
});

describe("thesis 9.6", () => {
  test("a pre-vote changes neither the asker's term nor the voter's", () => {
    const asker = inRole("follower", { config: { preVote: true } });
    asker.tick(ELECTION_TICKS);
    expect(asker.status).toMatchObject({ role: "preCandidate", term: 2 });
    const [request] = asker.takeOnly(MessageType.MsgPreVote);
    expect(request.term).toBe(3);
    const voter = new Solo({ voters: THREE, terms: [1], term: 2 });
    voter.node.step({ ...request, to: 1n, from: 3n });
    expect(voter.status).toMatchObject({ term: 2, vote: 0n });
    expect(voter.take()).toMatchObject([
      { type: MessageType.MsgPreVoteResp, reject: false, term: 3 },
    ]);
  });

  test("a won pre-vote leads to an election in the next term", () => {
    const solo = inRole("preCandidate");
    solo.receive(MessageType.MsgPreVoteResp, 2n, { term: 2 });
    expect(solo.status).toMatchObject({ role: "candidate", term: 2, vote: 1n });
  });

  test("a node that was cut off does not disturb a leader when it comes back", () => {
    const solo = inRole("follower", { config: { preVote: true, checkQuorum: true } });
    solo.receive(MessageType.MsgPreVote, 3n, { term: 9, index: 9, logTerm: 8 });
    expect(solo.status).toMatchObject({ term: 2, lead: 2n });
    expect(solo.take()).toEqual([]);
  });
});
