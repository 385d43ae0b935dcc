/**
 * How much of the log a member keeps in memory: when the next snapshot is due, and which entries behind a
 * snapshot stay for slow followers. Both are bounded by a number of entries, as in etcd, and by bytes.
 *
 * Differs from etcd: it counts entries only, and so may hold 100,000 large ones.
 */
import type { MemoryStorage } from "../raft/memory-storage.ts";
import { assert } from "../stdx/assert.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import type { Log } from "../ports/log.ts";
import type { Entry, Snapshot } from "../wire/gen/raft.ts";
import { ENTRY_OVERHEAD_BYTES, LOG_BYTES_MAX, SNAPSHOT_CATCH_UP_BYTES } from "./limits.ts";

export class LogRetention {
  readonly #entriesMax: number;
  #snapshotIndex: number;
  #bytes = 0;

  /** `entriesMax` is the flag --snapshot-count; there is a snapshot at `snapshotIndex`, 0 for none. */
  constructor(entriesMax: number, snapshotIndex: number) {
    this.#entriesMax = entriesMax;
    this.#snapshotIndex = snapshotIndex;
  }

  /** An entry was applied. */
  applied(entry: Entry): void {
    this.#bytes += bytesOf(entry);
  }

  /** Whether the state at `appliedIndex` should be made a snapshot. */
  isSnapshotDue(appliedIndex: number): boolean {
    return appliedIndex - this.#snapshotIndex > this.#entriesMax || this.#bytes > LOG_BYTES_MAX;
  }

  /** Says in the log that a snapshot at `index` is due. */
  announce(index: number, log: Log, memberId: bigint): void {
    log.info("triggering snapshot", {
      "local-member-id": memberId.toString(16),
      "local-member-applied-index": index,
      "local-member-snapshot-index": this.#snapshotIndex,
      "local-member-snapshot-count": this.#entriesMax,
    });
  }

  /** A snapshot at `index`, the last entry applied, is being saved. */
  snapshotMade(index: number): void {
    this.#snapshotIndex = index;
    this.#bytes = 0;
  }
}

/**
 * The last entry that may go once a snapshot at `snapshotIndex` is saved; at most that one. `keptMax` entries
 * behind the snapshot stay, unless they are large.
 */
export function compactIndexBehind(
  storage: MemoryStorage,
  snapshotIndex: number,
  keptMax: number,
): number {
  const oldest = Math.max(1, snapshotIndex - keptMax, storage.firstIndex() - 1);
  if (oldest >= snapshotIndex) return oldest;
  const entries = storage.entries(oldest + 1, snapshotIndex + 1, Number.POSITIVE_INFINITY);
  assert(Array.isArray(entries), "Entries up to a snapshot must be in the log");
  let bytes = 0;
  let at = entries.length;
  while (at > 0 && bytes + bytesOf(entries[at - 1]) <= SNAPSHOT_CATCH_UP_BYTES) {
    at--;
    bytes += bytesOf(entries[at]);
  }
  return oldest + at;
}

/**
 * Puts a snapshot, of the last entry that is applied, in the place of the entries up to `index`: members that
 * lack one of them are sent the state instead.
 */
export function replaceEntries(storage: MemoryStorage, index: number, snapshot: Snapshot): void {
  if (index < storage.firstIndex()) return;
  const { data, metadata } = snapshot;
  storage.createSnapshot(metadata.index, metadata.confState, data ?? EMPTY_BYTES);
  storage.compact(index);
}

function bytesOf({ data }: Entry): number {
  return ENTRY_OVERHEAD_BYTES + (data?.length ?? 0);
}
