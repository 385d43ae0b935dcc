/**
 * A member and everything that drives it, without any way for clients to reach it: its log, its database,
 * the run loop and the work beside it. Knows only ports; the simulator runs members with this same code.
 */
import type { Compactor, ReadTimer, StorageFacts } from "../api/context.ts";
import { REQUEST_TIMEOUT_BASE_MS } from "../member/limits.ts";
import type { Member } from "../member/member.ts";
import type { WatchHub } from "../mvcc/watch-hub.ts";
import type { Timer } from "../ports/clock.ts";
import type { Environment, OpenedMember } from "./bootstrap.ts";
import { CommitSchedule } from "./commit-schedule.ts";
import { CompactionLoop } from "./compaction-loop.ts";
import type { ServerConfig } from "./config.ts";
import { LeaderDuties } from "./leader-duties.ts";
import { membershipEndpoints } from "./membership-endpoints.ts";
import { MembershipService } from "./membership-service.ts";
import { MaintenanceWork } from "./maintenance-work.ts";
import { REMOVED_MEMBER_STOP_MS, WATCH_PUMP_BUDGET } from "./limits.ts";
import type { PeerHandler } from "./peer-endpoints.ts";
import { PeerLink } from "./peer-link.ts";
import { publishAttributes, updateClusterVersion } from "./publish.ts";
import { RunLoop } from "./run-loop.ts";
import { SnapshotSaver } from "./snapshot-saver.ts";

export interface HostEvents {
  /** Called at the end of every turn, when all its answers were given. */
  readonly onTurnEnd: () => void;
  /**
   * The process has to end: a write failed, so that nothing more is acknowledged, or the member was removed
   * from its cluster (`RemovedError`).
   */
  readonly onFatal: (reason: Error) => void;
}

/** A member that is no longer one of its cluster. Source: etcd server/etcdserver/server.go (3.5). */
export class RemovedError extends Error {
  constructor() {
    super("the member has been permanently removed from the cluster");
    this.name = "RemovedError";
  }
}

export class MemberHost {
  readonly #config: ServerConfig;
  readonly #environment: Environment;
  readonly #opened: OpenedMember;
  readonly #commits: CommitSchedule;
  readonly #compactions: CompactionLoop;
  readonly #duties: LeaderDuties;
  readonly #snapshots: SnapshotSaver;
  readonly #loop: RunLoop;
  readonly #peers: PeerLink;
  /** Runs once this member has applied its own removal. */
  #farewell: Timer | undefined;
  /** Changes of who the members are. */
  readonly membership: MembershipService;
  /** Hashes, backups and defragmentation. */
  readonly maintenance: MaintenanceWork;

