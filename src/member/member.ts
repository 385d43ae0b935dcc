/**
 * One cluster member as a pure, synchronous machine: Raft, the state it decides about, and everybody who
 * waits for an answer. The shell around it delivers ticks, messages and requests, and carries out what
 * `takeReady` asks for. Nothing here waits, reads a clock or touches a file.
 *
 * ```
 *   propose ──> queue ──┐                        ┌──> append ──(durable)──> appended ──────────┐
 *   whenReadable ──> gate ──> Raft ──> takeReady ┼──> messages                                 │
 *   step, tick ─────────┘       ^                └──> committed ──> apply ──> answers, results ┤
 *                               └──────────────────────────────────────────────────────────────┘
 * ```
 */
import type { Applier } from "../apply/applier.ts";
import { type AuthInfo, requestHeaderOf } from "../auth/auth-info.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { NO_LEASE } from "../lease/lessor.ts";
import { allEndBatchedLeases } from "../membership/cluster.ts";
import type { MembershipChange } from "../membership/conf-change.ts";
import type { Log } from "../ports/log.ts";
import { MemoryStorage } from "../raft/memory-storage.ts";
import { LOCAL_APPEND_TARGET, LOCAL_APPLY_TARGET, NONE } from "../raft/node-id.ts";
import { RawNode } from "../raft/raw-node.ts";
import type { Status } from "../raft/status.ts";
import { assert } from "../stdx/assert.ts";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import {
  type ConfChange,
  decodeConfChange,
  type ConfState,
  type Entry,
  EntryType,
  type Message,
  MessageType,
  type Snapshot,
} from "../wire/gen/raft.ts";
import { encodeInternalRequest } from "../wire/internal-request.ts";
import { AppliedWaits } from "./applied-waits.ts";
import { LeaderAbsence } from "./leader-absence.ts";
import { HeldProposals } from "./held-proposals.ts";
import { logLeader } from "./leader-lines.ts";
import { LeaderTransfers } from "./leader-transfer.ts";
import { LeadershipCertainty } from "./leadership-certainty.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { LeaseRenewals } from "./lease-renewals.ts";
import {
  HELD_PROPOSAL_ELECTIONS,
  APPLIED_WAIT_MS,
  RAFT_INFLIGHT_MESSAGES_MAX,
  RAFT_MESSAGE_BYTES_MAX,
  READ_INDEX_RETRY_MS,
  REQUEST_TIMEOUT_BASE_MS,
  UNAPPLIED_ENTRIES_MAX,
} from "./limits.ts";
import { compactIndexBehind, LogRetention, replaceEntries } from "./log-retention.ts";
import type { MemberStatus } from "./member-status.ts";
import { MembershipProposals } from "./membership-proposals.ts";
import { NoSpaceAlarm } from "./no-space-alarm.ts";
import { type Audience, Proposals } from "./proposals.ts";
import { ReadGate } from "./read-gate.ts";
import type {
  ApplyOutcome,
  MembershipWaiter,
  ProposalWaiter,
  ReadWaiter,
  Ready,
  RenewalWaiter,
} from "./ready.ts";
import { RequestIds } from "./request-ids.ts";
import type { MemberOptions, StoredState } from "./options.ts";
import { NO_CONNECTIONS, type PeerConnections, timeoutReason } from "./timeout-reason.ts";

export class Member {
  readonly id: bigint;
  #applier: Applier;
  readonly #options: MemberOptions;
  readonly #log: Log;
  readonly #storage = new MemoryStorage();
  readonly #raft: RawNode;
  readonly #ids: RequestIds;
  readonly #proposals: Proposals;
  readonly #membership: MembershipProposals;
  readonly #reads: ReadGate;
  readonly #appliedWaits: AppliedWaits;
  readonly #leases: LeaseKeeper;
  readonly #transfers: LeaderTransfers;
  readonly #held: HeldProposals;
  /** Tells whoever must not go on for long without a leader. */
  readonly leaderAbsence: LeaderAbsence;
  #appliedIndex: number;
  readonly #retention: LogRetention;
  #confState: ConfState;
  #leader = NONE;
  #stopped = false;
  readonly #certainty: LeadershipCertainty;
  readonly #renewals: LeaseRenewals;
  /** When it was elected last. */
  #electedMs: number | undefined;
  readonly #timeoutMs: number;
  #beganToLead = false;
  readonly #noSpace: NoSpaceAlarm;

