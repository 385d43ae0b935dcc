/**
 * A raft group under chance: messages are delayed, reordered, duplicated and lost, disks finish late,
 * nodes crash and lose what was not durable, memberships change. One seed, one history.
 *
 * What is checked, at every moment:
 * 1. Election safety: one leader per term.
 * 2. State machine safety: all nodes apply the same entries in the same order, without gaps. The state
 *    is a hash over everything applied, so equal states mean equal histories.
 * 3. Linearizable reads: a read index is not below anything committed anywhere when the read was asked for.
 * And in the end, when everything works again (`heal`): everybody catches up and new entries commit.
 */
import { isConfChangeEntry, confChangeOfEntry } from "../../src/raft/confchange/conf-change.ts";
import { MemoryStorage } from "../../src/raft/memory-storage.ts";
import { LOCAL_APPEND_TARGET, isLocalTarget } from "../../src/raft/node-id.ts";
import type { NodeId } from "../../src/raft/node-id.ts";
import { jointVoters } from "../../src/raft/quorum/joint.ts";
import { RawNode } from "../../src/raft/raw-node.ts";
import { emptySnapshot, isEmptyHardState } from "../../src/raft/snapshot.ts";
import { assert } from "../../src/stdx/assert.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import {
  ConfChangeTransition,
  ConfChangeType,
  MessageType,
  decodeMessage,
  encodeMessage,
} from "../../src/wire/gen/raft.ts";
import type { ConfState, Entry, Message, Snapshot } from "../../src/wire/gen/raft.ts";
import { QUIET_LOG } from "./quiet-log.ts";

/** What a history is made with. */
export interface ChaosOptions {
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  /** Probability, per step, that somebody stands for election: leaders that hardly get anything done. */
  readonly campaignChance: number;
  /** Nodes 1 to this number vote from the start. */
  readonly voters: number;
  /** Further nodes that membership changes may bring in. */
  readonly spares: number;
}

const ELECTION_TICKS = 10;
const MESSAGE_BYTES_MAX = 120;
const INFLIGHT_MESSAGES_MAX = 4;
const APPLYING_BYTES_MAX = 200;
const START_INDEX = 3;
/**
 * Nodes up to this one are never removed or demoted. One alone would not do: when the group shrinks to a
 * voter that does not know it yet, that voter needs the votes of those that are out, and they may refuse
 * them for good because of uncommitted entries that the last leader left them. Changes take effect when
 * they are applied, not when they are appended, so this is in the nature of the protocol.
 */
const STABLE_ID_MAX = 2n;
/** State after everything up to `index`. */
interface State {
  readonly index: number;
  readonly term: number;
  readonly hash: number;
  readonly confState: ConfState;
}

/**
 * Storage whose snapshot is the state as it is now. An older one may lack the very node that it is for,
 * when that joined later and the log before is compacted.
 */
class LiveStorage extends MemoryStorage {
  state: State;

  constructor(state: State) {
    super();
    this.state = state;
  }

  override snapshot(): Snapshot {
    return snapshotOf(this.state);
  }

  /** The snapshot that a crash leaves. */
  durable(): State {
    const snapshot = super.snapshot();
    assert(!(snapshot instanceof Error), "memory has always a snapshot");
    return stateOf(snapshot);
  }
}

interface Member {
  readonly id: NodeId;
  readonly storage: LiveStorage;
  raft: RawNode;
  /** Work that storage has not finished; a crash loses it. */
  appendWork: Message[];
  applyWork: Message[];
  /** Answers of storage that the node has not taken yet. */
  answers: Message[];
  readNumber: number;
  /** Highest index committed anywhere when the read with that number was asked for. */
  readonly reads: Map<number, number>;
}

export class ChaosGroup {
  readonly #prng: Prng;
  readonly #options: ChaosOptions;
  readonly #members: Member[] = [];
  #network: Message[] = [];
  /** Nodes that cannot talk to those outside of the set. */
  #island = new Set<NodeId>();
  readonly #leaders = new Map<number, NodeId>();
  /** Hash of the state after each index, as the first node that got there found it. */
  readonly #history = new Map<number, number>();
  #committedMax = START_INDEX;
  #proposals = 0;

