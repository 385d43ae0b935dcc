/**
 * Why a proposal got no answer in time, as far as the member that made it can tell.
 *
 * Source: etcd server/etcdserver/server.go (parseProposeCtxErr), util.go (isConnectedToQuorumSince; 3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { MemberInfo } from "../membership/member-info.ts";
import { NONE } from "../raft/node-id.ts";
import { LEADER_FAIL_ELECTIONS } from "./limits.ts";

/** Which peers can be reached. */
export interface PeerConnections {
  /** When the peer began to answer, on the monotonic clock; `undefined` while it does not. */
  activeSinceMs(id: bigint): number | undefined;
}

/** No peer can be reached: there is none. */
export const NO_CONNECTIONS: PeerConnections = { activeSinceMs: () => undefined };

/** The member as it is when the time is up. */
export interface TimedOutMember {
  readonly id: bigint;
  readonly leader: bigint;
  /** When it was elected last, on the monotonic clock; `undefined` if never. */
  readonly electedMs: number | undefined;
  readonly electionMs: number;
  readonly members: readonly MemberInfo[];
}

/** Errors: the answer to a proposal that was made at `startMs`. */
export function timeoutReason(
  { id, leader, electedMs, electionMs, members }: TimedOutMember,
  startMs: number,
  connections: PeerConnections,
): EtcdError {
  const isSoonBefore =
    electedMs !== undefined &&
    startMs < electedMs &&
    startMs > electedMs - LEADER_FAIL_ELECTIONS * electionMs;
  if (isSoonBefore) return Errors.TimeoutDueToLeaderFail;
  if (leader === NONE) return Errors.Timeout;
  const isConnected = (peer: bigint): boolean => {
    const sinceMs = connections.activeSinceMs(peer);
    return sinceMs !== undefined && sinceMs < startMs;
  };
  if (leader !== id) {
    return isConnected(leader) ? Errors.Timeout : Errors.TimeoutDueToConnectionLost;
  }
  const reached = members.filter((member) => member.id === id || isConnected(member.id)).length;
  const hasQuorum = reached >= Math.floor(members.length / 2) + 1;
  return hasQuorum ? Errors.Timeout : Errors.TimeoutDueToConnectionLost;
}
