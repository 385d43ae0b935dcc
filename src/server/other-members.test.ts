import { describe, expect, test } from "vitest";
import { Cluster } from "../membership/cluster.ts";
import { encodeMember, type MemberInfo } from "../membership/member-info.ts";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import { ConfChangeType, encodeConfChange, type Entry, EntryType } from "../wire/gen/raft.ts";
import { refuseOtherMembers } from "./other-members.ts";
import { StartError } from "./start-error.ts";

function memberOf(id: bigint, name = ""): MemberInfo {
  return { id, name, peerUrls: [`http://${id}:2380`], clientUrls: [], isLearner: false };
}

function entryOf(type: ConfChangeType, member: MemberInfo, index: number): Entry {
  const context = bytesFromUtf8(encodeMember(member));
  const change = encodeConfChange({ id: 0n, type, nodeId: member.id, context });
  return { type: EntryType.EntryConfChange, term: 1, index, data: change };
}

const ADD = ConfChangeType.ConfChangeAddNode;
const ADD_LEARNER = ConfChangeType.ConfChangeAddLearnerNode;
const REMOVE = ConfChangeType.ConfChangeRemoveNode;

/** What is said to member 1 after these changes, behind a snapshot with these members. */
function refusalOf(changes: [ConfChangeType, MemberInfo][], snapshot: MemberInfo[] = []): string {
  const cluster = new Cluster(7n);
  for (const member of snapshot) cluster.add(member);
  const entries = changes.map(([type, member], at) => entryOf(type, member, at + 1));
  try {
    refuseOtherMembers(1n, cluster, entries, "wal");
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  expect(cluster.members()).toEqual(snapshot);
  return "";
}

describe("refuseOtherMembers", () => {
  test("lets the only member through", () => {
    expect(refusalOf([[ADD, memberOf(1n)]])).toBe("");
    expect(refusalOf([], [memberOf(1n)])).toBe("");
  });

  test("names the others, voters and learners, of the log and of the snapshot", () => {
    const first: [ConfChangeType, MemberInfo] = [ADD, memberOf(1n)];
    expect(refusalOf([first, [ADD, memberOf(10n)]])).toContain("more than this member (a)");
    expect(refusalOf([first, [ADD_LEARNER, memberOf(11n, "b")]])).toContain("this member (b)");
    expect(refusalOf([], [memberOf(1n), memberOf(2n, "c")])).toContain("this member (c)");
  });

  test("counts nobody who is gone again, or was never let in", () => {
    const two = memberOf(2n);
    expect(
      refusalOf(
        [
          [ADD, two],
          [REMOVE, two],
        ],
        [memberOf(1n)],
      ),
    ).toBe("");
    const sameUrl = { ...two, peerUrls: memberOf(1n).peerUrls };
    expect(refusalOf([[ADD, sameUrl]], [memberOf(1n)])).toBe("");
  });

  test("refuses a member that was removed", () => {
    const one = memberOf(1n);
    expect(refusalOf([[REMOVE, one]], [one])).toContain("member 1 was removed");
  });
});
