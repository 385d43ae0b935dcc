/**
 * Configuration changes as they travel in entries: version 1 names one node, version 2 a list of steps
 * and how to get there. Everything below the entry works on version 2.
 *
 * Source: etcd-io/raft raftpb/confchange.go; Raft thesis chapter 4.
 */
import { assert } from "../../stdx/assert.ts";
import {
  ConfChangeTransition,
  ConfChangeType,
  EntryType,
  decodeConfChange,
  decodeConfChangeV2,
  encodeConfChange,
  encodeConfChangeV2,
} from "../../wire/gen/raft.ts";
import type { ConfChange, ConfChangeSingle, ConfChangeV2, Entry } from "../../wire/gen/raft.ts";

/** A change in either version. */
export type AnyConfChange = ConfChange | ConfChangeV2;

/** The change in version 2; returns its argument when it is that already. */
export function confChangeAsV2(change: AnyConfChange): ConfChangeV2 {
  if ("changes" in change) return change;
  return {
    transition: ConfChangeTransition.ConfChangeTransitionAuto,
    changes: [{ type: change.type, nodeId: change.nodeId }],
    context: change.context,
  };
}

/**
 * The entry that proposes `change`, without term and index. No change at all is the empty version 2
 * change, which leaves a joint configuration and, having no bytes, is never refused by a quota.
 */
export function confChangeEntry(change: AnyConfChange | undefined): Entry {
  if (change === undefined) {
    return { type: EntryType.EntryConfChangeV2, term: 0, index: 0, data: undefined };
  }
  if ("changes" in change) {
    const data = encodeConfChangeV2(change);
    return { type: EntryType.EntryConfChangeV2, term: 0, index: 0, data };
  }
  const data = encodeConfChange(change);
  return { type: EntryType.EntryConfChange, term: 0, index: 0, data };
}

/** Reports whether the entry carries a configuration change of either version. */
export function isConfChangeEntry(entry: Entry): boolean {
  return entry.type === EntryType.EntryConfChange || entry.type === EntryType.EntryConfChangeV2;
}

const NO_DATA: Uint8Array = new Uint8Array(0);

/** The change an entry carries, in version 2. The entry must be one of a change. Throws `WireError`. */
export function confChangeOfEntry(entry: Entry): ConfChangeV2 {
  assert(isConfChangeEntry(entry), "Cannot read a configuration change from another entry");
  const data = entry.data ?? NO_DATA;
  return entry.type === EntryType.EntryConfChange
    ? confChangeAsV2(decodeConfChange(data))
    : decodeConfChangeV2(data);
}

/**
 * How the change wants to be made: `simple` (one voter at most), or through a joint configuration that
 * the leader leaves by itself (`jointImplicit`) or on request (`jointExplicit`), or by leaving one.
 */
export type ConfChangeKind = "simple" | "jointImplicit" | "jointExplicit" | "leaveJoint";

/** The kind of a change. Several steps go through a joint configuration even when not asked for. */
export function confChangeKind(change: ConfChangeV2): ConfChangeKind {
  switch (change.transition) {
    case ConfChangeTransition.ConfChangeTransitionAuto:
      if (change.changes.length === 0) return "leaveJoint";
      return change.changes.length > 1 ? "jointImplicit" : "simple";
    case ConfChangeTransition.ConfChangeTransitionJointImplicit:
      return "jointImplicit";
    case ConfChangeTransition.ConfChangeTransitionJointExplicit:
      return "jointExplicit";
  }
  assert(false, `Cannot make a configuration change with transition ${String(change.transition)}`);
  return "simple";
}

const STEP_LETTERS: Readonly<Record<ConfChangeType, string>> = {
  [ConfChangeType.ConfChangeAddNode]: "v",
  [ConfChangeType.ConfChangeAddLearnerNode]: "l",
  [ConfChangeType.ConfChangeRemoveNode]: "r",
  [ConfChangeType.ConfChangeUpdateNode]: "u",
};

/** Steps in short form: `v1 l2 r3 u4` for voter, learner, remove, update. */
export function describeSteps(steps: readonly ConfChangeSingle[]): string {
  return steps.map((step) => `${STEP_LETTERS[step.type] ?? "unknown"}${step.nodeId}`).join(" ");
}
