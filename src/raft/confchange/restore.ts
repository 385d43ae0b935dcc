/**
 * From the configuration that a snapshot carries back to the tracked configuration, by replaying the
 * changes that lead there. Going through the same algebra keeps its invariants in one place.
 *
 * Source: etcd-io/raft confchange/restore.go.
 */
import { assert } from "../../stdx/assert.ts";
import { ConfChangeType } from "../../wire/gen/raft.ts";
import type { ConfChangeSingle, ConfState } from "../../wire/gen/raft.ts";
import { RaftError } from "../errors.ts";
import { sortedIds } from "../node-id.ts";
import type { NodeId } from "../node-id.ts";
import type { TrackedConfiguration } from "../tracker/progress-tracker.ts";
import { changeSimple, enterJoint } from "./changer.ts";
import type { ChangeBase } from "./changer.ts";

/**
 * Makes the configuration `state` on top of the empty `base`.
 *
 * Example: voters (1 2 3), learners (5), outgoing (1 2 4 6), learnersNext (4). First 1, 2, 4 and 6 are
 * added one by one. Then one joint change removes all of them from the incoming half, adds 1, 2 and 3,
 * and makes 5 and 4 learners; 4 is still an outgoing voter, so it is staged.
 */
export function restoreConfiguration(
  base: ChangeBase,
  state: ConfState,
): TrackedConfiguration | RaftError {
  assert(base.progress.size === 0, "Cannot restore on top of a configuration with members");
  const incoming = [
    ...steps(ConfChangeType.ConfChangeRemoveNode, state.votersOutgoing),
    ...steps(ConfChangeType.ConfChangeAddNode, state.voters),
    ...steps(ConfChangeType.ConfChangeAddLearnerNode, state.learners),
    ...steps(ConfChangeType.ConfChangeAddLearnerNode, state.learnersNext),
  ];
  if (state.votersOutgoing.length === 0) return changeOneByOne(base, incoming);
  const outgoing = steps(ConfChangeType.ConfChangeAddNode, state.votersOutgoing);
  const before = changeOneByOne(base, outgoing);
  if (before instanceof RaftError) return before;
  return enterJoint({ ...base, ...before }, state.autoLeave, incoming);
}

function steps(type: ConfChangeType, ids: readonly NodeId[]): ConfChangeSingle[] {
  return ids.map((nodeId) => ({ type, nodeId }));
}

function changeOneByOne(
  base: ChangeBase,
  changes: readonly ConfChangeSingle[],
): TrackedConfiguration | RaftError {
  let tracked: TrackedConfiguration = { config: base.config, progress: base.progress };
  for (const change of changes) {
    const next = changeSimple({ ...base, ...tracked }, [change]);
    if (next instanceof RaftError) return next;
    tracked = next;
  }
  return tracked;
}

/** Reports whether two states name the same configuration; the order of ids does not matter. */
export function equivalentConfStates(a: ConfState, b: ConfState): boolean {
  return (
    a.autoLeave === b.autoLeave &&
    sameIds(a.voters, b.voters) &&
    sameIds(a.learners, b.learners) &&
    sameIds(a.votersOutgoing, b.votersOutgoing) &&
    sameIds(a.learnersNext, b.learnersNext)
  );
}

function sameIds(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  if (a.length !== b.length) return false;
  const sorted = sortedIds(b);
  return sortedIds(a).every((id, i) => id === sorted[i]);
}
