/**
 * The state of one raft node. What is done with it stands in one module per role and concern:
 * `step.ts` (entry), `tick.ts`, `transitions.ts`, `election.ts`, `follower.ts`, `candidate.ts`,
 * `leader.ts` and what the leader calls. Those modules change the fields; outside this folder only
 * `RawNode` is seen.
 *
 * Source: etcd-io/raft raft.go; Raft thesis figure 3.1.
 */
import type { Log } from "../ports/log.ts";
import type { HardState, Message } from "../wire/gen/raft.ts";
import type { ResolvedConfig } from "./config.ts";
import { RaftLog } from "./log.ts";
import { NONE } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import { ReadOnly } from "./read-only.ts";
import type { ReadState } from "./read-only.ts";
import { ProgressTracker } from "./tracker/progress-tracker.ts";
import type { TrackedConfiguration } from "./tracker/progress-tracker.ts";

/** What a node is in its term. A pre-candidate asks whether it would be elected, before it changes any term. */
export type Role = "follower" | "preCandidate" | "candidate" | "leader";

/** State that is worth knowing and need not survive a restart. */
export interface SoftState {
  /** Who leads; `NONE` when not known. */
  readonly lead: NodeId;
  /** What this node is. */
  readonly role: Role;
}

export class Raft {
  readonly config: ResolvedConfig;
  readonly id: NodeId;
  readonly log: Log;
  readonly raftLog: RaftLog;
  readonly tracker: ProgressTracker;

  term = 0;
  /** Whom this node voted for in `term`. */
  vote: NodeId = NONE;
  lead: NodeId = NONE;
  role: Role = "follower";
  /** Whether the active configuration has this node as a learner. */
  isLearner = false;

  /**
   * The configuration before a snapshot replaced it, until that snapshot is stored: entries from before
   * it may still be on their way through the state machine, and their configuration changes belong here.
   */
  overtaken: TrackedConfiguration | undefined;

  /** Reads that can be answered, for the next Ready. */
  readStates: ReadState[] = [];
  /** Messages to others that may be sent at once. */
  messages: Message[] = [];
  /**
   * Messages, to others or to this node, that promise something: they go out when all unstable state of
   * now, including what is being written already, is durable.
   */
  messagesAfterAppend: Message[] = [];

  /** To whom the leader is handing over; `NONE` when it is not. Raft thesis section 3.10. */
  leadTransferee: NodeId = NONE;
  /**
   * An index not below that of the last configuration change in the log. The leader takes another change
   * only when it has applied up to here, so at most one is under way. Raft thesis section 4.1.
   */
  pendingConfIndex = 0;
  /** Payload bytes of the uncommitted end of the log; never too high, kept by the leader only. */
  uncommittedBytes = 0;
  readOnly = new ReadOnly();
  /** Read requests that came before the leader had committed in its term. */
  pendingReadRequests: Message[] = [];

  /** Ticks since the last election timeout (leader, candidate), or word from a leader (follower). */
  electionElapsed = 0;
  /** Ticks since the last heartbeat; leader only. */
  heartbeatElapsed = 0;
  /** Ticks after which an election starts, in [electionTicks, 2 * electionTicks). */
  randomizedElectionTicks = 0;

  constructor(config: ResolvedConfig) {
    this.config = config;
    this.id = config.id;
    this.log = config.log;
    this.raftLog = new RaftLog(config);
    this.tracker = new ProgressTracker(config.inflightMessagesMax, config.inflightBytesMax);
  }

  softState(): SoftState {
    return { lead: this.lead, role: this.role };
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.raftLog.committed };
  }

  /** Reports whether this node may start an election: it votes, and has no snapshot still to be stored. */
  isPromotable(): boolean {
    const progress = this.tracker.progress.get(this.id);
    return (
      progress !== undefined && !progress.isLearner && this.raftLog.unstable.snapshot === undefined
    );
  }

  /** Reports whether an entry of this node's term is committed. */
  hasCommittedInTerm(): boolean {
    return this.raftLog.termOrZero(this.raftLog.committed) === this.term;
  }

  /** The last entry for logs: `logterm: 1, index: 2`. */
  describeLastEntry(): string {
    return `logterm: ${this.raftLog.lastTerm()}, index: ${this.raftLog.lastIndex()}`;
  }

  /** Messages are built only when their level is on. */
  debug(message: () => string): void {
    if (this.log.enabled("debug")) this.log.debug(message());
  }

  info(message: () => string): void {
    if (this.log.enabled("info")) this.log.info(message());
  }

  warn(message: () => string): void {
    if (this.log.enabled("warn")) this.log.warn(message());
  }
}
