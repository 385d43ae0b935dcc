/**
 * One node of a raft group: the public face of this folder.
 *
 * Everything is synchronous and deterministic. Messages, proposals and ticks go in; `ready` says what is
 * to be stored, applied and sent. Nothing here waits, does I/O, knows the time, or may be called from
 * within itself. The usual turn of a caller:
 *
 * ```
 *   step everything that arrived, tick when it is time, propose everything that gathered
 *   while (node.hasReady()) hand out node.ready().messages
 * ```
 *
 * Source: etcd-io/raft rawnode.go, bootstrap.go.
 */
import { assert } from "../stdx/assert.ts";
import { EntryType, MessageType } from "../wire/gen/raft.ts";
import type { ConfState, Entry, Message } from "../wire/gen/raft.ts";
import { confChangeAsV2, confChangeEntry } from "./confchange/conf-change.ts";
import type { AnyConfChange } from "./confchange/conf-change.ts";
import { resolveConfig } from "./config.ts";
import type { RaftConfig } from "./config.ts";
import { bootstrap } from "./bootstrap.ts";
import type { Peer } from "./bootstrap.ts";
import { startElection } from "./election.ts";
import { RaftErrors } from "./errors.ts";
import type { RaftError } from "./errors.ts";
import { handleSnapshotStatus, handleUnreachable } from "./leader.ts";
import { isLocalMessage, isResponseMessage, newMessage } from "./message.ts";
import { NONE, isLocalTarget } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import { Raft } from "./raft.ts";
import { ReadyMaker } from "./ready.ts";
import type { Ready } from "./ready.ts";
import { applyConfChange } from "./reconfigure.ts";
import { startRaft } from "./start.ts";
import { basicStatusOf, statusOf } from "./status.ts";
import type { BasicStatus, Status } from "./status.ts";
import { step } from "./step.ts";
import { tick } from "./tick.ts";
import { isWellFormed } from "./validate.ts";

/**
 * One node of a raft group. Nothing in it waits or does input and output: messages, proposals and ticks go in, and `ready`
 * says what is to be stored, applied and sent. No method may be called from within another.
 *
 * Expected refusals are returned. What is thrown means that the caller broke a rule (a corrupt log, a gap, an impossible
 * configuration) or that raft has a bug: the node must not be used any more.
 */
export class RawNode {
  readonly #raft: Raft;
  readonly #ready: ReadyMaker;

