/**
 * The membership a raft group runs with: voters (two sets of them during a joint change) and learners.
 *
 * Source: etcd-io/raft tracker/tracker.go (Config).
 */
import type { ConfState } from "../../wire/gen/raft.ts";
import { sortedIds } from "../node-id.ts";
import type { NodeId } from "../node-id.ts";
import { describeJoint, describeMajority } from "../quorum/describe.ts";
import type { JointConfig } from "../quorum/joint.ts";

/**
 * Who votes and who learns.
 *
 * Invariants:
 * 1. Learners and voters (of both halves) are disjoint: every node has one clear role.
 * 2. `learnersNext` is a part of the outgoing voters: nodes that become learners when the joint change
 *    ends. They cannot be learners at once, because they still vote in the outgoing half.
 * 3. Outside a joint change outgoing and learnersNext are empty and autoLeave is false.
 */
export interface Configuration extends JointConfig {
  /** Who votes. */
  readonly incoming: ReadonlySet<NodeId>;
  /** Who voted before the joint change under way; of them, too, a majority must agree. */
  readonly outgoing: ReadonlySet<NodeId>;
  /** Who gets the log and does not vote. */
  readonly learners: ReadonlySet<NodeId>;
  /** Who will learn when the joint change ends. */
  readonly learnersNext: ReadonlySet<NodeId>;
  /** Whether the leader ends the joint change by itself once that is safe. */
  readonly autoLeave: boolean;
}

/** A configuration under construction. */
export interface MutableConfiguration extends Configuration {
  readonly incoming: Set<NodeId>;
  outgoing: Set<NodeId>;
  readonly learners: Set<NodeId>;
  learnersNext: Set<NodeId>;
  autoLeave: boolean;
}

/** The configuration without members. */
export function emptyConfiguration(): MutableConfiguration {
  return {
    incoming: new Set(),
    outgoing: new Set(),
    learners: new Set(),
    learnersNext: new Set(),
    autoLeave: false,
  };
}

/** An independent copy. */
export function cloneConfiguration(config: Configuration): MutableConfiguration {
  return {
    incoming: new Set(config.incoming),
    outgoing: new Set(config.outgoing),
    learners: new Set(config.learners),
    learnersNext: new Set(config.learnersNext),
    autoLeave: config.autoLeave,
  };
}

/** Reports whether a joint change is under way. */
export function isJoint(config: Configuration): boolean {
  return config.outgoing.size > 0;
}

/** The form of a configuration that snapshots carry; ids ascending. */
export function confStateOf(config: Configuration): ConfState {
  return {
    voters: sortedIds(config.incoming),
    learners: sortedIds(config.learners),
    votersOutgoing: sortedIds(config.outgoing),
    learnersNext: sortedIds(config.learnersNext),
    autoLeave: config.autoLeave,
  };
}

/** One line for logs: `voters=(1 2)&&(1 2 3) learners=(4) learners_next=(3) autoleave`. */
export function describeConfiguration(config: Configuration): string {
  let text = `voters=${describeJoint(config)}`;
  if (config.learners.size > 0) text += ` learners=${describeMajority(config.learners)}`;
  if (config.learnersNext.size > 0) {
    text += ` learners_next=${describeMajority(config.learnersNext)}`;
  }
  return config.autoLeave ? `${text} autoleave` : text;
}
