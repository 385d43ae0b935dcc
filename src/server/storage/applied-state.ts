/**
 * Everything of a member that hangs on its database: commits, compactions, snapshots of the log, and work on
 * the whole of it. A snapshot of a leader replaces all of that at once, see `snapshot-installer.ts`; whoever
 * waits for the old one then waits for the new one.
 *
 * What outlives a database holds this through `CurrentState` and never keeps a part of it.
 */
import type { Backups, Compactor, Hashes, StorageFacts } from "../../api/context.ts";
import type { Applier } from "../../apply/applier.ts";
import type { Backend } from "../../backend/backend.ts";
import type { EtcdError } from "../../errors/etcd-error.ts";
import type { Member } from "../../member/member.ts";
import { SEGMENT_BYTES } from "../../wal/limits.ts";
import type { Wal } from "../../wal/wal.ts";
import type { Snapshot } from "../../wire/gen/raft.ts";
import type { BackgroundWork } from "./background-work.ts";
import { BackupSource } from "./backup-source.ts";
import type { Environment } from "../start/bootstrap.ts";
import { CommitSchedule } from "./commit-schedule.ts";
import { CompactionLoop } from "./compaction-loop.ts";
import type { ServerConfig } from "../config/config.ts";
import type { DataDirectory } from "../start/data-dir.ts";
import { DatabaseHashes } from "./database-hashes.ts";
import { Defragmentation } from "./defragmentation.ts";
import { KeyspaceHashes } from "./keyspace-hashes.ts";
import { SnapshotSaver } from "./snapshot-saver.ts";

export interface AppliedStateParts {
  readonly config: ServerConfig;
  readonly environment: Environment;
  readonly directory: DataDirectory;
  readonly member: Member;
  readonly wal: Wal;
  readonly background: BackgroundWork;
  /** Whether followers need the log as it is. */
  readonly holdsLog: () => boolean;
  readonly onFailure: (reason: Error) => void;
}

export class AppliedState {
  readonly backend: Backend;
  readonly commits: CommitSchedule;
  readonly compactions: CompactionLoop;
  readonly keyspaceHashes: KeyspaceHashes;
  readonly databaseHashes: DatabaseHashes;
  readonly backups: BackupSource;
  readonly defragmentation: Defragmentation;
  readonly #snapshots: SnapshotSaver;

  constructor(parts: AppliedStateParts, applier: Applier) {
    const { config, environment, directory, background, onFailure } = parts;
    const { clock, log, metrics } = environment;
    const { backend, store } = applier;
    const commits = new CommitSchedule(
      backend,
      applier,
      clock,
      { intervalMs: config.backendBatchIntervalMs, changesMax: config.backendBatchLimit },
      onFailure,
    );
    this.backend = backend;
    this.commits = commits;
    this.compactions = new CompactionLoop({
      store,
      backend,
      commits,
      clock,
      log: log.named("mvcc/compaction.ts"),
      metrics: metrics.mvcc.compaction,
      sliceRevisionsMax: config.compactionBatchLimit,
      pauseMs: config.compactionSleepIntervalMs,
    });
    this.keyspaceHashes = new KeyspaceHashes(
      store,
      background,
      clock,
      metrics.mvcc.hashRevisionSeconds,
    );
    this.databaseHashes = new DatabaseHashes({
      ...{ backend, store, commits, clock },
      work: background,
      seconds: metrics.mvcc.hashSeconds,
    });
    this.backups = new BackupSource(backend, commits);
    this.defragmentation = new Defragmentation({
      ...environment,
      backend,
      commits,
      work: background,
      log: log.named("server/storage/defragmentation.ts"),
      directory: directory.snap,
      reserveBytes: environment.walSegmentBytes ?? SEGMENT_BYTES,
      metrics: metrics.backend,
    });
    this.#snapshots = new SnapshotSaver({
      ...parts,
      ...environment,
      commits,
      log: log.named("server/storage/snapshot-saver.ts"),
      fileMetrics: metrics.snapshotFiles,
      directory: directory.snap,
      snapshotsMax: config.snapshotFilesMax,
      walsMax: config.walFilesMax,
    });
  }

  /** Looks at what became due in a turn that may have applied something. */
  afterApply(): void {
    this.commits.afterApply();
    this.compactions.afterApply();
  }

  /** Saves a snapshot of the log that `Member.apply` made. */
  save(snapshot: Snapshot): void {
    this.#snapshots.save(snapshot);
  }

  /**
   * Nothing is written to the database any more, and no other file takes its name: another one will. It can
   * still be read; whoever waits goes on waiting.
   */
  freeze(): void {
    this.commits.freeze();
    this.compactions.stop();
    this.#snapshots.stop();
    this.defragmentation.freeze();
  }

  /** Hands everybody who waits over to the state that takes this one's place, and lets the database go. */
  handOver(next: AppliedState): void {
    this.compactions.handOver(next.compactions);
    this.keyspaceHashes.handOver(next.keyspaceHashes);
    this.databaseHashes.handOver(next.databaseHashes);
    this.backups.handOver(next.backups);
    this.defragmentation.handOver(next.defragmentation);
    this.backend.retire();
  }

  /**
   * Answers whoever waits that the server stops, and gives back all states that are held. A switch to a
   * defragmented copy that is on its way ends with the next commit.
   */
  stop(): void {
    this.compactions.stop();
    this.#snapshots.stop();
    this.keyspaceHashes.stop();
    this.databaseHashes.stop();
    this.backups.stop();
    this.defragmentation.stop();
  }

  /** After `stop`: makes everything durable. Resolves as well when that fails, which `onFailure` is told. */
  async commit(): Promise<void> {
    if (!this.commits.isFrozen) await new Promise<void>((resolve) => this.commits.finish(resolve));
  }

  /** After `commit`: closes the database. */
  close(): void {
    if (this.commits.isFrozen) this.backend.retire();
    else this.backend.close();
  }
}

/** The applied state in use, with what services ask of it. */
export class CurrentState implements Compactor, StorageFacts {
  #state: AppliedState;
  readonly hashes: Hashes = {
    ofKeyspace: (revision, done) => this.#state.keyspaceHashes.request(revision, done),
    ofDatabase: (done) => this.#state.databaseHashes.request(done),
  };
  readonly backups: Backups;

  constructor(state: AppliedState, { sha256 }: Environment, background: BackgroundWork) {
    this.#state = state;
    this.backups = {
      open: (done) => this.#state.backups.open(done),
      runInSlices: (task) => background.add(task),
      sha256,
    };
  }

  get state(): AppliedState {
    return this.#state;
  }

  /** `next` takes the place of the state in use. */
  replace(next: AppliedState): void {
    const previous = this.#state;
    this.#state = next;
    previous.handOver(next);
  }

  whenCompacted(done: () => void): void {
    this.#state.compactions.whenCompacted(done);
  }

  /** See `Defragmentation.request`. */
  defragment(done: (failure: EtcdError | undefined) => void): void {
    this.#state.defragmentation.request(done);
  }

  databaseBytes(): number {
    return this.#state.backend.sizes().bytes;
  }

  databaseBytesInUse(): number {
    return this.#state.backend.sizes().bytesInUse;
  }
}