  constructor(options: MemberOptions, stored: StoredState, applier: Applier) {
    this.id = options.id;
    this.#applier = applier;
    this.#options = options;
    this.#log = options.log;
    this.#ids = new RequestIds(options.id, options.startWallMs);
    this.#timeoutMs = REQUEST_TIMEOUT_BASE_MS + 2 * options.electionTicks * options.tickMs;
    const timeoutTicks = Math.ceil(this.#timeoutMs / options.tickMs);
    this.#proposals = new Proposals(timeoutTicks, options.metrics.proposalsFailed);
    this.#membership = new MembershipProposals(options.id, this.#ids, timeoutTicks, options.log);
    this.#appliedWaits = new AppliedWaits(Math.ceil(APPLIED_WAIT_MS / options.tickMs));
    this.leaderAbsence = new LeaderAbsence(options.electionTicks);
    if (stored.snapshot !== undefined) this.#storage.applySnapshot(stored.snapshot);
    this.#storage.setHardState(stored.hardState);
    this.#storage.append(stored.entries);
    this.#appliedIndex = stored.snapshot?.metadata.index ?? 0;
    this.#retention = new LogRetention(options.snapshotCount, this.#appliedIndex);
    this.#confState = this.#storage.initialState().confState;
    this.#raft = new RawNode({
      id: options.id,
      electionTicks: options.electionTicks,
      heartbeatTicks: 1,
      storage: this.#storage,
      random: options.random,
      log: options.raftLog,
      applied: this.#appliedIndex,
      messageBytesMax: RAFT_MESSAGE_BYTES_MAX,
      inflightMessagesMax: RAFT_INFLIGHT_MESSAGES_MAX,
      checkQuorum: true,
      preVote: options.preVote,
    });
    this.#certainty = new LeadershipCertainty(options.tickMs);
    this.#reads = new ReadGate({
      request: (context) => this.#raft.readIndex(context),
      nextContext: () => this.#ids.nextAsBytes(),
      tickMs: options.tickMs,
      timeoutTicks,
      retryTicks: Math.max(1, Math.round(READ_INDEX_RETRY_MS / options.tickMs)),
      log: options.log,
      metrics: options.metrics,
    });
    this.#transfers = new LeaderTransfers(timeoutTicks);
    const heldTicks = HELD_PROPOSAL_ELECTIONS * options.electionTicks;
    this.#held = new HeldProposals((message) => this.#raft.step(message), heldTicks);
    this.#noSpace = new NoSpaceAlarm(this, options.log);
    this.#leases = this.#createLeaseKeeper();
    this.#renewals = new LeaseRenewals(
      {
        id: options.id,
        leader: () => this.#leader,
        isOnlyVoter: () => this.#isOnlyVoter(),
        leaseExists: (id) => this.applier.lessor.exists(id),
        isUpToDate: () => this.#raft.basicStatus().commit === this.#appliedIndex,
        whenReadable: (waiter) => this.whenReadable(waiter),
        whenApplied: (waiter) => this.whenApplied(waiter),
      },
      this.#certainty,
      this.#leases,
    );
  }

  #createLeaseKeeper(): LeaseKeeper {
    return new LeaseKeeper(this.applier.lessor, {
      retryMs: this.#timeoutMs,
      // A leader that was deposed meanwhile must not have its successor end leases that were kept alive.
      propose: (field, body, waiter) =>
        this.#propose(field, body, waiter, "selfOnly", this.applier.auth.rootCaller()),
      caller: () => this.applier.auth.rootCaller(),
      proposeRaw: (makeData, waiter) => this.#proposeRaw(makeData, waiter, "selfOnly"),
      mayBatch: () => allEndBatchedLeases(this.applier.cluster),
      expired: this.#options.metrics.leasesExpired,
      log: this.#options.log,
    });
  }

  /** The applied state. A snapshot of a leader replaces it: nothing of it is to be kept. */
  get applier(): Applier {
    return this.#applier;
  }

  status(): MemberStatus {
    const { lead, term, commit } = this.#raft.basicStatus();
    return {
      id: this.id,
      leader: lead,
      term,
      committedIndex: commit,
      appliedIndex: this.#appliedIndex,
      isLearner: this.isLearner,
      pendingProposals: this.#proposals.size,
    };
  }

  /** All that Raft tells of itself; on the leader, the progress of everybody. A copy. */
  raftStatus(): Status {
    return this.#raft.status();
  }

  isLeader(): boolean {
    return this.#leader === this.id;
  }

  /** Who leads, as far as is known here; 0 for nobody. */
  get leader(): bigint {
    return this.#leader;
  }

  get isLearner(): boolean {
    return this.applier.cluster.member(this.id)?.isLearner ?? false;
  }

  /** Milliseconds that a request may take in all. */
  get requestTimeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Raft's term: what answers carry in their headers. */
  get term(): number {
    return this.#raft.basicStatus().term;
  }

  /**
   * A tick has passed. `nowMs` is a time that never goes back, here and wherever it is asked for;
   * `connections` are borrowed.
   */
  tick(nowMs: number, connections: PeerConnections = NO_CONNECTIONS): void {
    this.#certainty.tick(nowMs);
    if (this.#options.voteHold?.isHeld !== true) this.#raft.tick();
    const { unsent, late } = this.#proposals.tick();
    for (const waiter of unsent) waiter.onApplied(Errors.DeadlineExceeded);
    const lateChanges = this.#membership.tick();
    if (late.length > 0 || lateChanges.length > 0) {
      const reason = this.#timeoutReason(nowMs - this.#timeoutMs, connections);
      for (const waiter of late) waiter.onApplied(reason);
      for (const waiter of lateChanges) waiter.onChanged(reason);
    }
    this.#reads.tick();
    this.#appliedWaits.tick();
    this.#transfers.tick();
    this.#held.tick();
    this.#leases.tick(nowMs);
    this.leaderAbsence.tick(this.#leader !== NONE);
  }

  /**
   * Starts an election when this member is the only voter: there is nobody to wait for. Called once the
   * committed part of the log was applied. With `evenWithOthers`, as if nothing had been heard of a leader for long.
   */
  campaign(evenWithOthers = false): void {
    if (evenWithOthers || this.#isOnlyVoter()) this.#raft.campaign();
  }

  /** Takes `ticks` ticks of the wait for an election as passed, and nothing else. */
  advanceElection(ticks: number): void {
    if (this.#options.voteHold?.isHeld === true) return;
    for (let passed = 0; passed < ticks; passed++) this.#raft.tick();
  }

  /** Takes a message of another member. */
  step(message: Message): void {
    if (this.#options.voteHold?.refuses(message) === true) return;
    const refused = this.#held.step(message);
    if (refused === undefined) return;
    this.#log.warn("failed to process Raft message", { error: refused.message });
  }

  /** Messages to another member are being dropped. */
  reportUnreachable(id: bigint): void {
    this.#raft.reportUnreachable(id);
  }

  /** A snapshot for another member was taken over by it, or not. */
  reportSnapshot(id: bigint, delivered: boolean): void {
    this.#raft.reportSnapshot(id, delivered);
  }

  /**
   * Proposes a request: `body` is the marshalled message that stands in field `field` of
   * InternalRaftRequest; it is copied. `waiter` is told the result when the entry is applied, or at once
   * why it cannot be. `caller` is who asks for it; nobody in particular when absent.
   */
  propose(field: number, body: Uint8Array, waiter: ProposalWaiter, caller?: AuthInfo): void {
    this.#propose(field, body, waiter, "anyLeader", caller);
  }

  /** Proposes an entry whose payload the caller has marshalled whole, with an id from `makeData`. */
  proposeRaw(makeData: (id: bigint) => Uint8Array, waiter: ProposalWaiter): void {
    this.#proposeRaw(makeData, waiter, "anyLeader");
  }

  /**
   * Proposes a change of the membership. `waiter` is told the members when it is applied here, or why it is
   * not made: DeadlineExceeded when there was no leader, what `timeoutReason` says when it was lost, what
   * `checkMembershipChange` says, TooManyRequests, Stopped.
   */
  proposeMembershipChange(change: MembershipChange, waiter: MembershipWaiter): void {
    if (this.#stopped) waiter.onChanged(Errors.Stopped);
    else this.#membership.add(change, waiter);
  }

  /**
   * How far the log of each member goes, as far as this one, which leads, knows; `undefined` when it does
   * not lead.
   */
  replicationProgress(): ReadonlyMap<bigint, number> | undefined {
    return this.#raft.matches();
  }

  /** Raises the NOSPACE alarm for this member, unless it is raised or about to be. */
  raiseNoSpace(): void {
    this.#noSpace.raise();
  }

  /** `waiter` is told when local state holds everything acknowledged before this call. */
  whenReadable(waiter: ReadWaiter): void {
    if (this.#stopped) waiter.onFailed(Errors.Stopped);
    else this.#reads.add(waiter);
  }

  /**
   * `waiter` is told when everything that is committed, as far as is known here, is applied; at once when it
   * is. Errors: TimeoutWaitAppliedIndex, TooManyRequests, Stopped.
   */
  whenApplied(waiter: ReadWaiter): void {
    const { commit } = this.#raft.basicStatus();
    if (this.#stopped) waiter.onFailed(Errors.Stopped);
    else if (commit <= this.#appliedIndex) waiter.onReadable();
    else this.#appliedWaits.add(commit, waiter);
  }

  /**
   * Hands leadership, which this member has, to the voter `transferee`; `done` is told when it leads, at once
   * when it does already. Errors: TransferTimeout, Stopped.
   */
  moveLeader(transferee: bigint, done: (failure: EtcdError | undefined) => void): void {
    this.#raft.transferLeader(transferee);
    if (transferee === this.#leader) done(undefined);
    else this.#transfers.add(transferee, done);
  }

  /** An id for a lease whose client left the choice to the server: positive, of 63 bits. */
  newLeaseId(): bigint {
    for (;;) {
      const id = BigInt.asUintN(63, this.#ids.idOf(this.#ids.next()));
      if (id !== NO_LEASE) return id;
    }
  }

  /**
   * Renews a lease. Costs no entry of the log, and while leadership is certain no round of messages; this
   * member must lead. Errors: NoLeader, NotPrimaryLessor, and those of `whenApplied` and of proposals.
   */
  renewLease(id: bigint, nowMs: number, waiter: RenewalWaiter): void {
    this.#renewals.renew(id, nowMs, waiter);
  }

  /** Everything the shell has to do now; `undefined` when there is nothing. */
  takeReady(): Ready | undefined {
    if (this.#stopped) return undefined;
    this.#proposeQueued();
    if (this.#leader !== NONE) this.#membership.propose(this.#handChange);
    this.#reads.start();
    if (!this.#raft.hasReady()) return undefined;
    const ready = this.#raft.ready();
    let append: Message | undefined;
    let committed: Message | undefined;
    const messages: Message[] = [];
    const snapshots: Message[] = [];
    for (const message of ready.messages) {
      if (message.to === LOCAL_APPEND_TARGET) append = message;
      else if (message.to === LOCAL_APPLY_TARGET) committed = message;
      else if (message.type === MessageType.MsgSnap) snapshots.push(message);
      else messages.push(message);
    }
    if (ready.softState !== undefined) this.#leaderIs(ready.softState.lead);
    for (const state of ready.readStates) this.#reads.confirm(state.index, state.context);
    this.#reads.release(this.#appliedIndex);
    return { append, messages, snapshots, committed };
  }

  /**
   * Applies what a `Ready` has as `committed`, and answers whoever waited for it. Returns what follows from
   * it for the shell.
   */
  apply(committed: Message, nowMs: number): ApplyOutcome {
    const changes: MembershipChange[] = [];
    for (const entry of committed.entries) {
      assert(entry.index === this.#appliedIndex + 1, "Entries must be applied without gaps");
      if (entry.type === EntryType.EntryNormal) this.#applyNormal(entry, nowMs);
      else this.#applyConfChange(entry, changes);
      this.#appliedIndex = entry.index;
      this.#retention.applied(entry);
    }
    this.#options.voteHold?.committed(committed.entries.at(-1)?.term ?? 0);
    for (const response of committed.responses) this.step(response);
    this.#reads.release(this.#appliedIndex);
    this.#appliedWaits.applied(this.#appliedIndex);
    // Whoever joins must not find entries in the log that end leases in a way that etcd does not know.
    const { leaseBatchIndex } = this.applier;
    if (leaseBatchIndex > 0 && changes.some(({ kind }) => kind === "add")) {
      replaceEntries(this.#storage, leaseBatchIndex, this.#snapshotOf(this.#appliedIndex));
    }
    const beganToLead = this.#beganToLead;
    this.#beganToLead = false;
    return { snapshot: this.#dueSnapshot(), changes, beganToLead };
  }

  /**
   * What `append` asked for is durable. Called in the order of the appends. Returns the messages to other
   * members that had to wait for it.
   */
  appended(append: Message): readonly Message[] {
    if (append.snapshot !== undefined) this.#storage.applySnapshot(append.snapshot);
    this.#storage.append(append.entries);
    if (append.term !== 0) {
      const vote = append.vote ?? NONE;
      this.#storage.setHardState({ term: append.term, vote, commit: append.commit });
    }
    const remote: Message[] = [];
    for (const response of append.responses) {
      if (response.to === this.id) this.step(response);
      else remote.push(response);
    }
    return remote;
  }

  /**
   * The membership at `index`, up to which the backend holds everything, as the part of a snapshot that comes
   * before its database. `undefined` while the two are not of the same entry.
   */
  snapshotAt(index: number): Snapshot | undefined {
    return this.applier.isLevel ? this.#snapshotOf(index) : undefined;
  }

  /**
   * The snapshot that `Ready` asked for is durable, in its file and in the WAL: forget older entries, unless
   * `holdsLog` says that a follower with a snapshot needs them.
   */
  snapshotSaved(snapshot: Snapshot, holdsLog: boolean): void {
    const { index, confState } = snapshot.metadata;
    this.#storage.createSnapshot(index, confState, snapshot.data ?? new Uint8Array(0));
    if (holdsLog) {
      this.#log.info("skip compaction since there is an inflight snapshot");
      return;
    }
    const compactIndex = compactIndexBehind(this.#storage, index, this.#options.catchUpEntries);
    if (compactIndex < this.#storage.firstIndex()) return;
    this.#storage.compact(compactIndex);
    this.#log.info("compacted Raft logs", { "compact-index": compactIndex });
  }

  /**
   * Takes over the state of `snapshot`, from which the log starts since its append was durable. Who waits for
   * an entry that it has overtaken is not told of it: what became of that is not known here.
   */
  install(snapshot: Snapshot, applier: Applier): void {
    const { index, confState } = snapshot.metadata;
    assert(
      index > this.#appliedIndex,
      "A snapshot that is taken over is ahead of what was applied",
    );
    this.#applier.lessor.demote();
    this.#applier = applier;
    this.#leases.useLessor(applier.lessor);
    this.#confState = confState;
    this.#appliedIndex = index;
    this.#retention.snapshotMade(index);
    this.#options.voteHold?.committed(snapshot.metadata.term);
    this.#reads.release(index);
    this.#appliedWaits.applied(index);
  }

  /** Answers everybody who waits; nothing is done afterwards. */
  stop(): void {
    this.#stopped = true;
    this.#proposals.failAll(Errors.Stopped);
    this.#membership.stop();
    this.#reads.failAll(Errors.Stopped);
    this.#appliedWaits.failAll(Errors.Stopped);
    this.#transfers.stop();
    this.applier.lessor.demote();
  }

  #refusal(): EtcdError | undefined {
    if (this.#stopped) return Errors.Stopped;
    const behind = this.#raft.basicStatus().commit - this.#appliedIndex > UNAPPLIED_ENTRIES_MAX;
    return behind || this.#proposals.isFull ? Errors.TooManyRequests : undefined;
  }

  #propose(
    field: number,
    body: Uint8Array,
    waiter: ProposalWaiter,
    audience: Audience,
    caller: AuthInfo | undefined,
  ): void {
    const refused = this.#refusal();
    if (refused !== undefined) {
      waiter.onApplied(refused);
      return;
    }
    const key = this.#ids.next();
    const header = requestHeaderOf(this.#ids.idOf(key), caller);
    this.#enqueue(key, encodeInternalRequest(header, field, body), waiter, audience);
  }

  #proposeRaw(
    makeData: (id: bigint) => Uint8Array,
    waiter: ProposalWaiter,
    audience: Audience,
  ): void {
    const refused = this.#refusal();
    if (refused !== undefined) {
      waiter.onApplied(refused);
      return;
    }
    const key = this.#ids.next();
    this.#enqueue(key, makeData(this.#ids.idOf(key)), waiter, audience);
  }

  #enqueue(key: number, data: Uint8Array, waiter: ProposalWaiter, audience: Audience): void {
    if (data.length > this.#options.requestBytesMax) waiter.onApplied(Errors.RequestTooLarge);
    else this.#proposals.add(key, data, waiter, audience);
  }

  /** Hands all queued proposals to Raft; without a leader they wait. */
  #proposeQueued(): void {
    // As Raft knows it now: it may have been deposed in this very turn.
    const { lead } = this.#raft.basicStatus();
    // A leader that was removed takes nothing any more, and is not reached either.
    if (lead === NONE || this.applier.cluster.isRemoved(lead)) return;
    this.#held.retry();
    this.#proposals.handOver(lead === this.id, this.#handToRaft);
  }

  readonly #handToRaft = (payloads: readonly Uint8Array[]): boolean =>
    this.#raft.propose(payloads) === undefined;

  /** Whether Raft took the change; it drops one as during a leadership transfer. */
  readonly #handChange = (change: ConfChange): boolean =>
    this.#raft.proposeConfChange(change) === undefined;

  #timeoutReason(startMs: number, connections: PeerConnections): EtcdError {
    const { electionTicks, tickMs } = this.#options;
    return timeoutReason(
      {
        id: this.id,
        leader: this.#leader,
        electedMs: this.#electedMs,
        electionMs: electionTicks * tickMs,
        members: this.applier.cluster.members(),
      },
      startMs,
      connections,
    );
  }

  /** As the primary lessor, on everything that is committed. */
  #isOnlyVoter(): boolean {
    const { voters, votersOutgoing } = this.#confState;
    return voters.length === 1 && voters[0] === this.id && votersOutgoing.length === 0;
  }

  #applyNormal(entry: Entry, nowMs: number): void {
    if (entry.data === undefined || entry.data.length === 0) {
      this.applier.skip(entry);
      this.#reads.committedInTerm();
      if (this.isLeader() && entry.term === this.term) this.#becomePrimaryLessor(nowMs);
      return;
    }
    const applied = this.applier.apply(entry, entry.data, nowMs);
    const { id } = applied;
    if (applied.result === Errors.NoSpace) this.raiseNoSpace();
    if (Number(id >> 48n) !== this.#ids.suffix) return;
    const waiter = this.#proposals.take(this.#ids.keyOf(Number(id & 0xffff_ffff_ffffn)));
    waiter?.onApplied(applied.result);
    if (waiter?.origin !== undefined) this.applier.answered(waiter.origin, applied);
  }

  #applyConfChange(entry: Entry, changes: MembershipChange[]): void {
    assert(entry.type === EntryType.EntryConfChange, "Unknown type of committed entry");
    const change: ConfChange = decodeConfChange(entry.data ?? new Uint8Array(0));
    const refused = this.applier.checkConfChange(change);
    if (refused !== undefined) {
      this.#log.error("Validation on configuration change failed", { error: refused.message });
      this.applier.skip(entry);
      this.#membership.applied(change, refused);
      return;
    }
    this.#confState = this.#raft.applyConfChange(change);
    changes.push(this.applier.applyConfChange(entry, change, this.#confState));
    this.#membership.applied(change, this.applier.cluster.members());
  }

  #leaderIs(leader: bigint): void {
    if (leader === this.#leader) return;
    logLeader(this.#options.raftLog, this.id, this.#leader, leader, this.term);
    this.#leader = leader;
    // Without a leader reads wait, and are told when there is one; those that come then are sent to it.
    if (leader !== NONE) {
      this.#options.metrics.leaderChanges.inc();
      this.#reads.leaderChanged();
    }
    this.#transfers.leaderIs(leader);
    if (leader === this.id) {
      this.#electedMs = this.#certainty.lastTickMs;
      this.#certainty.confirmed(this.#electedMs);
    } else {
      this.applier.lessor.demote();
      this.#proposals.failSelfOnly();
    }
  }

  /** Everything of earlier terms is applied: from here on leases can be counted down. */
  #becomePrimaryLessor(nowMs: number): void {
    this.#beganToLead = true;
    const { electionTicks, tickMs } = this.#options;
    this.applier.lessor.promote(nowMs, electionTicks * tickMs);
  }

  #dueSnapshot(): Snapshot | undefined {
    const index = this.#appliedIndex;
    if (!this.#retention.isSnapshotDue(index)) return undefined;
    this.#retention.announce(index, this.#log, this.id);
    this.#retention.snapshotMade(index);
    return this.#snapshotOf(index);
  }

  #snapshotOf(index: number): Snapshot {
    const term = this.#storage.term(index);
    assert(typeof term === "number", "The term of the last applied entry must be known");
    return {
      data: bytesFromUtf8(this.applier.v2Store()),
      metadata: { confState: this.#confState, index, term },
    };
  }
}
