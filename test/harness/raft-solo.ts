/**
 * One raft node whose storage does everything at once, or only when told. Everybody else is played by the
 * test: it steps messages in and looks at those that come out.
 */
import { confChangeOfEntry, isConfChangeEntry } from "../../src/raft/confchange/conf-change.ts";
import type { RaftConfig } from "../../src/raft/config.ts";
import { MemoryStorage } from "../../src/raft/memory-storage.ts";
import { newMessage } from "../../src/raft/message.ts";
import { LOCAL_APPEND_TARGET, isLocalTarget } from "../../src/raft/node-id.ts";
import type { NodeId } from "../../src/raft/node-id.ts";
import { RawNode } from "../../src/raft/raw-node.ts";
import type { ReadState } from "../../src/raft/read-only.ts";
import { emptySnapshot, isEmptyHardState } from "../../src/raft/snapshot.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import { EntryType } from "../../src/wire/gen/raft.ts";
import type { Entry, Message, MessageType } from "../../src/wire/gen/raft.ts";
import { QUIET_LOG } from "./quiet-log.ts";

/** What a node starts with: terms of its log from index 1 on, its term, and the rest of its config. */
export interface SoloStart {
  readonly voters: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  readonly terms?: readonly number[];
  readonly term?: number;
  readonly commit?: number;
  readonly config?: Partial<RaftConfig>;
}

export const ELECTION_TICKS = 10;

export class Solo {
  readonly node: RawNode;
  readonly storage = new MemoryStorage();
  /** Messages to others that `run` has seen and `take` has not. */
  #sent: Message[] = [];
  /** Storage work that waits, while storage is held. */
  #held: Message[] | undefined;
  readonly readStates: ReadState[] = [];
  /** Entries applied. */
  readonly applied: Entry[] = [];

  /** Node 1. */
  constructor(start: SoloStart) {
    const { metadata } = emptySnapshot();
    const confState = {
      ...metadata.confState,
      voters: [...start.voters],
      learners: [...(start.learners ?? [])],
    };
    this.storage.applySnapshot({ data: undefined, metadata: { ...metadata, confState } });
    this.storage.append((start.terms ?? []).map((term, i) => entryOf(i + 1, term)));
    const commit = start.commit ?? 0;
    this.storage.setHardState({ term: start.term ?? 0, vote: 0n, commit });
    this.node = new RawNode({
      id: 1n,
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: 1,
      storage: this.storage,
      random: { below: () => 0, fill: () => {} },
      log: QUIET_LOG,
      messageBytesMax: Number.POSITIVE_INFINITY,
      inflightMessagesMax: 256,
      ...start.config,
    });
  }

  /** Does all work of storage, or holds it, and returns the messages to others since the last call. */
  take(): Message[] {
    this.run();
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** As `take`, only messages of one type. */
  takeOnly(type: MessageType): Message[] {
    return this.take().filter((message) => message.type === type);
  }

  run(): void {
    while (this.node.hasReady()) {
      const { messages, readStates } = this.node.ready();
      this.readStates.push(...readStates);
      for (const message of messages) {
        if (!isLocalTarget(message.to)) this.#sent.push(message);
        else if (this.#held === undefined) this.#finish(message);
        else this.#held.push(message);
      }
    }
  }

  /** From now on storage work waits. */
  holdStorage(): void {
    this.#held ??= [];
  }

  /** Does the work that waited. */
  releaseStorage(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) this.#finish(message);
  }

  #finish(message: Message): void {
    if (message.to === LOCAL_APPEND_TARGET) this.#store(message);
    else for (const entry of message.entries) this.#apply(entry);
    for (const response of message.responses) {
      if (response.to === this.node.id) this.node.step(response);
      else this.#sent.push(response);
    }
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

  /** Steps a message from another node. */
  receive(type: MessageType, from: NodeId, fields: Partial<Message>): void {
    this.node.step(Object.assign(newMessage(type, this.node.id), { from }, fields));
  }

  /** Proposes texts. */
  propose(...texts: readonly string[]): ReturnType<RawNode["propose"]> {
    return this.node.propose(texts.map((text) => bytesFromUtf8(text)));
  }

  tick(count: number): void {
    for (let i = 0; i < count; i++) this.node.tick();
  }

  /** Terms of the whole log, stored or not. */
  logTerms(): number[] {
    this.run();
    const first = this.storage.firstIndex();
    const end = this.storage.lastIndex() + 1;
    const entries = this.storage.entries(first, end, Number.POSITIVE_INFINITY);
    return Array.isArray(entries) ? entries.map(({ term }) => term) : [];
  }

  /** Data of applied entries as text; entries without data are left out. */
  appliedTexts(): string[] {
    this.run();
    return this.applied.flatMap(({ type, data }) =>
      type === EntryType.EntryNormal && data !== undefined ? [utf8FromBytes(data)] : [],
    );
  }

  get status(): ReturnType<RawNode["basicStatus"]> {
    return this.node.basicStatus();
  }
}

/** An entry without data. */
export function entryOf(index: number, term: number): Entry {
  return { type: EntryType.EntryNormal, term, index, data: undefined };
}
