/**
 * The state machine: turns each committed entry into one change of state and one answer. Deterministic:
 * members that apply the same log hold the same state.
 *
 * The log is replayed from the newest snapshot at start, while the backend may be ahead of it: entries up
 * to the backend's position change only the membership, which lives in memory and in the snapshot.
 *
 * Source: etcd server/etcdserver/server.go (applyEntryNormal, applyConfChange) and apply.go (3.5).
 */
import type { AuthInfo } from "../auth/auth-info.ts";
import type { AuthStore } from "../auth/auth-store.ts";
import type { Backend, Position } from "../backend/backend.ts";
import { Records } from "../backend/records.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import type { Lessor } from "../lease/lessor.ts";
import type { Alarms } from "../membership/alarms.ts";
import { allEndBatchedLeases, type Cluster } from "../membership/cluster.ts";
import {
  applyMembershipChange,
  checkMembershipChange,
  type MembershipChange,
  membershipChangeOf,
} from "../membership/conf-change.ts";
import { encodeV2Store } from "../membership/v2-store.ts";
import type { Store } from "../mvcc/store.ts";
import type { Log } from "../ports/log.ts";
import { assert } from "../stdx/assert.ts";
import {
  decodeInternalRaftRequest,
  decodeRequest,
  type InternalRaftRequest,
  type LeaseRevokeBatch,
} from "../wire/gen/raft-internal.ts";
import type { ConfChange, ConfState, Entry } from "../wire/gen/raft.ts";
import { WireError } from "../wire/wire-error.ts";
import type { InternalRaftRequestOperation } from "../wire/gen/raft-internal.ts";
import type { ApplyTimer } from "./apply-timer.ts";
import type { ProposalOrigin } from "./proposal-origin.ts";
import { applyClusterOperation, applyV2Request } from "./cluster-operations.ts";
import { logMembershipChange } from "./membership-log.ts";
import { endKeylessLeases } from "./lease-operations.ts";
import { executeOperation } from "./operations.ts";
import type { Quota } from "./quota.ts";
import { type ApplyResult, DONE } from "./result.ts";

export interface ApplierParts {
  /** Whose state this is. Told in the log. */
  readonly memberId: bigint;
  readonly store: Store;
  readonly lessor: Lessor;
  readonly cluster: Cluster;
  /** Index of the entry up to which `cluster` is: that of the snapshot it was read from. */
  readonly membershipIndex: number;
  readonly alarms: Alarms;
  readonly auth: AuthStore;
  readonly backend: Backend;
  readonly quota: Quota;
  /** Whether checkpoints of leases go into the database, too. */
  readonly persistsLeaseCheckpoints: boolean;
  readonly timer: ApplyTimer;
  readonly log: Log;
}

export interface Applied {
  /** Id of the request, by which its proposer finds who waits; 0 for none. */
  readonly id: bigint;
  readonly result: ApplyResult | EtcdError;
  /** What was done for a client; `undefined` for anything else. */
  readonly operation: InternalRaftRequestOperation | undefined;
}

export class Applier {
  readonly memberId: bigint;
  readonly store: Store;
  readonly cluster: Cluster;
  readonly alarms: Alarms;
  /** Users and roles, and whether somebody may do something. */
  readonly auth: AuthStore;
  readonly lessor: Lessor;
  readonly quota: Quota;
  readonly backend: Backend;
  readonly records: Records;
  readonly persistsLeaseCheckpoints: boolean;
  readonly log: Log;
  readonly #timer: ApplyTimer;
  #position: Position;
  #leaseBatchIndex = 0;
  /** Who has proposed the entry at hand: one object for all, as most have the same author. */
  readonly #caller = { username: "", revision: 0 };
  /** Index of the newest entry that came, also when the backend held its changes already. */
  #lastIndex: number;

  constructor(parts: ApplierParts) {
    this.memberId = parts.memberId;
    this.store = parts.store;
    this.cluster = parts.cluster;
    this.alarms = parts.alarms;
    this.auth = parts.auth;
    this.lessor = parts.lessor;
    this.quota = parts.quota;
    this.backend = parts.backend;
    this.records = new Records(parts.backend);
    this.persistsLeaseCheckpoints = parts.persistsLeaseCheckpoints;
    this.log = parts.log;
    this.#timer = parts.timer;
    this.#position = parts.backend.position();
    this.#lastIndex = parts.membershipIndex;
  }

  /** How far the backend's content goes: what its next commit must carry. */
  position(): Position {
    return this.#position;
  }

