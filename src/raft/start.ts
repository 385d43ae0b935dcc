/**
 * From storage to a running node.
 *
 * Source: etcd-io/raft raft.go (newRaft, loadState).
 */
import { fatal } from "./fatal.ts";
import { NONE, formatId, sortedIds } from "./node-id.ts";
import { jointVoters } from "./quorum/joint.ts";
import type { Raft } from "./raft.ts";
import { useConfState } from "./restore-snapshot.ts";
import { isEmptyHardState } from "./snapshot.ts";
import { becomeFollower } from "./transitions.ts";

/** Brings a new node to the state its storage describes, and makes it a follower. */
export function startRaft(raft: Raft): void {
  const { raftLog } = raft;
  const { hardState, confState } = raft.config.storage.initialState();
  useConfState(raft, confState);
  if (!isEmptyHardState(hardState)) {
    const { commit } = hardState;
    if (commit < raftLog.committed || commit > raftLog.lastIndex()) {
      fatal(
        raft.log,
        `${formatId(raft.id)} state.commit ${commit} is out of range ` +
          `[${raftLog.committed}, ${raftLog.lastIndex()}]`,
      );
    }
    raftLog.commitTo(commit);
    raft.term = hardState.term;
    raft.vote = hardState.vote;
  }
  if (raft.config.applied > 0) raftLog.appliedTo(raft.config.applied, 0);
  becomeFollower(raft, raft.term, NONE);
  raft.info(() => {
    const peers = sortedIds(jointVoters(raft.tracker.config)).map(formatId).join(",");
    return (
      `newRaft ${formatId(raft.id)} [peers: [${peers}], term: ${raft.term}, ` +
      `commit: ${raftLog.committed}, applied: ${raftLog.applied}, ` +
      `lastindex: ${raftLog.lastIndex()}, lastterm: ${raftLog.lastTerm()}]`
    );
  });
}
