/**
 * The leader's view of the whole group: the active configuration, the progress of every node in it, and
 * the votes of the election under way.
 *
 * Source: etcd-io/raft tracker/tracker.go (ProgressTracker).
 */
import type { NodeId } from "../node-id.ts";
import { jointCommittedIndex, jointVoteResult } from "../quorum/joint.ts";
import type { AckedIndexer } from "../quorum/majority.ts";
import type { VoteResult } from "../quorum/vote-result.ts";
import { emptyConfiguration } from "./configuration.ts";
import type { Configuration } from "./configuration.ts";
import type { Progress } from "./progress.ts";

/** Progress by node. Always iterated, and therefore always built, in ascending order of ids. */
export type ProgressMap = ReadonlyMap<NodeId, Progress>;

/** A configuration together with the progress of exactly the nodes in it. */
export interface TrackedConfiguration {
  readonly config: Configuration;
  readonly progress: ProgressMap;
}

/** Votes of one election. Votes of nodes outside the configuration are not counted. */
export interface VoteTally {
  readonly granted: number;
  readonly rejected: number;
  readonly result: VoteResult;
}

export class ProgressTracker implements TrackedConfiguration, AckedIndexer {
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  #config: Configuration = emptyConfiguration();
  #progress: ProgressMap = new Map();
  #votes = new Map<NodeId, boolean>();

  constructor(inflightMessagesMax: number, inflightBytesMax: number) {
    this.inflightMessagesMax = inflightMessagesMax;
    this.inflightBytesMax = inflightBytesMax;
  }

  get config(): Configuration {
    return this.#config;
  }

  /** In ascending order of ids. */
  get progress(): ProgressMap {
    return this.#progress;
  }

  /** Puts a configuration and its progress into use. Keeps both. */
  use(next: TrackedConfiguration): void {
    this.#config = next.config;
    this.#progress = next.progress;
  }

  /** Reports whether one voter decides alone. */
  isSingleton(): boolean {
    return this.#config.incoming.size === 1 && this.#config.outgoing.size === 0;
  }

  ackedIndex(voter: NodeId): number | undefined {
    return this.#progress.get(voter)?.match;
  }

  /** The highest index that a quorum has stored. */
  committedIndex(): number {
    return jointCommittedIndex(this.#config, this);
  }

  /** Reports whether a quorum of the voters was heard of since the last check. */
  isQuorumActive(): boolean {
    const active = new Map<NodeId, boolean>();
    for (const [id, progress] of this.#progress) {
      if (!progress.isLearner) active.set(id, progress.recentActive);
    }
    return jointVoteResult(this.#config, active) === "won";
  }

  /** Forgets the votes of the last election. */
  resetVotes(): void {
    this.#votes.clear();
  }

  /** Records a vote; the first one of a node counts. */
  recordVote(id: NodeId, granted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
  }

  /** Counts the votes recorded so far. */
  tallyVotes(): VoteTally {
    let granted = 0;
    let rejected = 0;
    for (const [id, progress] of this.#progress) {
      if (progress.isLearner) continue;
      const vote = this.#votes.get(id);
      if (vote === true) granted++;
      else if (vote === false) rejected++;
    }
    return { granted, rejected, result: jointVoteResult(this.#config, this.#votes) };
  }
}
