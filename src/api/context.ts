/** What every service needs: the member, and the header that its answers carry. */
import type { PinnedState } from "../backend/pinned-state.ts";
import type { AuthInfo } from "../auth/auth-info.ts";
import type { PasswordChecks } from "../auth/password-checks.ts";
import type { Tokens } from "../auth/tokens.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { Member } from "../member/member.ts";
import type { MembershipWaiter, RenewalWaiter } from "../member/ready.ts";
import type { MemberInfo } from "../membership/member-info.ts";
import type { KeyValueHash } from "../mvcc/kv-hash.ts";
import type { Clock } from "../ports/clock.ts";
import type { Digest } from "../ports/digest.ts";
import type { NamedLog } from "../ports/log.ts";
import type { ServingStatus } from "./health-service.ts";
import type { WatchHub } from "../mvcc/watch-hub.ts";
import type { Random } from "../ports/random.ts";
import type { RpcMetrics } from "./rpc-metrics.ts";
import type { LeaseTimeToLiveRequest, ResponseHeader } from "../wire/gen/rpc.ts";

/** Facts of the storage below the member, which only the shell knows. */
export interface StorageFacts {
  /** Bytes of the database: its high-water mark times the page size. */
  databaseBytes(): number;
  /** Bytes of it that hold data. */
  databaseBytesInUse(): number;
}

/** Physical work that goes on after a request was applied. */
export interface Compactor {
  /** Calls `done` once everything below the compact revision is removed, durably. */
  whenCompacted(done: () => void): void;
}

/** Long work that is done in slices beside the requests. */
export interface BackgroundTask {
  /** Does a slice, a fraction of a millisecond of work; false when there is nothing to do until it is added again. */
  step(): boolean;
}

/** The hash of the keyspace, and what the store was at when it was taken. */
export interface KeyspaceHash {
  readonly hash: KeyValueHash;
  readonly currentRevision: number;
}

/** Hashes by which members compare what they hold. */
export interface Hashes {
  /**
   * Calls `done`, maybe before it returns, with the hash of the keyspace up to `revision` (0: the newest).
   * Errors: Compacted, FutureRevision, TooManyRequests, Stopped.
   */
  ofKeyspace(revision: number, done: (result: KeyspaceHash | EtcdError) => void): void;
  /**
   * Calls `done` with the hash of all buckets, once everything applied so far is committed, and with the
   * newest revision at that time. Errors: TooManyRequests, Stopped.
   */
  ofDatabase(done: (result: DatabaseHashResult | EtcdError) => void): void;
}

export interface DatabaseHashResult {
  /** Unsigned 32-bit number. */
  readonly hash: number;
  readonly revision: number;
}

/** Backups of the database. */
export interface Backups {
  /**
   * Calls `done` with a durable state that holds everything applied so far, to be closed by the callee.
   * Errors: TooManyRequests, Stopped.
   */
  open(done: (result: PinnedState | EtcdError) => void): void;
  /** Gives `task` turns until its `step` returns false. */
  runInSlices(task: BackgroundTask): void;
  /** Starts the SHA-256 that ends a backup. */
  sha256(): Digest;
}

/** Changes of who the members are, with the checks that go before them. */
export interface MembershipRequests {
  /** A member with an id of its own; peer URLs are as `peerUrlsOf` gives them. */
  newMember(peerUrls: readonly string[], isLearner: boolean): MemberInfo;
  /**
   * Adds the member. Errors, here and below: NotEnoughStartedMembers, UnhealthyCluster, and those of
   * `Member.proposeMembershipChange`.
   */
  add(added: MemberInfo, waiter: MembershipWaiter): void;
  remove(id: bigint, waiter: MembershipWaiter): void;
  update(id: bigint, peerUrls: readonly string[], waiter: MembershipWaiter): void;
  /**
   * Makes a learner a voter, through the leader, who is told the `token` of the caller. Errors also:
   * LearnerNotReady, NoLeader.
   */
  promote(id: bigint, waiter: MembershipWaiter, token?: string): void;
}

/** What the leader knows of a lease. */
export interface LeaseState {
  /** Whole seconds left; 0 or below for one that is being revoked. */
  readonly ttlSeconds: number;
  readonly grantedTtlSeconds: number;
  /** Attached keys, where they were asked for. */
  readonly keys: readonly Uint8Array[];
}

