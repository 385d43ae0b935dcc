/**
 * Saves a snapshot of the log: first the backend commits everything up to its index, then the .snap file
 * and its record in the WAL become durable, then what is no longer needed is let go. One at a time; a
 * snapshot that comes meanwhile is passed over, the next one covers it.
 *
 * Source: etcd server/etcdserver/server.go (snapshot, purgeFile).
 */
import type { Member } from "../../member/member.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import {
  purgeSnapshots,
  releaseSnapshotDatabases,
  saveSnapshotFile,
} from "../../wal/snapshot-files.ts";
import type { SnapshotFileMetrics } from "../../wal/metrics.ts";
import type { WalFailure } from "../../wal/types.ts";
import type { Wal } from "../../wal/wal.ts";
import type { Snapshot } from "../../wire/gen/raft.ts";
import type { CommitSchedule } from "./commit-schedule.ts";

export interface SnapshotSaverParts {
  readonly member: Member;
  readonly wal: Wal;
  readonly commits: CommitSchedule;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly fileMetrics: SnapshotFileMetrics;
  /** Directory of the .snap files. */
  readonly directory: string;
  /** Files to keep; 0 keeps all. */
  readonly snapshotsMax: number;
  readonly walsMax: number;
  /** Whether followers need the log as it is. */
  readonly holdsLog: () => boolean;
  readonly onFailure: (failure: WalFailure) => void;
}

export class SnapshotSaver {
  readonly #parts: SnapshotSaverParts;
  #saving = false;
  #stopped = false;

  constructor(parts: SnapshotSaverParts) {
    this.#parts = parts;
  }

  save(snapshot: Snapshot): void {
    if (this.#saving) return;
    this.#saving = true;
    this.#parts.commits.force(() => this.#saveFile(snapshot));
  }

  /** No further step of a snapshot that is being saved: a file without its record counts for nothing. */
  stop(): void {
    this.#stopped = true;
  }

  #saveFile(snapshot: Snapshot): void {
    if (this.#stopped) return;
    const { disk, clock, log, directory, fileMetrics } = this.#parts;
    saveSnapshotFile({ disk, clock, log, directory, fileMetrics }, snapshot, (failure) => {
      if (this.#stopped) return;
      if (failure === undefined) this.#saveRecord(snapshot);
      else this.#parts.onFailure(failure);
    });
  }

  #saveRecord(snapshot: Snapshot): void {
    const { index, term, confState } = snapshot.metadata;
    const record = { snapshot: { index, term, confState }, entries: [] };
    this.#parts.wal.append(record, (failure) => {
      if (this.#stopped) return;
      if (failure === undefined) this.#finish(snapshot);
      else this.#parts.onFailure(failure);
    });
  }

  #finish(snapshot: Snapshot): void {
    const { member, wal, disk, log, directory, snapshotsMax, walsMax } = this.#parts;
    const { index } = snapshot.metadata;
    log.info("saved snapshot", { "snapshot-index": index });
    wal.releaseTo(index);
    releaseSnapshotDatabases({ disk, log, directory }, index);
    member.snapshotSaved(snapshot, this.#parts.holdsLog());
    for (const path of [
      ...wal.purge(walsMax),
      ...purgeSnapshots({ disk, log, directory }, snapshotsMax),
    ]) {
      log.info("purged", { path });
    }
    this.#saving = false;
  }
}
