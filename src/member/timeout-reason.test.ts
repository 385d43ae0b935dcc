import { expect, test } from "vitest";
import { Errors } from "../errors/table.ts";
import { type TimedOutMember, timeoutReason } from "./timeout-reason.ts";

const START_MS = 10_000;

const members = [1n, 2n, 3n].map((id) => ({
  ...{ id, name: "", peerUrls: [], clientUrls: [], isLearner: false },
}));

function reason(member: Partial<TimedOutMember>, activeSince: Readonly<Record<string, number>>) {
  const whole = { id: 1n, leader: 2n, electedMs: undefined, electionMs: 1000, members, ...member };
  const activeSinceMs = (id: bigint) => activeSince[String(id)];
  return timeoutReason(whole, START_MS, { activeSinceMs });
}

test("a proposal from shortly before this member was elected failed with the leader before it", () => {
  expect(reason({ leader: 1n, electedMs: START_MS + 1999 }, {})).toBe(
    Errors.TimeoutDueToLeaderFail,
  );
  const all = { 2: 1, 3: 1 };
  expect(reason({ leader: 1n, electedMs: START_MS + 2000 }, all)).toBe(Errors.Timeout);
  expect(reason({ leader: 1n, electedMs: START_MS }, all)).toBe(Errors.Timeout);
});

test("a follower looks at its connection to the leader", () => {
  expect(reason({}, { 2: START_MS - 1, 3: 1 })).toBe(Errors.Timeout);
  expect(reason({}, { 2: START_MS, 3: 1 })).toBe(Errors.TimeoutDueToConnectionLost);
  expect(reason({}, { 3: 1 })).toBe(Errors.TimeoutDueToConnectionLost);
});

test("a leader looks for a quorum that it has reached all the time", () => {
  expect(reason({ leader: 1n }, { 3: START_MS - 1 })).toBe(Errors.Timeout);
  expect(reason({ leader: 1n }, { 3: START_MS })).toBe(Errors.TimeoutDueToConnectionLost);
});

test("without a leader nothing more is known", () => {
  expect(reason({ leader: 0n }, {})).toBe(Errors.Timeout);
});