/** Leases as the leader has them, wherever it is. */
export interface Leases {
  /**
   * Renews a lease; `waiter` is told, on the leader nearly always before this returns. Errors there:
   * NotPrimaryLessor when leadership was lost meanwhile (go on with `renewElsewhere`), Timeout, NoLeader,
   * TimeoutWaitAppliedIndex, TooManyRequests, Stopped.
   */
  renew(id: bigint, waiter: RenewalWaiter): void;
  /** Renews a lease with whoever leads, as soon as somebody does. Errors: as above but the first. */
  renewElsewhere(id: bigint, waiter: RenewalWaiter): void;
  /**
   * Calls `done` with the state of a lease. Errors: LeaseNotFound, LeaderChanged, Timeout, NoLeader,
   * TimeoutWaitAppliedIndex, TooManyRequests, Stopped. `isGone` tells that nobody waits any more.
   */
  timeToLive(
    request: LeaseTimeToLiveRequest,
    isGone: () => boolean,
    done: (result: LeaseState | EtcdError) => void,
  ): void;
}

/** What the Watch service stands on. */
export interface WatchFacts {
  readonly hub: WatchHub;
  /** Between two progress notifications of a watcher, without the jitter of up to a tenth. */
  readonly progressIntervalMs: number;
  /** Bytes at which a response is split for watchers that allow it. */
  readonly fragmentBytesMax: number;
  readonly random: Random;
  /** Sees to it that the hub is pumped soon. */
  wake(): void;
}

/** What tells who makes a call: of gRPC, or of HTTP. */
export type Identifiable = Pick<GrpcServerCall, "get" | "peer">;

/** Who makes a call. */
export interface Callers {
  /**
   * `undefined` while authentication is off, and for a call that names nobody. Asked as late as the answer
   * matters: authentication may be turned on at any time. Errors: InvalidAuthToken.
   */
  identityOf(call: Identifiable): AuthInfo | undefined | EtcdError;
  /** Whether it is not known yet, because this member has to apply more of the log first. */
  mustWait(call: Identifiable): boolean;
}

/** Where nobody is known by name. */
export const NOBODY: Callers = { identityOf: () => undefined, mustWait: () => false };

/** A read that is answered, for the log. */
export interface FinishedRead {
  readonly call: Pick<GrpcServerCall, "path" | "peer">;
  readonly kind: "range" | "txn";
  /** Request and response as text. */
  readonly text: string;
  readonly responseText: string;
  readonly request: Uint8Array;
  /** Empty where there was none, but an error. */
  readonly response: Uint8Array;
  readonly error: EtcdError | undefined;
}

/** Warns of reads that take long. */
export interface ReadTimer {
  /** A time, to be handed back. */
  start(): number;
  /** Whether a read that arrived at `start` took so long that it may be worth a line. */
  isSlow(start: number): boolean;
  /** As `isSlow`, of a range that is answered, and counts it. */
  ranged(start: number, succeeded: boolean): boolean;
  /** Says what there is to say of a read that did. */
  answered(start: number, read: FinishedRead): void;
}

export interface ServiceContext {
  readonly member: Member;
  readonly membership: MembershipRequests;
  readonly clusterId: bigint;
  readonly storage: StorageFacts;
  readonly leases: Leases;
  readonly compactor: Compactor;
  readonly hashes: Hashes;
  readonly backups: Backups;
  /**
   * Rewrites the database without its unused space; calls `done` at the end, with the failure if there was
   * one: Unknown with the text of the error, TooManyRequests, Stopped.
   */
  readonly defragment: (done: (failure: EtcdError | undefined) => void) => void;
  readonly reads: ReadTimer;
  /** What the health service of gRPC tells. */
  readonly serving: ServingStatus;
  /** Whether a defragmentation takes the service out of service, as far as that service tells. */
  readonly stopsServingOnDefrag: boolean;
  /** Counts calls. */
  readonly rpcs: RpcMetrics;
  readonly callers: Callers;
  readonly tokens: Tokens;
  readonly passwords: PasswordChecks;
  readonly clock: Clock;
  readonly log: NamedLog;
  readonly watches: WatchFacts;
  /** Bytes of one message that a client may send. */
  readonly requestBytesMax: number;
  /** Operations that one transaction may hold. */
  readonly txnOpsMax: number;
  /** What `Maintenance.Status` and `/version` report. */
  readonly serverVersion: string;
}

/** What headers of answers are made from. */
export interface HeaderContext {
  readonly clusterId: bigint;
  readonly member: Pick<Member, "id" | "term">;
}

/** What the Lease service needs. */
export type LeaseContext = Pick<
  ServiceContext,
  "member" | "clusterId" | "leases" | "rpcs" | "callers" | "reads"
> & {
  readonly backups: Pick<Backups, "runInSlices">;
};

/** Fills in who answers, and in which term; the revision is there already. */
export function completeHeader(context: HeaderContext, header: ResponseHeader): void {
  header.clusterId = context.clusterId;
  header.memberId = context.member.id;
  header.raftTerm = context.member.term;
}

/** A header with the given revision; the Cluster service tells 0, which means none. */
export function headerAt(context: HeaderContext, revision: number): ResponseHeader {
  const { member, clusterId } = context;
  return { clusterId, memberId: member.id, revision, raftTerm: member.term };
}
