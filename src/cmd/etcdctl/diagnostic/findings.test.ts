import { describe, expect, test } from "vitest";
import {
  AlarmType,
  createAlarmMember,
  createAlarmResponse,
  createHashKVResponse,
  createMember,
  createMemberListResponse,
  createResponseHeader,
  createStatusResponse,
  type StatusResponse,
} from "../../../wire/gen/rpc.ts";
import { type EndpointAnswers, findingsOf } from "./findings.ts";

const MIB = 1024 * 1024;

function answers(
  endpoint: string,
  memberId: bigint,
  status: Partial<StatusResponse> = {},
): EndpointAnswers {
  const header = createResponseHeader({ clusterId: 1n, memberId });
  return {
    endpoint,
    status: createStatusResponse({ header, version: "3.5.16", leader: 1n, ...status }),
    hashKv: createHashKVResponse({ hash: 7, compactRevision: 3 }),
    failures: new Map(),
  };
}

describe("findings", () => {
  test("nothing where all say the same", () => {
    expect(findingsOf([answers("a", 1n), answers("b", 2n)])).toEqual([]);
  });

  test("whatever members do not agree on", () => {
    const other = answers("b", 2n, { version: "3.5.17", leader: 2n });
    const hashKv = createHashKVResponse({ hash: 8, compactRevision: 3 });
    expect(findingsOf([answers("a", 1n), { ...other, hashKv }])).toEqual([
      "endpoints run different versions: a 3.5.16, b 3.5.17",
      "endpoints know different leaders: a 1, b 2",
      "endpoints have different hashes of the same revision: a 7, b 8",
    ]);
  });

  test("no hash where histories differ", () => {
    const hashKv = createHashKVResponse({ hash: 8, compactRevision: 2 });
    expect(findingsOf([answers("a", 1n), { ...answers("b", 2n), hashKv }])).toEqual([]);
  });

  test("what a member says of itself", () => {
    const status = {
      leader: 0n,
      isLearner: true,
      raftIndex: 5000,
      raftAppliedIndex: 10,
      dbSize: 400 * MIB,
      dbSizeInUse: 100 * MIB,
      errors: ["etcdserver: no leader"],
    };
    expect(findingsOf([answers("a", 1n, status)])).toEqual([
      "a: reports etcdserver: no leader",
      "a: knows no leader",
      "a: is a learner",
      "a: has 4990 entries still to apply",
      "a: 315 MB of 419 MB of its database are free: defrag gives them back",
    ]);
  });

  test("alarms once, members that nobody asked, and what failed", () => {
    const alarms = createAlarmResponse({
      alarms: [createAlarmMember({ memberId: 0xabn, alarm: AlarmType.NOSPACE })],
    });
    const members = createMemberListResponse({
      members: [createMember({ id: 1n, name: "one" }), createMember({ id: 2n, name: "two" })],
    });
    const failures = new Map([["/metrics", "no"]]);
    const one = { ...answers("a", 1n), alarms, members, failures };
    expect(findingsOf([one, { ...answers("b", 1n), alarms }])).toEqual([
      "a: no /metrics: no",
      "member ab has raised the alarm NOSPACE",
      "member 2 (two) has not answered, or was not asked",
    ]);
  });
});
