/**
 * The passing of time, in ticks. How long a tick is, is the caller's business.
 *
 * Source: etcd-io/raft raft.go (tickElection, tickHeartbeat).
 */
import { startElection } from "./election.ts";
import { checkQuorum } from "./leader.ts";
import { NONE } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { broadcastHeartbeat } from "./replicate.ts";

export function tick(raft: Raft): void {
  if (raft.role === "leader") tickLeader(raft);
  else tickElection(raft);
}

function tickElection(raft: Raft): void {
  raft.electionElapsed++;
  if (!raft.isPromotable() || raft.electionElapsed < raft.randomizedElectionTicks) return;
  raft.electionElapsed = 0;
  startElection(raft, raft.config.preVote ? "pre" : "regular");
}

function tickLeader(raft: Raft): void {
  raft.heartbeatElapsed++;
  raft.electionElapsed++;
  if (raft.electionElapsed >= raft.config.electionTicks) {
    raft.electionElapsed = 0;
    if (raft.config.checkQuorum) checkQuorum(raft);
    if (raft.role !== "leader") return;
    // A transfer that took an election timeout has failed: this node leads on.
    raft.leadTransferee = NONE;
  }
  if (raft.heartbeatElapsed >= raft.config.heartbeatTicks) {
    raft.heartbeatElapsed = 0;
    broadcastHeartbeat(raft);
  }
}
