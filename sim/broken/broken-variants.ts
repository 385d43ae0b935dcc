/**
 * Members that are wrong on purpose, each with the world in which that shows and the rules by which it may be
 * noticed. They are made by wrapping what a member is built from; the members themselves have no switches.
 */
import type { SeedPlan } from "../plan.ts";
import { SOUND, type Variant } from "../cluster/variant.ts";
import * as log from "./log-variants.ts";
import * as raft from "./raft-variants.ts";
import * as service from "./service-variants.ts";

export interface BrokenVariant {
  readonly name: string;
  readonly variant: Variant;
  /** Breaks what no member can be given in a changed form; returns how to undo it. */
  readonly install?: () => () => void;
  readonly plan: keyof typeof PLANS;
  /** Seeds within which it must be noticed. */
  readonly seedsMax: number;
  /** Beginnings of the rules that may notice it. */
  readonly rules: readonly string[];
}

type World = Omit<SeedPlan, "seed">;

const WORLD: World = {
  ...{ members: 3, durationMs: 10_000, kvClients: 5, leaseClients: 0, watchClients: 1, keys: 3 },
  ...{ authentication: false, compacts: false, clockDrift: 0, faults: [] },
  flags: { snapshotCount: 10_000, preVote: true, backendBatchLimit: 20 },
};

const NO_PRE_VOTE = { ...WORLD.flags, preVote: false };

function faults(intervalMs: number, ...names: readonly string[]): SeedPlan["faults"] {
  return names.map((name) => ({ name, intervalMs }));
}

/** Worlds, each with the faults that its variants need. */
export const PLANS = {
  crashes: { ...WORLD, faults: faults(2_500, "power", "kill", "powerEverywhere", "isolateLeader") },
  disks: {
    ...WORLD,
    faults: faults(1_500, "slowDisk", "stalledDisk", "powerWhileWriting", "powerEverywhere"),
  },
  splits: {
    ...{ ...WORLD, members: 5, kvClients: 8 },
    faults: faults(4_000, "partition", "isolateLeader", "oneWay", "pause"),
  },
  pauses: { ...WORLD, kvClients: 25, durationMs: 12_000, faults: faults(2_000, "pause") },
  elections: {
    ...{ ...WORLD, members: 5, kvClients: 8, durationMs: 20_000, flags: NO_PRE_VOTE },
    faults: faults(4_000, "partition", "isolateLeader", "kill", "cutWires"),
  },
  manyTerms: {
    ...{ ...WORLD, members: 5, kvClients: 8, durationMs: 25_000, flags: NO_PRE_VOTE },
    faults: faults(1_800, "isolateLeader", "kill", "cutWires"),
  },
  snapshots: {
    ...{ ...WORLD, flags: { ...WORLD.flags, snapshotCount: 5 }, durationMs: 15_000 },
    faults: faults(3_000, "isolateLeader", "partition", "kill"),
  },
  membership: {
    ...{ ...WORLD, members: 5 },
    faults: faults(1_500, "addVoter", "addLearner", "removeMember", "oneWay"),
  },
  leases: {
    ...{ ...WORLD, leaseClients: 4, kvClients: 2, durationMs: 20_000 },
    faults: faults(4_000, "moveLeader", "kill"),
  },
  users: { ...WORLD, authentication: true, faults: faults(3_000, "kill", "powerEverywhere") },
  watches: { ...WORLD, watchClients: 4, faults: faults(4_000, "kill", "brokenClients") },
} as const satisfies Readonly<Record<string, World>>;

const ON_DISK = [
  "durable",
  "commits its own",
  "one vote",
  "one leader",
  "leader completeness",
  "log matching",
];
const IN_STATE = ["same outcome", "equal state", "linearizability", "apply", "state machine"];
const IN_ANSWERS = ["linearizability"];

function variant(
  name: string,
  variant: Variant,
  plan: BrokenVariant["plan"],
  seedsMax: number,
  rules: readonly string[],
): BrokenVariant {
  return { name, variant, plan, seedsMax, rules };
}

