/**
 * The algebra of configuration changes: from one configuration and its progress to the next.
 *
 * Nothing is changed in place: a failed change leaves no trace. Refused changes come back as values; a
 * configuration that breaks its own invariants is a bug and asserts.
 *
 * Source: etcd-io/raft confchange/confchange.go; Raft thesis sections 4.1 (one server at a time) and
 * 4.3 (arbitrary changes through joint consensus).
 */
import { assert } from "../../stdx/assert.ts";
import { ConfChangeType } from "../../wire/gen/raft.ts";
import type { ConfChangeSingle } from "../../wire/gen/raft.ts";
import { RaftError } from "../errors.ts";
import { NONE, sortedIds } from "../node-id.ts";
import type { NodeId } from "../node-id.ts";
import { isJointVoter, jointVoters } from "../quorum/joint.ts";
import { cloneConfiguration, isJoint } from "../tracker/configuration.ts";
import type { Configuration, MutableConfiguration } from "../tracker/configuration.ts";
import { Inflights } from "../tracker/inflights.ts";
import { Progress } from "../tracker/progress.ts";
import type { TrackedConfiguration } from "../tracker/progress-tracker.ts";

/** What a change starts from. */
export interface ChangeBase extends TrackedConfiguration {
  /** Last index of the log: where the search for the end of a new node's log begins. */
  readonly lastIndex: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
}

const ChangeErrors = {
  AlreadyJoint: new RaftError("config is already joint"),
  ZeroVoters: new RaftError("can't make a zero-voter config joint"),
  LeaveNonJoint: new RaftError("can't leave a non-joint config"),
  SimpleInJoint: new RaftError("can't apply simple config change in joint config"),
  TooManyVoters: new RaftError("more than one voter changed without entering joint config"),
  RemovedAllVoters: new RaftError("removed all voters"),
} as const;

/** A configuration under construction with its progress. */
interface Draft {
  readonly config: MutableConfiguration;
  readonly progress: Map<NodeId, Progress>;
}

/**
 * Makes `changes` at once, without a joint configuration. Refused when more than one voter would change,
 * because then the old and the new majority need not overlap.
 */
export function changeSimple(
  base: ChangeBase,
  changes: readonly ConfChangeSingle[],
): TrackedConfiguration | RaftError {
  const draft = draftOf(base);
  if (isJoint(draft.config)) return ChangeErrors.SimpleInJoint;
  const error = applySteps(base, draft, changes);
  if (error !== undefined) return error;
  if (symmetricDifference(base.config.incoming, draft.config.incoming) > 1) {
    return ChangeErrors.TooManyVoters;
  }
  return finish(draft);
}

/**
 * Enters a joint configuration: today's voters become the outgoing half, today's voters with `changes`
 * made become the incoming half. `autoLeave` tells the leader to leave it again when that is safe.
 */
export function enterJoint(
  base: ChangeBase,
  autoLeave: boolean,
  changes: readonly ConfChangeSingle[],
): TrackedConfiguration | RaftError {
  const draft = draftOf(base);
  if (isJoint(draft.config)) return ChangeErrors.AlreadyJoint;
  if (draft.config.incoming.size === 0) return ChangeErrors.ZeroVoters;
  draft.config.outgoing = new Set(draft.config.incoming);
  const error = applySteps(base, draft, changes);
  if (error !== undefined) return error;
  draft.config.autoLeave = autoLeave;
  return finish(draft);
}

/** Leaves a joint configuration: the outgoing half goes, and the staged learners become learners. */
export function leaveJoint(base: ChangeBase): TrackedConfiguration | RaftError {
  const draft = draftOf(base);
  const { config, progress } = draft;
  if (!isJoint(config)) return ChangeErrors.LeaveNonJoint;
  for (const id of config.learnersNext) {
    config.learners.add(id);
    progressOf(draft, id).isLearner = true;
  }
  config.learnersNext = new Set();
  for (const id of config.outgoing) {
    if (!config.incoming.has(id) && !config.learners.has(id)) progress.delete(id);
  }
  config.outgoing = new Set();
  config.autoLeave = false;
  return finish(draft);
}

function draftOf(base: TrackedConfiguration): Draft {
  assertConsistent(base);
  const progress = new Map<NodeId, Progress>();
  for (const [id, each] of base.progress) progress.set(id, each.withSharedInflights());
  return { config: cloneConfiguration(base.config), progress };
}