  constructor(
    config: ServerConfig,
    environment: Environment,
    opened: OpenedMember,
    events: HostEvents,
  ) {
    const { clock, disk, log } = environment;
    const { member, backend, wal, watches, directory } = opened;
    this.#config = config;
    this.#environment = environment;
    this.#opened = opened;
    const onFailure = (reason: Error): void => {
      this.#loop.stop();
      events.onFatal(reason);
    };
    const commits = new CommitSchedule(
      backend,
      member.applier,
      clock,
      { intervalMs: config.backendBatchIntervalMs, changesMax: config.backendBatchLimit },
      onFailure,
    );
    this.#commits = commits;
    this.#compactions = new CompactionLoop({
      store: member.applier.store,
      backend,
      commits,
      clock,
      log: log.named("mvcc/compaction.ts"),
      sliceRevisionsMax: config.compactionBatchLimit,
      pauseMs: config.compactionSleepIntervalMs,
    });
    const { store } = member.applier;
    this.maintenance = new MaintenanceWork(environment, opened, store, commits);
    this.#snapshots = new SnapshotSaver({
      member,
      wal,
      commits,
      disk,
      clock,
      log: log.named("server/snapshot-saver.ts"),
      directory: directory.snap,
      snapshotsMax: config.snapshotFilesMax,
      walsMax: config.walFilesMax,
      onFailure,
    });
    this.membership = this.#createMembership();
    const { hashes } = this.maintenance;
    this.#duties = new LeaderDuties(config, environment, opened, hashes, () => this.#loop.poke());
    this.#peers = this.#linkPeers(onFailure);
    this.#loop = new RunLoop({
      member,
      peers: this.#peers,
      wal,
      commits,
      snapshots: this.#snapshots,
      compactions: this.#compactions,
      clock,
      tickMs: config.heartbeatIntervalMs,
      onTurnEnd: () => {
        if (watches.pump(WATCH_PUMP_BUDGET, clock.nowMs())) this.#loop.poke();
        events.onTurnEnd();
      },
      onFailure,
    });
  }

  #createMembership(): MembershipService {
    const { clock, log, peers, sha1 } = this.#environment;
    const { electionTimeoutMs, strictReconfigCheck } = this.#config;
    return new MembershipService({
      member: this.#opened.member,
      isStrict: strictReconfigCheck,
      activeSinceMs: (id) => this.#peers.transport.activeSinceMs(id),
      requestTimeoutMs: REQUEST_TIMEOUT_BASE_MS + 2 * electionTimeoutMs,
      electionTimeoutMs,
      log: log.named("server/membership-service.ts"),
      poke: () => this.#loop.poke(),
      ...{ clock, peers, sha1 },
    });
  }

  /** What this member answers its peers, beside Raft. */
  #endpoints(): [string, PeerHandler][] {
    return membershipEndpoints({
      member: this.#opened.member,
      membership: this.membership,
      hashes: this.maintenance.hashes,
      log: this.#environment.log.named("server/membership-endpoints.ts"),
    });
  }

  #linkPeers(onFailure: (reason: Error) => void): PeerLink {
    const { member, clusterId } = this.#opened;
    const peerUrls = this.#config.initialAdvertisePeerUrls.map((url) => url.text);
    return new PeerLink({
      member,
      network: this.#environment.peers,
      self: { id: member.id, clusterId, peerUrls },
      endpoints: new Map(this.#endpoints()),
      poke: () => this.#loop.poke(),
      onRemoved: () => onFailure(new RemovedError()),
      onRemovalApplied: () => {
        this.#farewell = this.#environment.clock.after(REMOVED_MEMBER_STOP_MS, () =>
          onFailure(new RemovedError()),
        );
      },
    });
  }

  get member(): Member {
    return this.#opened.member;
  }

  get watches(): WatchHub {
    return this.#opened.watches;
  }

  get clusterId(): bigint {
    return this.#opened.clusterId;
  }

  get reads(): ReadTimer {
    return this.#opened.slowRequests;
  }

  get compactor(): Compactor {
    return this.#compactions;
  }

  get storage(): StorageFacts {
    const { backend } = this.#opened;
    return {
      databaseBytes: () => backend.sizes().bytes,
      databaseBytesInUse: () => backend.sizes().bytesInUse,
    };
  }

  /** Makes sure that a turn of the run loop follows; to be called after the member was given something. */
  poke(): void {
    this.#loop.poke();
  }

  /** Prepares and joins. */
  async start(): Promise<void> {
    await this.prepare();
    await this.join();
  }

  /** What must be waited for before the member takes part. Rejects with a `StartError`. */
  prepare(): Promise<void> {
    return this.#duties.beforeStart();
  }

  /**
   * Takes part in the cluster from now on. Resolves when the member has published itself, for which the
   * cluster needs a leader; never when the member is stopped before.
   */
  join(): Promise<void> {
    const { member, remotes } = this.#opened;
    const log = this.#environment.log.named("server/publish.ts");
    const attributes = {
      name: this.#config.name,
      clientUrls: this.#config.advertiseClientUrls.map((url) => url.text),
    };
    this.#peers.start(remotes);
    this.#loop.start();
    this.#duties.start();
    return new Promise<void>((resolve) => {
      publishAttributes(member, attributes, log, () => {
        updateClusterVersion(member, log);
        this.#loop.poke();
        resolve();
      });
      this.#loop.poke();
    });
  }

  /** Answers whoever waits that the server stops, makes everything durable, gives up the locks. */
  async stop(): Promise<void> {
    const { member, wal, backend } = this.#opened;
    this.#farewell?.cancel();
    this.membership.stop();
    this.#duties.stop();
    this.#compactions.stop();
    this.#snapshots.stop();
    this.maintenance.stop();
    member.stop();
    this.#loop.stop();
    this.#peers.stop();
    await new Promise<void>((resolve) => this.#commits.force(resolve));
    await new Promise<void>((resolve) => wal.close(() => resolve()));
    backend.close();
  }
}
