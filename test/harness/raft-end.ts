/**
 * A member that is nothing but a Raft node and its end of the network: it votes, leads, follows and keeps the
 * log in memory, and never looks into the entries.
 */
import { systemClock } from "../../src/platform/clock.ts";
import { confChangeOfEntry, isConfChangeEntry } from "../../src/raft/confchange/conf-change.ts";
import { MemoryStorage } from "../../src/raft/memory-storage.ts";
import { isLocalTarget, LOCAL_APPEND_TARGET } from "../../src/raft/node-id.ts";
import { RawNode } from "../../src/raft/raw-node.ts";
import { isEmptyHardState } from "../../src/raft/snapshot.ts";
import { MessageType } from "../../src/wire/gen/raft.ts";
import type { Entry, Message } from "../../src/wire/gen/raft.ts";
import type { PeerEnd } from "./peer-world.ts";
import { QUIET_LOG } from "./quiet-log.ts";

const TICK_MS = 100;
const ELECTION_TICKS = 10;

export class RaftEnd {
  readonly node: RawNode;
  readonly end: PeerEnd;
  readonly storage: MemoryStorage;
  /** Entries that were committed. */
  readonly applied: Entry[] = [];
  /** Called for a MsgSnap that Raft wants sent. */
  onSnapshotWanted: (message: Message) => void = () => {};
  readonly #ticking: NodeJS.Timeout;
  /** While false it never stands for election. */
  campaigns: boolean;

  /** `storage`: what the member holds at its start. */
  constructor(end: PeerEnd, campaigns: boolean, storage: MemoryStorage = new MemoryStorage()) {
    this.end = end;
    this.campaigns = campaigns;
    this.storage = storage;
    this.node = new RawNode({
      id: end.self.id,
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: 1,
      storage,
      random: { below: (bound) => Math.floor(Math.random() * bound), fill: () => {} },
      log: QUIET_LOG,
      messageBytesMax: 512 * 1024,
      inflightMessagesMax: 512,
      preVote: true,
      checkQuorum: true,
    });
    end.onMessage = (message) => {
      this.node.step(message);
      systemClock.defer(() => this.#run());
    };
    end.onSnapshot = end.onMessage;
    end.onUnreachable = (id) => this.node.reportUnreachable(id);
    end.onSnapshotSent = (id, delivered) => this.node.reportSnapshot(id, delivered);
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
  }

  get isLeader(): boolean {
    return this.node.basicStatus().role === "leader";
  }

  /** As a leader, or through one. */
  propose(payload: Uint8Array): void {
    this.node.propose([payload]);
    this.#run();
  }

  stop(): void {
    clearInterval(this.#ticking);
    this.end.stop();
  }

  #tick(): void {
    // Without a leader, time would make it stand for election.
    if (this.campaigns || this.node.basicStatus().lead !== 0n) this.node.tick();
    this.#run();
  }

  #run(): void {
    const outgoing: Message[] = [];
    while (this.node.hasReady()) {
      for (const message of this.node.ready().messages) this.#handle(message, outgoing);
    }
    this.end.transport.send(outgoing);
  }

  #handle(message: Message, outgoing: Message[]): void {
    if (!isLocalTarget(message.to)) {
      if (message.type === MessageType.MsgSnap) this.onSnapshotWanted(message);
      else if (message.to === this.end.self.id) this.node.step(message);
      else outgoing.push(message);
      return;
    }
    if (message.to === LOCAL_APPEND_TARGET) this.#store(message);
    else for (const entry of message.entries) this.#apply(entry);
    for (const response of message.responses) this.#handle(response, outgoing);
  }

  #store({ term, vote, commit, snapshot, entries }: Message): void {
    const hardState = { term, vote: vote ?? 0n, commit };
    if (!isEmptyHardState(hardState)) this.storage.setHardState(hardState);
    if (snapshot !== undefined) this.storage.applySnapshot(snapshot);
    this.storage.append(entries);
  }

  #apply(entry: Entry): void {
    if (isConfChangeEntry(entry)) this.node.applyConfChange(confChangeOfEntry(entry));
    this.applied.push(entry);
  }
}
