/**
 * What a member asks of the shell around it, and whom it answers. Start the append first, so that the
 * disk works while the rest is done; nothing else of one `Ready` waits for it, because whatever must wait
 * is held back inside Raft until the shell has said that the append is durable.
 */
import type { ProposalOrigin } from "../apply/proposal-origin.ts";
import type { ApplyResult } from "../apply/result.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import type { MembershipChange } from "../membership/conf-change.ts";
import type { MemberInfo } from "../membership/member-info.ts";
import type { Message, Snapshot } from "../wire/gen/raft.ts";

export interface Ready {
  /**
   * Entries, hard state and snapshot to make durable (MsgStorageAppend), in the order in which they are
   * handed out; several may be merged into one write. Call `Member.appended` afterwards.
   */
  readonly append: Message | undefined;
  /** Messages to other members; they may be sent at once. */
  readonly messages: readonly Message[];
  /** Requests for a snapshot (MsgSnap) of another member; `Member.reportSnapshot` is called for each. */
  readonly snapshots: readonly Message[];
  /** Committed entries (MsgStorageApply) for `Member.apply`, in the order in which they are handed out. */
  readonly committed: Message | undefined;
}

/** What applying committed entries asks of the shell. */
export interface ApplyOutcome {
  /**
   * A snapshot of the log that is due: save it once the backend holds everything up to its index, then call
   * `Member.snapshotSaved`.
   */
  readonly snapshot: Snapshot | undefined;
  /** Changes of the membership that were made, in order; this member may be removed by one. */
  readonly changes: readonly MembershipChange[];
  /** This member leads, and everything from before that is applied. */
  readonly beganToLead: boolean;
}

/** Whoever waits for a proposal to be applied. Told exactly once. */
export interface ProposalWaiter {
  /** Whether nobody is interested any more: what was not handed to Raft yet is not handed over then. */
  isGone?(): boolean;
  onApplied(result: ApplyResult | EtcdError): void;
  /** The call of a client that made the proposal, if one did. */
  readonly origin?: ProposalOrigin;
}

/** Whoever waits for a change of the membership. Told exactly once. */
export interface MembershipWaiter {
  /** Whether nobody is interested any more: what was not handed to Raft yet is not made then. */
  isGone?(): boolean;
  /** The change is applied here, and these are the members after it; or why it is not made. */
  onChanged(result: readonly MemberInfo[] | EtcdError): void;
}

/** Whoever waits until reading local state is linearizable. Exactly one method is called, once. */
export interface ReadWaiter {
  onReadable(): void;
  onFailed(error: EtcdError): void;
}

/** Whoever renews a lease. Exactly one method is called, once; often before the request returns. */
export interface RenewalWaiter {
  /** Whether nobody is interested any more: a leader elsewhere is not asked again then. */
  isGone?(): boolean;
  /** With the granted time to live in seconds; 0 when there is no such lease. */
  onRenewed(ttlSeconds: number): void;
  onFailed(error: EtcdError): void;
}
