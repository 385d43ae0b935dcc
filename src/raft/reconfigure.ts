/**
 * Putting configurations into use: a committed change that is being applied, or one from a snapshot.
 *
 * Source: etcd-io/raft raft.go (applyConfChange, switchToConfig); Raft thesis chapter 4.
 */
import type { ConfChangeV2, ConfState } from "../wire/gen/raft.ts";
import { changeSimple, enterJoint, leaveJoint } from "./confchange/changer.ts";
import type { ChangeBase } from "./confchange/changer.ts";
import { confChangeKind } from "./confchange/conf-change.ts";
import { RaftError } from "./errors.ts";
import { fatal } from "./fatal.ts";
import { NONE, formatId } from "./node-id.ts";
import { isJointVoter } from "./quorum/joint.ts";
import type { Raft } from "./raft.ts";
import { broadcastAppend, maybeCommit, maybeSendAppend } from "./replicate.ts";
import { confStateOf, describeConfiguration } from "./tracker/configuration.ts";
import type { TrackedConfiguration } from "./tracker/progress-tracker.ts";
import { becomeFollower } from "./transitions.ts";

/**
 * Makes a committed change, and returns the configuration as of its entry. An impossible change must not
 * have been committed: it ends the node.
 *
 * Differs from etcd: a change from before a snapshot that was restored in the meantime does not touch the
 * active configuration, which is the snapshot's and has that change in it already. That can only happen
 * when entries are applied while messages are being handled.
 */
export function applyConfChange(raft: Raft, change: ConfChangeV2): ConfState {
  const next = changed(raft, raft.overtaken ?? raft.tracker, change);
  if (next instanceof RaftError) return fatal(raft.log, next.message);
  if (raft.overtaken === undefined) return switchConfiguration(raft, next);
  raft.overtaken = next;
  return confStateOf(next.config);
}

function changed(
  raft: Raft,
  { config, progress }: TrackedConfiguration,
  change: ConfChangeV2,
): TrackedConfiguration | RaftError {
  const { inflightMessagesMax, inflightBytesMax } = raft.tracker;
  const lastIndex = raft.raftLog.lastIndex();
  const base: ChangeBase = { config, progress, lastIndex, inflightMessagesMax, inflightBytesMax };
  switch (confChangeKind(change)) {
    case "leaveJoint":
      return leaveJoint(base);
    case "jointImplicit":
      return enterJoint(base, true, change.changes);
    case "jointExplicit":
      return enterJoint(base, false, change.changes);
    case "simple":
      return changeSimple(base, change.changes);
  }
}

/**
 * Puts a configuration into use, and does what follows from it: a leader that lost its vote may step
 * down, entries may be committed by the new quorum, new followers are probed, a transfer to a node that
 * is no voter any more ends.
 */
export function switchConfiguration(raft: Raft, next: TrackedConfiguration): ConfState {
  const { tracker } = raft;
  tracker.use(next);
  raft.info(
    () => `${formatId(raft.id)} switched to configuration ${describeConfiguration(tracker.config)}`,
  );
  const confState = confStateOf(tracker.config);
  const own = tracker.progress.get(raft.id);
  raft.isLearner = own?.isLearner === true;
  if (raft.role !== "leader") return confState;
  if (own === undefined || raft.isLearner) {
    if (raft.config.stepDownOnRemoval) becomeFollower(raft, raft.term, NONE);
    return confState;
  }
  if (confState.voters.length === 0) return confState;
  if (maybeCommit(raft)) {
    broadcastAppend(raft);
  } else {
    for (const [id, progress] of tracker.progress) {
      if (id !== raft.id) maybeSendAppend(raft, id, progress, false);
    }
  }
  if (!isJointVoter(tracker.config, raft.leadTransferee)) raft.leadTransferee = NONE;
  return confState;
}
