/**
 * Answers as rows of cells: what the simple form joins with commas and the table form draws as a box. Cells
 * are byte strings.
 *
 * Source: etcd etcdctl/ctlv3/command/printer.go (makeMemberListTable and its like).
 */
import { humanBytes } from "../../stdx/humanize.ts";
import { AlarmType, type MemberListResponse } from "../../wire/gen/rpc.ts";
import { byteString } from "../byte-text.ts";
import type { EndpointHash, EndpointHealth, EndpointStatus } from "./printer.ts";

export const MEMBER_HEADINGS = ["ID", "Status", "Name", "Peer Addrs", "Client Addrs", "Is Learner"];

export function memberRows(response: MemberListResponse): string[][] {
  return response.members.map((member) => [
    member.id.toString(16),
    member.name === "" ? "unstarted" : "started",
    byteString(member.name),
    byteString(member.peerUrls.join(",")),
    byteString(member.clientUrls.join(",")),
    String(member.isLearner),
  ]);
}

export const HEALTH_HEADINGS = ["endpoint", "health", "took", "error"];

export function healthRows(list: readonly EndpointHealth[]): string[][] {
  return list.map((health) => [
    health.endpoint,
    String(health.isHealthy),
    health.took,
    health.error,
  ]);
}

export const STATUS_HEADINGS = [
  "endpoint",
  "ID",
  "version",
  "db size",
  "is leader",
  "is learner",
  "raft term",
  "raft index",
  "raft applied index",
  "errors",
];

export function statusRows(list: readonly EndpointStatus[]): string[][] {
  return list.map(({ endpoint, status }) => {
    const memberId = status.header?.memberId ?? 0n;
    return [
      endpoint,
      memberId.toString(16),
      byteString(status.version),
      humanBytes(status.dbSize),
      String(status.leader === memberId),
      String(status.isLearner),
      String(status.raftTerm),
      String(status.raftIndex),
      String(status.raftAppliedIndex),
      byteString(status.errors.join(", ")),
    ];
  });
}

export const HASH_HEADINGS = ["endpoint", "hash"];

export function hashRows(list: readonly EndpointHash[]): string[][] {
  return list.map(({ endpoint, hashKv }) => [endpoint, String(hashKv.hash)]);
}

/** The name of a kind of alarm, as the protocol has it. */
export function alarmTypeName(alarm: AlarmType): string {
  const found = Object.entries(AlarmType).find(([, value]) => value === alarm);
  return found === undefined ? String(alarm) : found[0];
}
