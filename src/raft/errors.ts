/**
 * Expected answers of raft and its storage that are not success. They are returned, never thrown; a
 * thrown error always means a broken invariant.
 *
 * Source: etcd-io/raft (the texts are the ones its users know).
 */

/** An expected answer other than success; the fixed ones are in `RaftErrors`. */
export class RaftError extends Error {
  /** `message`: the text that users of etcd-io/raft know. */
  constructor(message: string) {
    super(message);
    this.name = "RaftError";
  }
}

/** The expected answers. They are compared by identity: `result === RaftErrors.Compacted`. */
export const RaftErrors = {
  /** The proposal was not taken: no leader, a transfer under way, a full quota. Safe to try again. */
  ProposalDropped: new RaftError("raft proposal dropped"),
  /** A message that only a node itself may make came from outside. */
  StepLocalMessage: new RaftError("raft: cannot step raft local message"),
  /** A response from a node that is not in the configuration. */
  StepPeerNotFound: new RaftError("raft: cannot step as peer not found"),
  /** A message that no correct peer sends. */
  MalformedMessage: new RaftError("raft: cannot step malformed message"),
  /** The index lies before the first one the log still has. */
  Compacted: new RaftError("requested index is unavailable due to compaction"),
  /** The index lies behind the end of the log. */
  Unavailable: new RaftError("requested entry at index is unavailable"),
  /** The snapshot is not newer than the one that is there. */
  SnapshotOutOfDate: new RaftError("requested index is older than the existing snapshot"),
  /** A snapshot is being made; ask again later. */
  SnapshotTemporarilyUnavailable: new RaftError("snapshot is temporarily unavailable"),
} as const;
