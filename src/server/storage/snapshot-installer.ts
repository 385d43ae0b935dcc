/**
 * Takes over the state of a snapshot that a leader has sent, while the member runs:
 *
 * ```
 *   .snap file ──> record in the log ──> the database that came with it gets its name ──> its keys are read,
 *   (append is durable: Raft is told)                                                     in slices
 *                                                            ──> all that hangs on the database is replaced
 * ```
 *
 * What Raft has committed since is held back meanwhile; the log goes on, heartbeats are answered, and reads of
 * local state see the old one. After a crash in between, the next start does the rest (recover-database.ts).
 *
 * Source: etcd server/etcdserver/server.go (applySnapshot), raft.go (start), storage.go (SaveSnap) (3.5).
 */
import type { Backend } from "../../backend/backend.ts";
import { BoltError, CorruptionError } from "../../bolt/errors.ts";
import { MemberFormatError } from "../../membership/member-info.ts";
import { decodeV2Store, V2ContentError } from "../../membership/v2-store.ts";
import { DiskError } from "../../ports/disk.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import { utf8FromBytes } from "../../stdx/bytes.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { JsonError } from "../../stdx/json.ts";
import {
  purgeSnapshots,
  releaseSnapshotDatabases,
  saveSnapshotFile,
} from "../../wal/snapshot-files.ts";
import { EMPTY_BYTES } from "../../stdx/bytes.ts";
import type { Snapshot } from "../../wire/gen/raft.ts";
import { AppliedState, type AppliedStateParts, type CurrentState } from "./applied-state.ts";
import type { OpenedMember } from "../start/bootstrap.ts";
import { INSTALL_SLICE_PAGES, INSTALL_SLICE_REVISIONS } from "../limits.ts";
import { openBackend } from "../start/open-backend.ts";
import type { PeerLink } from "../cluster/peer-link.ts";
import { adoptSnapshotDatabase } from "../start/recover-database.ts";
import { RestoredState } from "../start/restored-state.ts";
import type { SnapshotSender } from "./snapshot-sender.ts";
import { StartError } from "../start/start-error.ts";

export interface SnapshotInstallerParts {
  readonly opened: Pick<
    OpenedMember,
    "member" | "wal" | "watches" | "tokens" | "directory" | "slowRequests" | "clusterId"
  >;
  /** What an applied state is made with. */
  readonly state: AppliedStateParts;
  readonly current: CurrentState;
  readonly sender: SnapshotSender;
  readonly peers: () => PeerLink;
  /** What was held back can be applied. */
  readonly onInstalled: () => void;
}

/** A state in the making. */
interface Installing {
  readonly snapshot: Snapshot;
  readonly startedMs: number;
  readonly fields: LogFields;
  readonly backend: Backend;
  readonly restored: RestoredState;
  isScanned: boolean;
}

export class SnapshotInstaller {
  readonly #parts: SnapshotInstallerParts;
  readonly #log: Log;
  #installing: Installing | undefined;
  /** The newest snapshot that is part of the log, while an older one is taken over. */
  #next: Snapshot | undefined;
  #snapshotIndex: number;
  #stopped = false;

  constructor(parts: SnapshotInstallerParts, snapshotIndex: number) {
    this.#parts = parts;
    this.#snapshotIndex = snapshotIndex;
    this.#log = parts.state.environment.log.named("server/storage/snapshot-installer.ts");
  }

  /** Whether the applied state is behind the start of the log: nothing can be applied. */
  get isBusy(): boolean {
    return this.#installing !== undefined;
  }