  /** Starts from what `config.storage` holds, as a follower. Throws when the configuration cannot be. */
  constructor(config: RaftConfig) {
    this.#raft = new Raft(resolveConfig(config));
    startRaft(this.#raft);
    this.#ready = new ReadyMaker(this.#raft);
  }

  /** Id of this node. */
  get id(): NodeId {
    return this.#raft.id;
  }

  /**
   * Founds a group: with empty storage, writes one configuration change per peer into the log, already
   * committed, and puts them into use at once. The caller meets them again as entries to apply. All
   * founding members must be given the same peers in the same order.
   */
  bootstrap(peers: readonly Peer[]): void {
    this.#ready.forgetHardState();
    bootstrap(this.#raft, peers);
  }

  /** One tick of logical time went by; how long one is, is the caller's choice: etcd's are 100 ms. */
  tick(): void {
    tick(this.#raft);
  }

  /**
   * A message arrived: from a peer, or from local storage as one of the `responses` of its work. Keeps
   * the message; it must not be changed afterwards.
   * Errors: `StepLocalMessage`, `StepPeerNotFound`, `MalformedMessage` (nothing happened);
   * `ProposalDropped` for a forwarded proposal.
   */
  step(message: Message): RaftError | undefined {
    const fromStorage = isLocalTarget(message.from);
    if (!fromStorage) {
      if (isLocalMessage(message.type)) return RaftErrors.StepLocalMessage;
      if (isResponseMessage(message.type) && !this.#raft.tracker.progress.has(message.from)) {
        return RaftErrors.StepPeerNotFound;
      }
      if (!isWellFormed(message)) return RaftErrors.MalformedMessage;
    }
    return step(this.#raft, message);
  }

  /**
   * Proposes a batch of entries, one per element of `payloads`; it is taken or dropped as a whole. A
   * follower forwards it to the leader, where it may still get lost: callers that care look for their
   * entries among those to apply. Keeps the payloads. One call for all that gathered is much cheaper than
   * many. Errors: `ProposalDropped`.
   */
  propose(payloads: readonly Uint8Array[]): RaftError | undefined {
    assert(payloads.length > 0, "Cannot propose nothing");
    const entries = new Array<Entry>(payloads.length);
    for (let i = 0; i < payloads.length; i++) {
      entries[i] = { type: EntryType.EntryNormal, term: 0, index: 0, data: payloads[i] };
    }
    return this.#propose(entries);
  }

  /**
   * Proposes a configuration change. One that cannot be made now (another is not applied yet, or it does
   * not fit a joint configuration) is appended as an empty entry instead. Errors: `ProposalDropped`.
   */
  proposeConfChange(change: AnyConfChange): RaftError | undefined {
    return this.#propose([confChangeEntry(change)]);
  }

  #propose(entries: Entry[]): RaftError | undefined {
    const message = newMessage(MessageType.MsgProp, NONE);
    message.from = this.#raft.id;
    message.entries = entries;
    return step(this.#raft, message);
  }

  /**
   * Puts a committed configuration change into use. Called when its entry is applied, before that entry
   * is reported as applied; not called for a change that the caller refuses. Returns the configuration
   * that snapshots from here on must carry.
   */
  applyConfChange(change: AnyConfChange): ConfState {
    return applyConfChange(this.#raft, confChangeAsV2(change));
  }

  /** Starts an election without waiting for the timeout. Nothing happens to a leader, or to who does not vote. */
  campaign(): void {
    startElection(this.#raft, this.#raft.config.preVote ? "pre" : "regular");
  }

  /**
   * Asks for an index at which a linearizable read may be served. The answer is a `ReadState` with
   * `context` in some later `Ready`; or none, when there is no leader or it changes: ask again. Keeps
   * `context`. Raft thesis section 6.4.
   */
  readIndex(context: Uint8Array): void {
    const message = newMessage(MessageType.MsgReadIndex, NONE);
    message.entries.push({ type: EntryType.EntryNormal, term: 0, index: 0, data: context });
    step(this.#raft, message);
  }

  /**
   * Asks the leader (this node or another) to hand over to `transferee`. Proposals are dropped meanwhile; it is given up
   * after an election timeout. Raft thesis section 3.10.
   */
  transferLeader(transferee: NodeId): void {
    const message = newMessage(MessageType.MsgTransferLeader, NONE);
    message.from = transferee;
    step(this.#raft, message);
  }

  /**
   * Makes a follower forget who leads, so that it grants votes at once instead of waiting out its
   * timeout. It learns anew from the next heartbeat. Ignored with lease-based reads, which rely on the
   * memory of followers.
   */
  forgetLeader(): void {
    step(this.#raft, newMessage(MessageType.MsgForgetLeader, NONE));
  }

  /** A message to `id` could not be sent. */
  reportUnreachable(id: NodeId): void {
    if (this.#raft.role === "leader") handleUnreachable(this.#raft, id);
  }

  /** The snapshot for `id` was delivered, or not. Must be called for every `MsgSnap` handed out. */
  reportSnapshot(id: NodeId, delivered: boolean): void {
    if (this.#raft.role === "leader") handleSnapshotStatus(this.#raft, id, delivered);
  }

  /** Reports whether `ready` has anything. Cheap enough to ask in every turn. */
  hasReady(): boolean {
    return this.#ready.hasReady();
  }

  /** Takes all work there is; it must be done, in the order that `Ready` documents. */
  ready(): Ready {
    return this.#ready.take();
  }

  /** The state of this node. Cheap. */
  basicStatus(): BasicStatus {
    return basicStatusOf(this.#raft);
  }

  /** The state of this node, its configuration, and, on the leader, the progress of all. Copies. */
  status(): Status {
    return statusOf(this.#raft);
  }

  /** How far the leader, which this node must be, knows the log of each member to go; else `undefined`. */
  matches(): ReadonlyMap<NodeId, number> | undefined {
    if (this.#raft.role !== "leader") return undefined;
    return new Map([...this.#raft.tracker.progress].map(([id, { match }]) => [id, match]));
  }

  /** Reports whether the node's configuration has it as a learner. */
  get isLearner(): boolean {
    return this.#raft.isLearner;
  }

  /**
   * Sets after how many ticks without a leader this node starts an election, until it draws anew at its
   * next change of term or role. For simulations and scripts.
   */
  setRandomizedElectionTicks(ticks: number): void {
    this.#raft.randomizedElectionTicks = ticks;
  }
}
