import fc from "fast-check";
import { expect, test } from "vitest";
import { naiveCommittedIndex } from "../../../test/harness/raft-quorum-script.ts";
import type { NodeId } from "../node-id.ts";
import { jointCommittedIndex, jointVoteResult } from "./joint.ts";
import { majorityCommittedIndex, majorityVoteResult } from "./majority.ts";
import type { AckedIndexer } from "./majority.ts";
import type { VoteResult } from "./vote-result.ts";

const ids = fc.bigInt({ min: 1n, max: 9n });
const voters = fc.uniqueArray(ids, { maxLength: 9 }).map((list) => new Set(list));
const acks = fc
  .array(fc.tuple(ids, fc.nat(20)), { maxLength: 9 })
  .map((pairs) => new Map<NodeId, number>(pairs));
const votes = fc
  .array(fc.tuple(ids, fc.boolean()), { maxLength: 9 })
  .map((pairs) => new Map<NodeId, boolean>(pairs));

function indexer(known: ReadonlyMap<NodeId, number>): AckedIndexer {
  return { ackedIndex: (voter) => known.get(voter) };
}

/** Tries all ways in which the missing votes can still be cast. */
function naiveVoteResult(of: ReadonlySet<NodeId>, cast: ReadonlyMap<NodeId, boolean>): VoteResult {
  const missing = [...of].filter((id) => !cast.has(id));
  const granted = [...of].filter((id) => cast.get(id) === true).length;
  const outcomes = new Set<boolean>();
  for (let more = 0; more <= missing.length; more++) {
    outcomes.add(of.size === 0 || (granted + more) * 2 > of.size);
  }
  if (outcomes.size === 2) return "pending";
  return outcomes.has(true) ? "won" : "lost";
}

test("majorityCommittedIndex finds what counting finds", () => {
  fc.assert(
    fc.property(voters, acks, (of, known) => {
      const relevant = new Map([...known].filter(([id]) => of.has(id)));
      expect(majorityCommittedIndex(of, indexer(known))).toBe(naiveCommittedIndex(of, relevant));
    }),
  );
});

test("majorityVoteResult is pending exactly when the missing votes decide", () => {
  fc.assert(
    fc.property(voters, votes, (of, cast) => {
      expect(majorityVoteResult(of, cast)).toBe(naiveVoteResult(of, cast));
    }),
  );
});

test("jointCommittedIndex is the lower of both halves, whichever comes first", () => {
  fc.assert(
    fc.property(voters, voters, acks, (incoming, outgoing, known) => {
      const acked = indexer(known);
      const joint = jointCommittedIndex({ incoming, outgoing }, acked);
      const halves = [incoming, outgoing].map((half) => majorityCommittedIndex(half, acked));
      expect(joint).toBe(Math.min(...halves));
      expect(jointCommittedIndex({ incoming: outgoing, outgoing: incoming }, acked)).toBe(joint);
    }),
  );
});

test("jointVoteResult is won when both halves win, lost when one loses", () => {
  fc.assert(
    fc.property(voters, voters, votes, (incoming, outgoing, cast) => {
      const halves = [incoming, outgoing].map((half) => naiveVoteResult(half, cast));
      const expected = halves.includes("lost")
        ? "lost"
        : halves.includes("pending")
          ? "pending"
          : "won";
      expect(jointVoteResult({ incoming, outgoing }, cast)).toBe(expected);
    }),
  );
});

test("an empty quorum commits everything and wins every vote", () => {
  const nobody: ReadonlySet<NodeId> = new Set();
  expect(majorityCommittedIndex(nobody, indexer(new Map()))).toBe(Number.POSITIVE_INFINITY);
  expect(majorityVoteResult(nobody, new Map())).toBe("won");
});