  /** Makes the snapshot durable as a file, before the log gets its record. */
  saveFile(snapshot: Snapshot, done: () => void): void {
    const { environment, directory, onFailure } = this.#parts.state;
    const { disk, clock } = environment;
    const fileMetrics = environment.metrics.snapshotFiles;
    const location = { disk, clock, log: this.#log, directory: directory.snap, fileMetrics };
    saveSnapshotFile(location, snapshot, (failure) => {
      if (this.#stopped) return;
      if (failure === undefined) done();
      else onFailure(failure);
    });
  }

  /** Takes over the state of a snapshot from which the log starts now, durably. */
  install(snapshot: Snapshot): void {
    if (this.#installing !== undefined) this.#next = snapshot;
    else this.#attempt(() => this.#begin(snapshot));
  }

  /** What is not taken over yet is at the next start. */
  stop(): void {
    this.#stopped = true;
    this.#installing?.backend.retire();
  }

  #begin(snapshot: Snapshot): void {
    const { opened, state, current, sender } = this.#parts;
    const { directory, member, clusterId } = opened;
    const { config, environment } = state;
    const { index, term } = snapshot.metadata;
    const fields = {
      "current-snapshot-index": this.#snapshotIndex,
      "current-applied-index": member.status().appliedIndex,
      "incoming-leader-snapshot-index": index,
      "incoming-leader-snapshot-term": term,
    };
    this.#log.info("applying snapshot", fields);
    current.state.freeze();
    sender.databaseReplaced();
    if (!adoptSnapshotDatabase(environment.disk, directory, index)) {
      throw new StartError(`failed to find database snapshot file for index ${index}`);
    }
    const { clock, metrics } = environment;
    metrics.snapshotsApplying.set(1);
    const backend = openBackend(environment, directory.database, { freelistScan: "sliced" });
    const cluster = decodeV2Store(utf8FromBytes(snapshot.data ?? EMPTY_BYTES), clusterId);
    const restored = new RestoredState(config, environment, backend, cluster, opened.tokens.table);
    const startedMs = clock.nowMs();
    this.#installing = { snapshot, startedMs, fields, backend, restored, isScanned: false };
    this.#scheduleSlice();
  }

  #scheduleSlice(): void {
    this.#parts.state.environment.clock.defer(() => {
      if (!this.#stopped) this.#attempt(() => this.#slice());
    });
  }

  #slice(): void {
    const installing = this.#installing;
    if (installing === undefined) return;
    if (this.#next !== undefined) {
      // Taken over on top of what is half done.
      const next = this.#next;
      this.#next = undefined;
      this.#installing = undefined;
      installing.backend.retire();
      this.#begin(next);
      return;
    }
    const { backend, restored } = installing;
    if (!installing.isScanned) installing.isScanned = backend.scanFreePages(INSTALL_SLICE_PAGES);
    else if (restored.step(INSTALL_SLICE_REVISIONS)) {
      this.#finish(installing);
      return;
    }
    this.#scheduleSlice();
  }

  #finish({ snapshot, startedMs, fields, restored }: Installing): void {
    const { opened, state, current, peers, onInstalled } = this.#parts;
    const { member, watches, slowRequests } = opened;
    const { index } = snapshot.metadata;
    this.#installing = undefined;
    state.environment.metrics.snapshotsApplying.set(0);
    this.#snapshotIndex = index;
    const { applier, changes } = restored.finish(member.id, index, slowRequests);
    this.#log.info("restored mvcc store", { "consistent-index": applier.position().index });
    const { cluster: previous, auth: previousAuth } = member.applier;
    member.install(snapshot, applier);
    applier.auth.replace(previousAuth);
    watches.replaceStore(applier.store, changes);
    current.replace(new AppliedState(state, applier));
    peers().replaceMembers(previous, applier.cluster);
    const took = goDurationOfMs(state.environment.clock.nowMs() - startedMs);
    this.#log.info("applied snapshot", { ...fields, took });
    this.#purge(index);
    onInstalled();
  }

  /** Lets go of what a start from this snapshot does not need. */
  #purge(index: number): void {
    const { config, environment, directory, wal } = this.#parts.state;
    const location = { disk: environment.disk, log: this.#log, directory: directory.snap };
    wal.releaseTo(index);
    releaseSnapshotDatabases(location, index);
    for (const path of [
      ...wal.purge(config.walFilesMax),
      ...purgeSnapshots(location, config.snapshotFilesMax),
    ]) {
      this.#log.info("purged", { path });
    }
  }

  /** The log starts at a state that cannot be taken over: the member has to end. */
  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#stopped = true;
      this.#log.error("failed to open snapshot backend", { error: error.message });
      this.#parts.state.onFailure(error);
    }
  }
}

function isExpected(error: unknown): error is Error {
  return [
    DiskError,
    BoltError,
    CorruptionError,
    StartError,
    V2ContentError,
    MemberFormatError,
    JsonError,
  ].some((type) => error instanceof type);
}
