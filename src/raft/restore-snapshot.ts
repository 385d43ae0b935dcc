/**
 * Taking a snapshot from the leader: it replaces log and configuration when it is ahead of this node.
 *
 * Source: etcd-io/raft raft.go (handleSnapshot, restore); Raft thesis section 5.1.
 */
import type { ConfState, Message, Snapshot } from "../wire/gen/raft.ts";
import { equivalentConfStates, restoreConfiguration } from "./confchange/restore.ts";
import { describeConfState } from "./describe.ts";
import { RaftError } from "./errors.ts";
import { fatal } from "./fatal.ts";
import { NONE, formatId } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { switchConfiguration } from "./reconfigure.ts";
import { sendAppendResponse } from "./send.ts";
import { emptySnapshot } from "./snapshot.ts";
import { emptyConfiguration } from "./tracker/configuration.ts";
import { becomeFollower } from "./transitions.ts";

/** Restores from the message's snapshot and answers how far this node now matches the leader. */
export function handleSnapshot(raft: Raft, message: Message): void {
  const snapshot = message.snapshot ?? emptySnapshot();
  const restored = restore(raft, snapshot);
  const { index, term } = snapshot.metadata;
  raft.info(
    () =>
      `${formatId(raft.id)} [commit: ${raft.raftLog.committed}] ` +
      `${restored ? "restored" : "ignored"} snapshot [index: ${index}, term: ${term}]`,
  );
  const matched = restored ? raft.raftLog.lastIndex() : raft.raftLog.committed;
  sendAppendResponse(raft, message.from, matched);
}

/** Returns false when the snapshot is of no use: outdated, or not for this node. */
function restore(raft: Raft, snapshot: Snapshot): boolean {
  const { raftLog } = raft;
  const { index, term, confState } = snapshot.metadata;
  if (index <= raftLog.committed) return false;
  if (raft.role !== "follower") {
    raft.warn(
      () => `${formatId(raft.id)} attempted to restore snapshot as leader; should never happen`,
    );
    becomeFollower(raft, raft.term + 1, NONE);
    return false;
  }
  if (!isMember(confState, raft.id)) {
    raft.warn(
      () =>
        `${formatId(raft.id)} attempted to restore snapshot but it is not in the ConfState ` +
        `${describeConfState(confState)}; should never happen`,
    );
    return false;
  }
  if (raftLog.matchTerm(index, term)) {
    // The log has everything the snapshot stands for: only the commit index is news.
    raft.info(
      () =>
        `${describeLog(raft)} fast-forwarded commit to snapshot [index: ${index}, term: ${term}]`,
    );
    raftLog.commitTo(index);
    return false;
  }
  raftLog.restore(snapshot);
  const { config, progress } = raft.tracker;
  raft.overtaken ??= { config, progress };
  useConfState(raft, confState);
  raft.info(() => `${describeLog(raft)} restored snapshot [index: ${index}, term: ${term}]`);
  return true;
}

/** Members are looked for in all parts but learnersNext, which is a part of votersOutgoing. */
function isMember(state: ConfState, id: NodeId): boolean {
  return (
    state.voters.includes(id) || state.learners.includes(id) || state.votersOutgoing.includes(id)
  );
}

/** Replaces the active configuration by `state`, with fresh progress for everyone. */
export function useConfState(raft: Raft, state: ConfState): void {
  const { tracker } = raft;
  const restored = restoreConfiguration(
    {
      config: emptyConfiguration(),
      progress: new Map(),
      lastIndex: raft.raftLog.lastIndex(),
      inflightMessagesMax: tracker.inflightMessagesMax,
      inflightBytesMax: tracker.inflightBytesMax,
    },
    state,
  );
  if (restored instanceof RaftError) {
    return fatal(
      raft.log,
      `unable to restore config ${describeConfState(state)}: ${restored.message}`,
    );
  }
  const active = switchConfiguration(raft, restored);
  if (!equivalentConfStates(state, active)) {
    fatal(
      raft.log,
      `ConfStates not equivalent after sorting: ${describeConfState(state)} and ` +
        describeConfState(active),
    );
  }
}

function describeLog(raft: Raft): string {
  const { raftLog } = raft;
  return (
    `${formatId(raft.id)} [commit: ${raftLog.committed}, lastindex: ${raftLog.lastIndex()}, ` +
    `lastterm: ${raftLog.lastTerm()}]`
  );
}
