/**
 * Whether a change of the membership leaves a quorum that works: of voters that have ever started, and of
 * voters that this member is connected to. What --strict-reconfig-check asks.
 *
 * Source: etcd server/etcdserver/api/membership/cluster.go (IsReadyToAddVotingMember and others),
 * server/etcdserver/util.go (numConnectedSince) (3.5).
 */
import type { Cluster } from "./cluster.ts";
import type { MemberInfo } from "./member-info.ts";

/** Voters that have started after the change, and how many of them have to be. */
export interface StartedVoters {
  readonly voters: number;
  readonly started: number;
  readonly quorum: number;
  readonly isEnough: boolean;
}

/** After another voter, which has not started, was added. */
export function startedAfterAdd(cluster: Cluster): StartedVoters {
  const voters = votersOf(cluster);
  const count = startedVoters(voters.length + 1, startedOf(voters));
  // A member that is alone may always get a second one: there is no other way out of being alone.
  const isSecond = voters.length === 1 && count.started === 1;
  return isSecond ? { ...count, isEnough: true } : count;
}

/** After a voter was removed. */
export function startedAfterRemoval(cluster: Cluster, id: bigint): StartedVoters {
  const rest = votersOf(cluster).filter((voter) => voter.id !== id);
  return startedVoters(rest.length, startedOf(rest));
}

/** After a learner, which counts as started, became a voter. */
export function startedAfterPromotion(cluster: Cluster): StartedVoters {
  const voters = votersOf(cluster);
  return startedVoters(voters.length + 1, startedOf(voters) + 1);
}

/**
 * Whether the voters that are connected now would be a quorum after another one, which is not, was added: asked
 * before a member of either kind is.
 *
 * Differs from etcd: 3.5.30 asks this; before, all voters had to be connected, so that a cluster with one member
 * down took no other in its place.
 */
export function isConnectedForAdd(cluster: Cluster, isConnected: IsConnected): boolean {
  const voters = votersOf(cluster);
  // A member that is alone may always get a second one.
  if (voters.length === 1) return true;
  return connectedOf(voters, isConnected) >= quorumOf(voters.length + 1);
}

/** Voters that are connected, and whether those left of them are a quorum after one of them was removed. */
export function connectedAfterRemoval(
  cluster: Cluster,
  isConnected: IsConnected,
): { readonly active: number; readonly isEnough: boolean } {
  const voters = votersOf(cluster);
  const active = connectedOf(voters, isConnected);
  return { active, isEnough: active - 1 >= quorumOf(voters.length - 1) };
}

/** Whether this member is the one with the id, or was connected to it for long enough. */
export type IsConnected = (id: bigint) => boolean;

function votersOf(cluster: Cluster): MemberInfo[] {
  return cluster.members().filter(({ isLearner }) => !isLearner);
}

function startedVoters(voters: number, started: number): StartedVoters {
  const quorum = quorumOf(voters);
  return { voters, started, quorum, isEnough: started >= quorum };
}

/** A member has a name from its first start on. */
function startedOf(voters: readonly MemberInfo[]): number {
  return voters.filter(({ name }) => name !== "").length;
}

function connectedOf(voters: readonly MemberInfo[], isConnected: IsConnected): number {
  return voters.filter(({ id }) => isConnected(id)).length;
}

function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}