export const BROKEN_VARIANTS: readonly BrokenVariant[] = [
  variant("a vote is not persisted", log.VOTE_NOT_WRITTEN, "crashes", 5, ON_DISK),
  variant("a term is not persisted", log.TERM_NOT_WRITTEN, "crashes", 5, ON_DISK),
  variant("writes are acknowledged before they are durable", log.DURABLE_TOO_EARLY, "disks", 5, [
    ...ON_DISK,
    ...IN_STATE,
  ]),
  variant(
    "a follower answers before it has written",
    log.ANSWERS_BEFORE_WRITING,
    "crashes",
    5,
    ON_DISK,
  ),
  variant(
    "a leader counts itself before it has written",
    raft.LEADER_COUNTS_ITSELF_EARLY,
    "disks",
    5,
    ON_DISK,
  ),
  variant("a conflicting end of the log stays on disk", log.TRUNCATION_LOST, "elections", 8, [
    ...ON_DISK,
    ...IN_STATE,
    "no exceptions",
  ]),
  variant(
    "the consistent index is behind the state",
    log.CONSISTENT_INDEX_BEHIND,
    "crashes",
    5,
    IN_STATE,
  ),
  variant(
    "a snapshot is taken over without its record",
    log.SNAPSHOT_NOT_RECORDED,
    "snapshots",
    8,
    [...ON_DISK, ...IN_STATE, "no exceptions", "recovers", "catches up", "starts"],
  ),
  variant(
    "votes are given without a look at the log",
    raft.VOTES_WITHOUT_LOG_CHECK,
    "elections",
    5,
    [...ON_DISK, ...IN_STATE, "no exceptions"],
  ),
  variant("votes are given to everybody", raft.VOTES_FOR_ALL, "elections", 5, ON_DISK),
  variant(
    "a follower applies what it was only given",
    raft.COMMITS_WHAT_IT_GETS,
    "splits",
    5,
    ON_DISK,
  ),
  variant(
    "a change of the membership is applied early",
    raft.CONF_CHANGE_TOO_EARLY,
    "membership",
    5,
    ON_DISK,
  ),
  variant(
    "heartbeats commit what a follower does not have",
    raft.HEARTBEATS_COMMIT_TOO_MUCH,
    "splits",
    5,
    [...ON_DISK, ...IN_STATE, "no exceptions"],
  ),
  {
    ...{ name: "entries of earlier terms are committed by counting", variant: SOUND },
    ...{ install: raft.commitOldTerms, plan: "manyTerms", seedsMax: 20, rules: ON_DISK },
  },
  variant("a forwarded proposal is taken twice", raft.PROPOSALS_TWICE, "splits", 3, IN_ANSWERS),
  variant(
    "reads are answered without a quorum",
    service.READS_WITHOUT_QUORUM,
    "splits",
    3,
    IN_ANSWERS,
  ),
  variant(
    "a deposed leader answers reads",
    service.READS_OF_DEPOSED_LEADER,
    "pauses",
    8,
    IN_ANSWERS,
  ),
  variant(
    "the state depends on the local clock",
    service.STATE_DEPENDS_ON_TIME,
    "splits",
    3,
    IN_STATE,
  ),
  variant("users and roles are not stored", service.USERS_NOT_STORED, "users", 5, IN_STATE),
  variant("keep-alives are forgotten", service.KEEP_ALIVES_FORGOTTEN, "leases", 3, ["lease"]),
  variant("a new leader counts leases from their grant", service.LEASES_NOT_EXTENDED, "leases", 5, [
    "lease",
  ]),
  variant("a watch is resumed one revision late", service.WATCHES_RESUME_LATE, "watches", 3, [
    "watch",
    "linearizability",
  ]),
  variant("a watch loses a response", service.WATCHES_LOSE_RESPONSES, "watches", 3, [
    "watch",
    "linearizability",
  ]),
  variant("a notification of progress is ahead", service.PROGRESS_AHEAD, "watches", 5, [
    "watch",
    "linearizability",
  ]),
];