  /**
   * Whether membership and backend are of the same entry: not while the log is replayed up to what the backend
   * holds already.
   */
  get isLevel(): boolean {
    return this.#lastIndex >= this.#position.index;
  }

  /** An entry without effect: a new leader's first one, or a change that was refused. */
  skip(entry: Entry): void {
    this.#advance(entry);
  }

  /** Applies a normal entry with content, at `nowMs`: from then on leases that it grants are counted. */
  apply(entry: Entry, data: Uint8Array, nowMs: number): Applied {
    const changesBackend = this.#advance(entry);
    const start = this.#timer.start();
    const request = readInternalRequest(data);
    if (request === undefined) {
      const v2 = decodeRequest(data);
      applyV2Request(this, v2, changesBackend);
      this.#timer.appliedV2(start, v2.method);
      return { id: v2.id, result: DONE, operation: undefined };
    }
    const id = request.id === 0n ? (request.header?.id ?? 0n) : request.id;
    const { operation } = request;
    const batch = this.#batchOf(request, entry.index);
    assert(operation !== undefined, () => `Entry ${entry.index} holds no operation`);
    if (applyClusterOperation(this, operation, changesBackend)) {
      this.#timer.applied(start, id, operation, DONE);
      return { id, result: DONE, operation: undefined };
    }
    if (!changesBackend) return { id, result: DONE, operation: undefined };
    const caller = this.#callerOf(request);
    const result = executeOperation(this, caller, operation, entry.index, nowMs);
    this.#timer.applied(start, id, operation, result, caller);
    if (batch !== undefined && !(result instanceof EtcdError)) endKeylessLeases(this, batch.ids);
    return { id, result, operation };
  }

  /** Tells the timer that the call which proposed the entry of `applied`, the last one, is answered. */
  answered(origin: ProposalOrigin, { operation, result }: Applied): void {
    if (operation !== undefined) this.#timer.proposalAnswered(origin, operation, result);
  }

  /** Why a committed configuration change must not be made; the same on every member. */
  checkConfChange(change: ConfChange): EtcdError | undefined {
    return checkMembershipChange(this.cluster, membershipChangeOf(change));
  }

  /** Applies a configuration change that `checkConfChange` let pass and Raft has put into use. */
  applyConfChange(entry: Entry, change: ConfChange, confState: ConfState): MembershipChange {
    const membershipChange = membershipChangeOf(change);
    logMembershipChange(this.log, this.memberId, this.cluster, membershipChange);
    applyMembershipChange(this.cluster, membershipChange);
    if (this.#advance(entry)) {
      this.records.putConfState(confState);
      this.#recordMembership(membershipChange);
    }
    return membershipChange;
  }

  /** The newest entry that ended leases in a way that etcd does not know; 0 for none. */
  get leaseBatchIndex(): number {
    return this.#leaseBatchIndex;
  }

  /** The v2 store image that a snapshot of the log carries. */
  v2Store(): string {
    return encodeV2Store(this.cluster);
  }

  /**
   * The leases that the entry ends beside its deletions. None in a cluster with other members: etcd skips
   * that part of the entry, and members must not differ in which leases there are.
   */
  #batchOf({ leaseRevokeBatch }: InternalRaftRequest, index: number): LeaseRevokeBatch | undefined {
    if (leaseRevokeBatch === undefined || !allEndBatchedLeases(this.cluster)) return undefined;
    this.#leaseBatchIndex = index;
    return leaseRevokeBatch;
  }

  #callerOf({ header }: InternalRaftRequest): AuthInfo {
    this.#caller.username = header?.username ?? "";
    this.#caller.revision = header?.authRevision ?? 0;
    return this.#caller;
  }

  /** Moves the position to `entry`; false when the backend holds its changes already. */
  #advance(entry: Entry): boolean {
    this.#lastIndex = entry.index;
    if (entry.index <= this.#position.index) return false;
    this.#position = { index: entry.index, term: entry.term };
    return true;
  }

  #recordMembership(change: MembershipChange): void {
    if (change.kind === "remove") {
      this.records.removeMember(change.id);
      return;
    }
    const id = change.kind === "promote" ? change.id : change.member.id;
    const member = this.cluster.member(id);
    assert(member !== undefined, "A changed member must be there");
    this.records.putMember(member);
  }
}

/** `undefined` when the entry is a request of the v2 API, which stands there without a wrapper. */
function readInternalRequest(data: Uint8Array): InternalRaftRequest | undefined {
  try {
    return decodeInternalRaftRequest(data);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
