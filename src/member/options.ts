/** How a member is to behave, decided at its start and what it starts from. */
import type { MemberMetrics } from "./metrics.ts";
import type { VoteHold } from "./vote-hold.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import type { Entry, HardState, Snapshot } from "../wire/gen/raft.ts";

export interface MemberOptions {
  readonly id: bigint;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly preVote: boolean;
  /** Entries applied since the last snapshot that make the next one due. */
  readonly snapshotCount: number;
  /** Entries that stay in memory behind a snapshot. */
  readonly catchUpEntries: number;
  /** Of a member that has lost a part of its memory. */
  readonly voteHold: VoteHold | undefined;
  /** Bytes of a marshalled proposal. */
  readonly requestBytesMax: number;
  /** Unix milliseconds at start; makes the ids of this life differ from those of an earlier one. */
  readonly startWallMs: number;
  readonly metrics: MemberMetrics;
  readonly random: Random;
  readonly log: Log;
  /** For what Raft says. */
  readonly raftLog: Log;
}

/** What was read from disk. Empty values for a new member. */
export interface StoredState {
  readonly snapshot: Snapshot | undefined;
  readonly hardState: HardState;
  readonly entries: Entry[];
}
