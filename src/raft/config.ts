/**
 * How one node of a raft group is set up.
 *
 * Source: etcd-io/raft raft.go (Config).
 */
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import { assert } from "../stdx/assert.ts";
import { NONE, isLocalTarget } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import type { Storage } from "./storage.ts";

/**
 * How a read learns that its leader still leads. `safe`: a quorum confirms it. `leaseBased`: the leader
 * trusts that nobody was elected within an election timeout of its last quorum; wrong when clocks drift
 * without bound, and only allowed together with the quorum check.
 */
export type ReadMode = "safe" | "leaseBased";

/** How one node is set up. Sizes are bytes, `Infinity` means no bound; times are ticks. Switches are off by default. */
export interface RaftConfig {
  /** Of this node. Not `NONE`, and none of the local targets. */
  readonly id: NodeId;
  /**
   * Ticks without a word from a leader after which an election starts; each node waits for a random
   * number of ticks in [electionTicks, 2 * electionTicks). Greater than heartbeatTicks, ten times is
   * usual.
   */
  readonly electionTicks: number;
  /** Ticks between heartbeats of a leader; 1 or more. */
  readonly heartbeatTicks: number;
  /** What the node starts from and reads back. Used for the whole life of the node. */
  readonly storage: Storage;
  /** Draws election timeouts. */
  readonly random: Random;
  /** Told of elections, changes of configuration, snapshots. */
  readonly log: Log;
  /** Index up to which the state machine has applied the log, when it keeps its state over a restart. Default 0. */
  readonly applied?: number;
  /** Most encoded bytes of entries in one append message; 0 means one entry each. etcd's: 1 MiB. */
  readonly messageBytesMax: number;
  /**
   * Encoded bytes of entries handed out for applying and not yet reported as applied. At least one entry
   * is always handed out. Default: messageBytesMax.
   */
  readonly applyingBytesMax?: number;
  /**
   * Payload bytes in the uncommitted end of a leader's log; beyond, proposals are dropped. A proposal of
   * any size is taken when there are none. Default: no bound.
   */
  readonly uncommittedBytesMax?: number;
  /** Most append messages on their way to one follower; 1 or more. etcd's: 512. */
  readonly inflightMessagesMax: number;
  /** Most payload bytes on their way to one follower; not less than messageBytesMax. Default: no bound. */
  readonly inflightBytesMax?: number;
  /**
   * A leader that has not heard of a quorum for an election timeout steps down, and nobody votes within
   * an election timeout of hearing from a leader. Raft thesis section 6.2.
   */
  readonly checkQuorum?: boolean;
  /** Elections begin with a round that changes no terms. Raft thesis section 9.6. */
  readonly preVote?: boolean;
  /** Default: `safe`. */
  readonly readMode?: ReadMode;
  /** Followers drop proposals instead of forwarding them to the leader. */
  readonly disableProposalForwarding?: boolean;
  /**
   * Does not check configuration changes against the active configuration when they are proposed. Only
   * for callers that order and check changes themselves: applying an impossible one ends the node.
   */
  readonly disableConfChangeValidation?: boolean;
  /** A leader that is removed, or becomes a learner, steps down at once. */
  readonly stepDownOnRemoval?: boolean;
  /**
   * Hands out committed entries that our own storage does not have yet. Only for a caller that finishes
   * all writes of a `Ready` before it applies anything of it. Default: entries wait until they are known
   * to be stored.
   */
  readonly applyUnstableEntries?: boolean;
  /**
   * Logs answers of storage about entries that an earlier answer has confirmed already. They are normal,
   * one per overlapping write, so the default is not to.
   */
  readonly logRepeatedStorageAnswers?: boolean;
}

/** A configuration with all defaults filled in. */
export type ResolvedConfig = Required<RaftConfig>;

/** Fills in defaults; an impossible configuration is a bug of the caller. */
export function resolveConfig(config: RaftConfig): ResolvedConfig {
  const { messageBytesMax } = config;
  assert(config.id !== NONE, "Cannot use none as id");
  assert(!isLocalTarget(config.id), "Cannot use local target as id");
  assert(config.heartbeatTicks > 0, "Heartbeat ticks must be greater than 0");
  assert(
    config.electionTicks > config.heartbeatTicks,
    "Election ticks must be greater than heartbeat ticks",
  );
  assert(config.inflightMessagesMax > 0, "Inflight messages must be greater than 0");
  const inflightBytesMax = config.inflightBytesMax ?? Number.POSITIVE_INFINITY;
  assert(
    inflightBytesMax === Number.POSITIVE_INFINITY || inflightBytesMax >= messageBytesMax,
    "Inflight bytes must be at least the bytes of one message",
  );
  const readMode = config.readMode ?? "safe";
  const checkQuorum = config.checkQuorum ?? false;
  assert(readMode === "safe" || checkQuorum, "Lease-based reads need the quorum check");
  return {
    id: config.id,
    electionTicks: config.electionTicks,
    heartbeatTicks: config.heartbeatTicks,
    storage: config.storage,
    random: config.random,
    log: config.log,
    applied: config.applied ?? 0,
    messageBytesMax,
    applyingBytesMax: Math.max(1, config.applyingBytesMax ?? messageBytesMax),
    uncommittedBytesMax: config.uncommittedBytesMax ?? Number.POSITIVE_INFINITY,
    inflightMessagesMax: config.inflightMessagesMax,
    inflightBytesMax,
    checkQuorum,
    preVote: config.preVote ?? false,
    readMode,
    disableProposalForwarding: config.disableProposalForwarding ?? false,
    disableConfChangeValidation: config.disableConfChangeValidation ?? false,
    stepDownOnRemoval: config.stepDownOnRemoval ?? false,
    applyUnstableEntries: config.applyUnstableEntries ?? false,
    logRepeatedStorageAnswers: config.logRepeatedStorageAnswers ?? false,
  };
}
