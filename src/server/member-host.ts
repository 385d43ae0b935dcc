/**
 * A member and everything that drives it, without any way for clients to reach it: its log, its database,
 * the run loop and the work beside it. Knows only ports; the simulator runs members with this same code.
 */
import type { ReadTimer } from "../api/context.ts";
import { REQUEST_TIMEOUT_BASE_MS } from "../member/limits.ts";
import type { Member } from "../member/member.ts";
import { formatId } from "../membership/member-info.ts";
import { shortVersion } from "../membership/version.ts";
import type { WatchHub } from "../mvcc/watch-hub.ts";
import type { Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { SEGMENT_BYTES } from "../wal/limits.ts";
import { AppliedState, type AppliedStateParts, CurrentState } from "./storage/applied-state.ts";
import { BackgroundWork } from "./storage/background-work.ts";
import type { Environment, OpenedMember } from "./start/bootstrap.ts";
import { ClusterLeases } from "./cluster/cluster-leases.ts";
import { electionTicksOf, type ServerConfig } from "./config/config.ts";
import { DiskWatch } from "./cluster/disk-watch.ts";
import { ElectionAdvance } from "./start/election-advance.ts";
import { type HandOverParts, handOverLeadership } from "./cluster/hand-over.ts";
import { HeartbeatWatch } from "./cluster/heartbeat-watch.ts";
import { LeaderDuties } from "./cluster/leader-duties.ts";
import type { Authentication } from "../api/authentication.ts";
import type { PasswordChecks } from "../auth/password-checks.ts";
import type { Tokens } from "../auth/tokens.ts";
import { createAuthentication, createPasswordChecks } from "./authentication-parts.ts";
import { membershipEndpoints } from "./cluster/membership-endpoints.ts";
import { MembershipService } from "./cluster/membership-service.ts";
import { leaseEndpoints } from "./cluster/lease-endpoints.ts";
import { REMOVED_MEMBER_STOP_MS, WATCH_PUMP_BUDGET } from "./limits.ts";
import type { PeerHandler } from "./cluster/peer-endpoints.ts";
import { PeerLink } from "./cluster/peer-link.ts";
import { Publisher } from "./cluster/publish.ts";
import { RunLoop } from "./run-loop.ts";
import { SnapshotInstaller } from "./storage/snapshot-installer.ts";
import { SnapshotReceiver } from "./storage/snapshot-receiver.ts";
import { SnapshotSender } from "./storage/snapshot-sender.ts";
import { ETCD_VERSION } from "./version.ts";

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
  readonly #duties: LeaderDuties;
  readonly #sender: SnapshotSender;
  readonly #installer: SnapshotInstaller;
  readonly #background: BackgroundWork;
  readonly #loop: RunLoop;
  readonly #peers: PeerLink;
  readonly #elections: ElectionAdvance;
  #hasFailed = false;
  /** What is on the disk is not known any more: nothing is written, the next start finds out. */
  #writeFailed = false;
  /** From the moment when this member takes part. */
  #publisher: Publisher | undefined;
  /** Runs once this member has applied its own removal. */
  #farewell: Timer | undefined;
  /** Changes of who the members are. */
  readonly membership: MembershipService;
  /** The database and the work on it. */
  readonly current: CurrentState;
  /** Leases, wherever the leader is. */
  readonly leases: ClusterLeases;
  /** Who makes calls. */
  readonly callers: Authentication;
  readonly passwords: PasswordChecks;

  constructor(
    config: ServerConfig,
    environment: Environment,
    opened: OpenedMember,
    events: HostEvents,
  ) {
    const { clock, log } = environment;
    const { member, wal, watches, directory } = opened;
    this.#config = config;
    this.#environment = environment;
    this.#opened = opened;
    this.callers = createAuthentication(config, environment, opened);
    this.passwords = createPasswordChecks(config.auth, environment);
    // Told once: who was removed may be told so by every peer again and again.
    const onFailure = (reason: Error): void => {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#writeFailed = !(reason instanceof RemovedError);
      this.#loop.stop();
      events.onFatal(reason);
    };
    this.#background = new BackgroundWork(clock);
    const parts: AppliedStateParts = {
      ...{ config, environment, directory, member, wal, onFailure },
      background: this.#background,
      holdsLog: () => this.#sender.holdsLog,
    };
    const state = new AppliedState(parts, member.applier);
    this.current = new CurrentState(state, environment, this.#background);
    this.#sender = this.#createSender();
    this.membership = this.#createMembership();
    const poke = (): void => this.#loop.poke();
    this.leases = new ClusterLeases({ member, network: environment.peers, clock, poke });
    this.#installer = this.#createInstaller(parts);
    const { hashes } = this.current;
    this.#duties = new LeaderDuties(config, environment, opened, hashes, this.membership, poke);
    this.#peers = this.#linkPeers(onFailure);
    this.#elections = new ElectionAdvance({
      ...this.#leadership,
      log: log.named("server/start/election-advance.ts"),
      isWanted: config.initialElectionTickAdvance,
      leads: environment.firstLife?.leads ?? false,
      electionTicks: electionTicksOf(config),
      tickMs: config.heartbeatIntervalMs,
    });
    this.#loop = new RunLoop({
      member,
      peers: this.#peers,
      heartbeats: new HeartbeatWatch(
        clock,
        log.named("server/cluster/heartbeat-watch.ts"),
        config.heartbeatIntervalMs,
        environment.metrics.heartbeatFailures,
      ),
      wal,
      current: this.current,
      disk: this.#watchDisk(),
      installer: this.#installer,
      clock,
      tickMs: config.heartbeatIntervalMs,
      onLeading: () => this.#duties.onLeading(),
      onTurnEnd: () => {
        if (watches.pump(WATCH_PUMP_BUDGET, clock.nowMs())) this.#loop.poke();
        events.onTurnEnd();
      },
      onFailure,
    });
  }

  /** Resolves when this member does not lead any more, or nobody takes it. */
  async #handOver(): Promise<void> {
    const { clock } = this.#environment;
    const led = this.member.isLeader();
    await new Promise<void>((resolve) => handOverLeadership(this.#leadership, () => resolve()));
    if (!led || this.member.isLeader()) return;
    // What peers have sent to the old leader meanwhile is passed on to the new one.
    await new Promise<void>((resolve) => clock.after(this.#config.heartbeatIntervalMs, resolve));
  }

  /** What leadership is handed over with. */
  get #leadership(): HandOverParts {
    return {
      member: this.#opened.member,
      activeSinceMs: (id) => this.#peers.transport.activeSinceMs(id),
      clock: this.#environment.clock,
      log: this.#environment.log.named("server/cluster/hand-over.ts"),
      poke: () => this.#loop.poke(),
    };
  }

  #watchDisk(): DiskWatch {
    return new DiskWatch({
      ticksMax: electionTicksOf(this.#config),
      tickMs: this.#config.heartbeatIntervalMs,
      log: this.#environment.log.named("server/cluster/disk-watch.ts"),
      onStall: (times) => {
        if (this.member.isLeader()) handOverLeadership(this.#leadership, () => {}, times);
      },
    });
  }

  #createMembership(): MembershipService {
    const { clock, log, peers, sha1 } = this.#environment;
    return new MembershipService({
      member: this.#opened.member,
      isStrict: this.#config.strictReconfigCheck,
      learners: this.#environment.metrics.learners,
      activeSinceMs: (id) => this.#peers.transport.activeSinceMs(id),
      network: peers,
      log: log.named("server/cluster/membership-service.ts"),
      poke: () => this.#loop.poke(),
      ...{ clock, sha1 },
    });
  }

  /** What this member answers its peers, beside Raft. */
  #endpoints(): [string, PeerHandler][] {
    const { member } = this.#opened;
    const membership = membershipEndpoints({
      member,
      callers: this.callers,
      membership: this.membership,
      hashes: this.current.hashes,
      log: this.#environment.log.named("server/cluster/membership-endpoints.ts"),
    });
    return [...membership, ...leaseEndpoints(member, this.#environment.clock)];
  }

  #createSender(): SnapshotSender {
    const { clock, log } = this.#environment;
    return new SnapshotSender({
      member: this.#opened.member,
      database: () => this.current.state,
      transport: () => this.#peers.transport,
      work: this.#background,
      clock,
      log: log.named("server/storage/snapshot-sender.ts"),
      poke: () => this.#loop.poke(),
    });
  }

  #createInstaller(state: AppliedStateParts): SnapshotInstaller {
    return new SnapshotInstaller(
      {
        opened: this.#opened,
        state,
        current: this.current,
        sender: this.#sender,
        peers: () => this.#peers,
        onInstalled: () => {
          this.#loop.installed();
          this.#publisher?.onSnapshot();
        },
      },
      this.#opened.member.status().appliedIndex,
    );
  }

  #createReceiver(): SnapshotReceiver {
    const { disk, clock, log, metrics, walSegmentBytes } = this.#environment;
    return new SnapshotReceiver({
      ...{ disk, clock },
      member: this.#opened.member,
      log: log.named("server/storage/snapshot-receiver.ts"),
      metrics: metrics.snapshotFiles,
      directory: this.#opened.directory.snap,
      reserveBytes: walSegmentBytes ?? SEGMENT_BYTES,
      poke: () => this.#loop.poke(),
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
      snapshots: this.#sender,
      receiver: this.#createReceiver(),
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

  get tokens(): Tokens {
    return this.#opened.tokens;
  }

  get clusterId(): bigint {
    return this.#opened.clusterId;
  }

  get reads(): ReadTimer {
    return this.#opened.slowRequests;
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
    const log = this.#environment.log.named("server/cluster/publish.ts");
    const attributes = {
      name: this.#config.name,
      clientUrls: this.#config.advertiseClientUrls.map((url) => url.text),
    };
    logStarting(member, this.#environment.log.named("server/member-host.ts"));
    this.#peers.start(remotes);
    this.#loop.start();
    this.#elections.start();
    this.#duties.start();
    return new Promise<void>((resolve) => {
      const { clock } = this.#environment;
      const timeoutMs = REQUEST_TIMEOUT_BASE_MS + 2 * this.#config.electionTimeoutMs;
      const poke = (): void => this.#loop.poke();
      const publication = { member, attributes, clock, log, timeoutMs, poke };
      this.#publisher = new Publisher(publication);
      this.#publisher.start(resolve);
    });
  }

  /**
   * Hands over leadership, unless the other members stop, too; answers whoever waits that the server stops, makes
   * everything durable, gives up the locks.
   */
  async stop(handsOver = true): Promise<void> {
    const { member, wal } = this.#opened;
    this.#elections.stop();
    if (handsOver && !this.#hasFailed) await this.#handOver();
    this.#farewell?.cancel();
    this.membership.stop();
    this.passwords.stop();
    this.#duties.stop();
    this.#background.stop();
    const { state } = this.current;
    state.stop();
    this.leases.stop();
    member.stop();
    this.#loop.stop();
    this.#installer.stop();
    this.#sender.stop();
    this.#peers.stop();
    if (this.#writeFailed) state.freeze();
    else await state.commit();
    await new Promise<void>((resolve) => wal.close(() => resolve()));
    state.close();
  }
}

/** Source: etcd server/etcdserver/server.go (start). */
function logStarting({ id, applier }: Member, log: Log): void {
  const { version } = applier.cluster;
  log.info("starting etcd server", {
    "local-member-id": formatId(id),
    "local-server-version": ETCD_VERSION,
    ...(version === undefined
      ? { "cluster-version": "to_be_decided" }
      : { "cluster-id": formatId(applier.cluster.id), "cluster-version": shortVersion(version) }),
  });
}
