/**
 * One node of a scripted raft group: the node itself, its storage, and the work its storage has not done
 * yet. The state machine appends the data of every entry to a text; its history, one snapshot per applied
 * entry, is what followers are sent.
 */
import type { Log } from "../../src/ports/log.ts";
import { confChangeOfEntry, isConfChangeEntry } from "../../src/raft/confchange/conf-change.ts";
import type { RaftConfig } from "../../src/raft/config.ts";
import type { RaftError } from "../../src/raft/errors.ts";
import { MemoryStorage } from "../../src/raft/memory-storage.ts";
import type { NodeId } from "../../src/raft/node-id.ts";
import { RawNode } from "../../src/raft/raw-node.ts";
import type { Ready } from "../../src/raft/ready.ts";
import { isEmptyHardState, isEmptySnapshot } from "../../src/raft/snapshot.ts";
import { concatBytes, EMPTY_BYTES } from "../../src/stdx/bytes.ts";
import type { Entry, HardState, Message, Snapshot } from "../../src/wire/gen/raft.ts";
import { ReadyAdvance } from "./raft-ready-advance.ts";

/** What `add-nodes` can set. */
export type NodeOptions = Omit<RaftConfig, "id" | "storage" | "random" | "log"> & {
  readonly asyncStorageWrites: boolean;
};

/** A storage that hands out the newest snapshot of the state machine. */
class HistoryStorage extends MemoryStorage {
  readonly history: Snapshot[];

  constructor(history: Snapshot[]) {
    super();
    this.history = history;
  }

  override snapshot(): Snapshot {
    return this.history[this.history.length - 1];
  }
}

export class ScriptNode {
  readonly id: NodeId;
  readonly options: NodeOptions;
  readonly storage: HistoryStorage;
  readonly raft: RawNode;
  /** `MsgStorageAppend` not processed yet. */
  readonly appendWork: Message[] = [];
  /** `MsgStorageApply` not processed yet. */
  readonly applyWork: Message[] = [];
  readonly #sync: ReadyAdvance;

  /** A node that starts from `snapshot`, or from nothing when that is empty. */
  constructor(id: NodeId, options: NodeOptions, snapshot: Snapshot, log: Log) {
    this.id = id;
    this.options = options;
    this.storage = new HistoryStorage([snapshot]);
    if (!isEmptySnapshot(snapshot)) this.storage.applySnapshot(snapshot);
    const { asyncStorageWrites, ...config } = options;
    this.raft = new RawNode({
      ...config,
      id,
      storage: this.storage,
      log,
      random: { below: () => 0, fill: (into) => into.fill(0) },
      applyUnstableEntries: !asyncStorageWrites,
      logRepeatedStorageAnswers: true,
    });
    this.#sync = new ReadyAdvance(this.raft);
  }

  takeReady(): Ready {
    return this.options.asyncStorageWrites ? this.raft.ready() : this.#sync.ready();
  }

  /** Reports that the last `Ready` was dealt with, where the node waits for that. */
  advance(): void {
    if (!this.options.asyncStorageWrites) this.#sync.advance();
  }

  /** Stores what a `Ready` or a storage message carries. */
  store(
    hardState: HardState | undefined,
    entries: readonly Entry[],
    snapshot: Snapshot | undefined,
  ): RaftError | undefined {
    if (hardState !== undefined && !isEmptyHardState(hardState)) {
      this.storage.setHardState(hardState);
    }
    if (snapshot !== undefined && !isEmptySnapshot(snapshot)) {
      if (entries.length > 0) throw new Error("Cannot store a snapshot and entries at once");
      return this.storage.applySnapshot(snapshot);
    }
    this.storage.append(entries);
    return undefined;
  }

  /** Applies entries to the state machine. */
  apply(entries: readonly Entry[]): void {
    for (const entry of entries) this.#applyOne(entry);
  }

  #applyOne(entry: Entry): void {
    const last = this.storage.snapshot();
    let update = entry.data;
    let { confState } = last.metadata;
    if (isConfChangeEntry(entry)) {
      const change = confChangeOfEntry(entry);
      update = change.context;
      confState = this.raft.applyConfChange(change);
    }
    this.storage.history.push({
      data: concatBytes([last.data ?? EMPTY_BYTES, update ?? EMPTY_BYTES]),
      metadata: { confState, index: entry.index, term: entry.term },
    });
  }
}