function finish(draft: Draft): TrackedConfiguration {
  const progress = new Map<NodeId, Progress>();
  for (const id of sortedIds(draft.progress.keys())) progress.set(id, progressOf(draft, id));
  const next = { config: draft.config, progress };
  assertConsistent(next);
  return next;
}

function progressOf(tracked: TrackedConfiguration, id: NodeId): Progress {
  const progress = tracked.progress.get(id);
  assert(progress !== undefined, () => `Cannot find the progress of node ${id}`);
  return progress;
}

function applySteps(
  base: ChangeBase,
  draft: Draft,
  changes: readonly ConfChangeSingle[],
): RaftError | undefined {
  for (const change of changes) {
    // A change that was voided after it entered the log has its node replaced by none.
    if (change.nodeId === NONE) continue;
    switch (change.type) {
      case ConfChangeType.ConfChangeAddNode:
        makeVoter(base, draft, change.nodeId);
        break;
      case ConfChangeType.ConfChangeAddLearnerNode:
        makeLearner(base, draft, change.nodeId);
        break;
      case ConfChangeType.ConfChangeRemoveNode:
        removeNode(draft, change.nodeId);
        break;
      case ConfChangeType.ConfChangeUpdateNode:
        break;
      default:
        return new RaftError(`unexpected conf type ${String(change.type)}`);
    }
  }
  return draft.config.incoming.size === 0 ? ChangeErrors.RemovedAllVoters : undefined;
}

function makeVoter(base: ChangeBase, draft: Draft, id: NodeId): void {
  const progress = draft.progress.get(id);
  draft.config.incoming.add(id);
  if (progress === undefined) {
    draft.progress.set(id, newProgress(base, false));
    return;
  }
  progress.isLearner = false;
  draft.config.learners.delete(id);
  draft.config.learnersNext.delete(id);
}

function makeLearner(base: ChangeBase, draft: Draft, id: NodeId): void {
  const { config } = draft;
  const progress = draft.progress.get(id);
  if (progress === undefined) {
    config.learners.add(id);
    draft.progress.set(id, newProgress(base, true));
    return;
  }
  if (progress.isLearner) return;
  config.incoming.delete(id);
  if (config.outgoing.has(id)) {
    // It still votes in the outgoing half, so it waits for the end of the joint configuration.
    config.learnersNext.add(id);
  } else {
    progress.isLearner = true;
    config.learners.add(id);
  }
}

function removeNode(draft: Draft, id: NodeId): void {
  const { config, progress } = draft;
  if (!progress.has(id)) return;
  config.incoming.delete(id);
  config.learners.delete(id);
  config.learnersNext.delete(id);
  if (!config.outgoing.has(id)) progress.delete(id);
}

/**
 * A new node is taken as alive, or a quorum check before its first answer would depose the leader. The
 * search for its log's end begins at our last index: it may have been given a copy of the log already.
 */
function newProgress(base: ChangeBase, isLearner: boolean): Progress {
  return new Progress({
    match: 0,
    next: Math.max(base.lastIndex, 1),
    inflights: new Inflights(base.inflightMessagesMax, base.inflightBytesMax),
    isLearner,
    recentActive: true,
  });
}

function symmetricDifference(a: ReadonlySet<NodeId>, b: ReadonlySet<NodeId>): number {
  let count = 0;
  for (const id of a) if (!b.has(id)) count++;
  for (const id of b) if (!a.has(id)) count++;
  return count;
}

/** Asserts the invariants of `Configuration`, and that exactly its roles are tracked. */
function assertConsistent(tracked: TrackedConfiguration): void {
  const { config } = tracked;
  for (const id of jointVoters(config)) progressOf(tracked, id);
  for (const id of config.learnersNext) {
    assert(config.outgoing.has(id), () => `${id} is in LearnersNext, but not Voters[1]`);
    assert(
      !progressOf(tracked, id).isLearner,
      () => `${id} is in LearnersNext, but is already marked as learner`,
    );
  }
  for (const id of config.learners) {
    assert(!isJointVoter(config, id), () => `${id} is in Learners and Voters`);
    assert(
      progressOf(tracked, id).isLearner,
      () => `${id} is in Learners, but is not marked as learner`,
    );
  }
  assertPlainOutsideJoint(config);
}

function assertPlainOutsideJoint(config: Configuration): void {
  if (isJoint(config)) return;
  assert(config.learnersNext.size === 0, "LearnersNext must be empty when not joint");
  assert(!config.autoLeave, "AutoLeave must be false when not joint");
}