  constructor(prng: Prng, options: ChaosOptions) {
    this.#prng = prng;
    this.#options = options;
    const { metadata } = emptySnapshot();
    const voters = Array.from({ length: options.voters }, (_, i) => BigInt(i + 1));
    const confState = { ...metadata.confState, voters };
    this.#history.set(START_INDEX, 0);
    for (let i = 1; i <= options.voters + options.spares; i++) {
      const state =
        i <= options.voters
          ? { index: START_INDEX, term: 1, hash: 0, confState }
          : { index: 0, term: 0, hash: 0, confState: metadata.confState };
      const storage = new LiveStorage(state);
      storage.applySnapshot(snapshotOf(state));
      this.#members.push(this.#start(BigInt(i), storage));
    }
  }

  /** Numbers of what happened, to see that something did. */
  get summary(): { readonly terms: number; readonly applied: number; readonly members: number } {
    const config = this.#members[0].raft.status().config;
    return {
      terms: this.#leaders.size,
      applied: this.#history.size,
      members: jointVoters(config).size,
    };
  }

  #start(id: NodeId, storage: LiveStorage): Member {
    return {
      id,
      storage,
      raft: this.#boot(id, storage),
      appendWork: [],
      applyWork: [],
      answers: [],
      readNumber: 0,
      reads: new Map(),
    };
  }

  #boot(id: NodeId, storage: LiveStorage): RawNode {
    return new RawNode({
      id,
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: 1,
      storage,
      random: this.#prng,
      log: QUIET_LOG,
      applied: storage.state.index,
      messageBytesMax: MESSAGE_BYTES_MAX,
      inflightMessagesMax: INFLIGHT_MESSAGES_MAX,
      applyingBytesMax: APPLYING_BYTES_MAX,
      preVote: this.#options.preVote,
      checkQuorum: this.#options.checkQuorum,
    });
  }

  /** One thing happens. */
  step(): void {
    const member = this.#prng.pick(this.#members);
    if (this.#prng.chance(this.#options.campaignChance)) member.raft.campaign();
    const dice = this.#prng.below(1000);
    if (dice < 150) member.raft.tick();
    else if (dice < 350) this.#handleReady(member);
    else if (dice < 450) this.#finishAppend(member);
    else if (dice < 520) this.#finishApply(member);
    else if (dice < 600) this.#takeAnswer(member);
    else if (dice < 880) this.#deliverAny();
    else if (dice < 900) this.#dropAny();
    else if (dice < 910) this.#duplicateAny();
    else if (dice < 950) this.#propose(member);
    else if (dice < 970) this.#read(member);
    else this.#disturb(member, dice - 970);
    this.#checkLeader(member);
  }

  #disturb(member: Member, dice: number): void {
    if (dice < 8) this.#changeMembers(member);
    else if (dice < 13) this.#compact(member);
    else if (dice < 17) this.#restart(member);
    else if (dice < 20) this.#split();
    else if (dice < 23) member.raft.transferLeader(this.#prng.pick(this.#members).id);
    else if (dice < 25) member.raft.reportUnreachable(this.#prng.pick(this.#members).id);
    else if (dice < 27) member.raft.forgetLeader();
  }

  #checkLeader(member: Member): void {
    const { term, role, commit } = member.raft.basicStatus();
    this.#committedMax = Math.max(this.#committedMax, commit);
    if (role !== "leader") return;
    const known = this.#leaders.get(term) ?? member.id;
    assert(known === member.id, () => `two leaders in term ${term}: ${known} and ${member.id}`);
    this.#leaders.set(term, member.id);
  }

  #handleReady(member: Member): void {
    if (!member.raft.hasReady()) return;
    const { messages, readStates } = member.raft.ready();
    for (const { index, context } of readStates) {
      const asked = member.reads.get(context[0] + context[1] * 256);
      assert(asked !== undefined, "a read was answered that was not asked for");
      assert(index >= asked, () => `read index ${index} is below ${asked}, committed before it`);
    }
    for (const message of messages) {
      if (!isLocalTarget(message.to)) this.#network.push(message);
      else if (message.to === LOCAL_APPEND_TARGET) member.appendWork.push(message);
      else member.applyWork.push(message);
    }
  }

  /** The oldest write becomes durable. */
  #finishAppend(member: Member): void {
    const message = member.appendWork.shift();
    if (message === undefined) return;
    const { term, vote, commit, snapshot, entries } = message;
    const hardState = { term, vote: vote ?? 0n, commit };
    if (!isEmptyHardState(hardState)) member.storage.setHardState(hardState);
    if (snapshot !== undefined) {
      const error = member.storage.applySnapshot(snapshot);
      assert(error === undefined, "a snapshot was to be stored that is not new");
      member.storage.state = stateOf(snapshot);
      this.#checkState(member.storage.state);
    }
    member.storage.append(entries);
    this.#answer(member, message);
  }

  #finishApply(member: Member): void {
    const message = member.applyWork.shift();
    if (message === undefined) return;
    for (const entry of message.entries) {
      // A snapshot may have overtaken entries that were handed out before it.
      if (entry.index > member.storage.state.index) this.#apply(member, entry);
    }
    this.#answer(member, message);
  }

  #apply(member: Member, entry: Entry): void {
    const { storage } = member;
    const { index, hash } = storage.state;
    assert(entry.index === index + 1, () => `entry ${entry.index} applied after ${index}`);
    let { confState } = storage.state;
    if (isConfChangeEntry(entry)) {
      confState = member.raft.applyConfChange(confChangeOfEntry(entry));
    }
    const { term } = entry;
    storage.state = { index: entry.index, term, hash: hashEntry(hash, entry), confState };
    this.#checkState(storage.state);
  }

  #checkState({ index, hash }: State): void {
    const known = this.#history.get(index) ?? hash;
    assert(known === hash, () => `states differ after entry ${index}`);
    this.#history.set(index, hash);
  }

  #answer(member: Member, message: Message): void {
    for (const response of message.responses) {
      if (response.to === member.id) member.answers.push(response);
      else this.#network.push(response);
    }
  }

  #takeAnswer(member: Member): void {
    const answer = member.answers.shift();
    if (answer !== undefined) member.raft.step(answer);
  }

  #deliverAny(): void {
    const message = this.#takeFromNetwork();
    if (message === undefined) return;
    const to = this.#member(message.to);
    const lost = this.#island.has(message.from) !== this.#island.has(message.to);
    if (!lost) to.raft.step(decodeMessage(encodeMessage(message)));
    this.#reportSnapshot(message, !lost);
    this.#checkLeader(to);
  }

  #dropAny(): void {
    const message = this.#takeFromNetwork();
    if (message !== undefined) this.#reportSnapshot(message, false);
  }

  /** The transport tells what became of snapshots. */
  #reportSnapshot(message: Message, delivered: boolean): void {
    if (message.type !== MessageType.MsgSnap) return;
    this.#member(message.from).raft.reportSnapshot(message.to, delivered);
  }

  #duplicateAny(): void {
    if (this.#network.length === 0) return;
    const message = this.#prng.pick(this.#network);
    this.#network.push(decodeMessage(encodeMessage(message)));
  }

  /** Any message: the network keeps no order. */
  #takeFromNetwork(): Message | undefined {
    if (this.#network.length === 0) return undefined;
    const [message] = this.#network.splice(this.#prng.below(this.#network.length), 1);
    return message;
  }

  #member(id: NodeId): Member {
    return this.#members[Number(id) - 1];
  }

  #propose(member: Member): void {
    const count = this.#prng.between(1, 4);
    const payloads = Array.from({ length: count }, () => hashBytes(this.#proposals++));
    member.raft.propose(payloads);
  }

  #read(member: Member): void {
    member.readNumber++;
    member.reads.set(member.readNumber, this.#committedMax);
    member.raft.readIndex(Uint8Array.of(member.readNumber % 256, member.readNumber >> 8));
  }

  #changeMembers(member: Member): void {
    const count = this.#prng.between(0, 3);
    const changes = Array.from({ length: count }, () => this.#anyChange());
    const transition = this.#prng.pick([
      ConfChangeTransition.ConfChangeTransitionAuto,
      ConfChangeTransition.ConfChangeTransitionJointImplicit,
      ConfChangeTransition.ConfChangeTransitionJointExplicit,
    ]);
    member.raft.proposeConfChange({
      transition: count === 0 ? ConfChangeTransition.ConfChangeTransitionAuto : transition,
      changes,
      context: undefined,
    });
  }

  #anyChange(): { type: ConfChangeType; nodeId: NodeId } {
    const nodeId = this.#prng.pick(this.#members).id;
    if (nodeId <= STABLE_ID_MAX) return { type: ConfChangeType.ConfChangeAddNode, nodeId };
    const type = this.#prng.pick([
      ConfChangeType.ConfChangeAddNode,
      ConfChangeType.ConfChangeAddNode,
      ConfChangeType.ConfChangeAddLearnerNode,
      ConfChangeType.ConfChangeRemoveNode,
    ]);
    return { type, nodeId };
  }

  #compact(member: Member): void {
    const { index, hash, confState } = member.storage.state;
    // A snapshot must not survive a crash that the knowledge of its being committed does not.
    const { commit } = member.storage.initialState().hardState;
    if (index === 0 || index > commit) return;
    member.storage.createSnapshot(index, confState, hashBytes(hash));
    const first = member.storage.firstIndex();
    // Nothing that the node does not know to be applied may go.
    const { applied } = member.raft.basicStatus();
    const last = Math.min(index, applied);
    if (last >= first) member.storage.compact(this.#prng.between(first, last));
  }

  /** A crash: what was not durable is gone, and the state machine starts from the last snapshot. */
  #restart(member: Member): void {
    member.storage.state = member.storage.durable();
    member.appendWork = [];
    member.applyWork = [];
    member.answers = [];
    member.raft = this.#boot(member.id, member.storage);
  }

  #split(): void {
    this.#island = new Set();
    if (this.#prng.chance(0.5)) return;
    for (const { id } of this.#members) if (this.#prng.chance(0.4)) this.#island.add(id);
  }

  /**
   * Everything works from now on. Returns the rounds of ticks after which all members of the group had
   * applied the same new entry; throws when that takes more than `roundsMax`.
   */
  heal(roundsMax: number): number {
    this.#island = new Set();
    const target = this.#committedMax + 1;
    for (let round = 0; round < roundsMax; round++) {
      for (const member of this.#members) member.raft.tick();
      this.#settle();
      if (this.#isHealthy(target)) return round;
      for (const member of this.#members) {
        if (member.raft.basicStatus().role === "leader") this.#propose(member);
      }
      this.#settle();
    }
    const states = this.#members.map((member) => member.storage.state.index);
    throw new Error(`the group did not recover: applied ${states.join(" ")}, wanted ${target}`);
  }

  #isHealthy(target: number): boolean {
    // A leader that was removed may go on in its old term: the newest one counts.
    const leaders = this.#members
      .filter(({ raft }) => raft.basicStatus().role === "leader")
      .sort((a, b) => b.raft.basicStatus().term - a.raft.basicStatus().term);
    const leader = leaders.at(0);
    if (leader === undefined || leader.storage.state.index < target) return false;
    const { progress } = leader.raft.status();
    return [...progress.keys()].every((id) => this.#member(id).storage.state.index >= target);
  }

  #settle(): void {
    let busy = true;
    while (busy) {
      busy = this.#network.length > 0;
      while (this.#network.length > 0) this.#deliverAny();
      for (const member of this.#members) {
        busy ||= member.raft.hasReady();
        this.#handleReady(member);
        while (member.appendWork.length > 0) this.#finishAppend(member);
        while (member.applyWork.length > 0) this.#finishApply(member);
        while (member.answers.length > 0) this.#takeAnswer(member);
        this.#checkLeader(member);
      }
    }
  }
}

function snapshotOf({ index, term, hash, confState }: State): Snapshot {
  return { data: hashBytes(hash), metadata: { confState, index, term } };
}

function stateOf({ data, metadata }: Snapshot): State {
  return { ...metadata, hash: hashOfBytes(data) };
}

function hashEntry(previous: number, entry: Entry): number {
  let hash = mix(mix(previous, entry.index), entry.term);
  for (const byte of entry.data ?? []) hash = mix(hash, byte);
  return hash;
}

function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193) >>> 0;
}

function hashBytes(hash: number): Uint8Array {
  return Uint8Array.of(hash >>> 24, hash >>> 16, hash >>> 8, hash);
}

function hashOfBytes(bytes: Uint8Array | undefined): number {
  if (bytes === undefined) return 0;
  return ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]) >>> 0;
}
