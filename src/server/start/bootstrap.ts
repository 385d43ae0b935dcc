/**
 * Brings a member to life from its data directory: a new one from its flags, an existing one from its
 * database, snapshot and log. Whatever cannot be trusted is named and left as it is.
 *
 * Source: etcd server/etcdserver/server.go (NewServer), raft.go (startNode, restartNode).
 */
import type { Applier } from "../../apply/applier.ts";
import type { Tokens } from "../../auth/tokens.ts";
import type { Backend, Position } from "../../backend/backend.ts";
import { BoltError, CorruptionError } from "../../bolt/errors.ts";
import type { CompactionPolicy } from "../../member/compaction-policy.ts";
import { Member } from "../../member/member.ts";
import type { StoredState } from "../../member/options.ts";
import { VoteHold } from "../../member/vote-hold.ts";
import type { MemberInfo } from "../../membership/member-info.ts";
import { WATCH_LIMITS } from "../../mvcc/limits.ts";
import { WatchHub } from "../../mvcc/watch-hub.ts";
import type { Clock } from "../../ports/clock.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { type Disk, DiskError } from "../../ports/disk.ts";
import type { Digest } from "../../ports/digest.ts";
import type { PasswordWorkers, SecretDigest } from "../../ports/passwords.ts";
import type { PeerNetwork } from "../../peer/network.ts";
import type { NamedLog } from "../../ports/log.ts";
import type { HostLookup, SrvLookup } from "../../ports/network.ts";
import type { Random } from "../../ports/random.ts";
import type { Wal } from "../../wal/wal.ts";
import { walExists } from "../../wal/segment-name.ts";
import { compactionPolicy, retentionMsOf } from "../config/compaction-retention.ts";
import { electionTicksOf, type ServerConfig } from "../config/config.ts";
import { type DataDirectory, prepareDataDirectory, removeLeftovers } from "./data-dir.ts";
import { RESTORE_PROGRESS_REVISIONS } from "../limits.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { DefragSteps } from "../storage/defragmentation.ts";
import { forceNewCluster } from "./force-new-cluster.ts";
import type { OpenRegistry } from "../discovery/registry.ts";
import { establishIdentity } from "./founding.ts";
import { foundLog, type OpenedLog, reopenLog } from "./open-log.ts";
import { openBackend } from "./open-backend.ts";
import { logQuota } from "../storage/quota-log.ts";
import { recoverSnapshotDatabase, replaceMissingDatabase } from "./recover-database.ts";
import { goOnWithRepair, isDamage, repairMember } from "./repair-member.ts";
import { readRepairNote, removeRepairNote, type RepairNote } from "./repair-note.ts";
import { openTokens } from "./open-tokens.ts";
import { refuseUnservable, RestoredState } from "./restored-state.ts";
import { logStart } from "./start-line.ts";
import { defragmentAtStart } from "./start-defrag.ts";
import { SlowRequests } from "../observe/slow-requests.ts";
import { DamagedDataError, StartError } from "./start-error.ts";

/** What a member needs of the world. */
export interface Environment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: NamedLog;
  /** What this life of the member counts. */
  readonly metrics: ServerMetrics;
  readonly peers: PeerNetwork;
  /** Looks up host names of peer URLs; they are compared as they are written when absent. */
  readonly lookUpHost?: HostLookup;
  /** Looks up SRV records for --discovery-srv. */
  readonly lookUpSrv?: SrvLookup;
  /** Reaches the discovery service of --discovery-endpoints. */
  readonly openRegistry?: OpenRegistry;
  readonly sha1: (bytes: Uint8Array) => Uint8Array;
  readonly sha256: () => Digest;
  readonly passwords: PasswordWorkers;
  /** A digest that nobody else can make. */
  readonly secretDigest: SecretDigest;
  /** Bytes of a segment of the log; etcd's when absent. Simulations take small ones. */
  readonly walSegmentBytes?: number;
  /** Steps of a defragmentation, as `limits.ts` has them when absent. Simulations take small ones. */
  readonly defragSteps?: DefragSteps;
  /** There when this member is known never to have run. */
  readonly firstLife?: FirstLife;
  /** Whether the start is not wanted any more. Asked behind what it waits for, before data is touched. */
  readonly isCancelled?: () => boolean;
}

/**
 * What whoever starts all founders of a cluster, on data directories made for them, knows: nobody is asked whether
 * this one has run before, which founders that start in one process could not answer.
 */
export interface FirstLife {
  /** Whether this one, of all, stands for election as soon as a majority can be reached, instead of waiting. */
  readonly leads: boolean;
}

export interface OpenedMember {
  readonly member: Member;
  readonly wal: Wal;
  readonly backend: Backend;
  readonly watches: WatchHub;
  /** Tokens that users have got from this process. */
  readonly tokens: Tokens;
  readonly clusterId: bigint;
  /** Whom to reach before the log says who the members are. */
  readonly remotes: readonly MemberInfo[];
  readonly directory: DataDirectory;
  readonly slowRequests: SlowRequests;
  /** Whether it has not run before. */
  readonly isNew: boolean;
  /** `undefined` when nothing is compacted by itself. */
  readonly compactionPolicy: CompactionPolicy | undefined;
}

/** Opens the member of `config`. Rejects with `StartError`, or with what bolt, wal or disk say. */
export async function openMember(
  config: ServerConfig,
  environment: Environment,
): Promise<OpenedMember> {
  try {
    return await open(config, environment);
  } catch (error) {
    throw withWayOut(error);
  }
}

/** What bolt and the disk say of a file that they cannot read, with what can be done about it. */
function withWayOut(error: unknown): unknown {
  let wayOut: string;
  if (error instanceof DiskError && NO_RIGHTS.has(error.code)) {
    wayOut = "make it readable and writable for the user that runs this member";
  } else if (
    error instanceof CorruptionError ||
    (error instanceof BoltError && error.code === "notBolt")
  ) {
    wayOut = "put the right file back, or restore the data directory from a snapshot";
  } else if (error instanceof BoltError && error.code === "locked") {
    return new StartError(error.message, error);
  } else {
    return error;
  }
  return new StartError(`${error.message}; ${wayOut}`, error);
}

const NO_RIGHTS: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS"]);

async function open(config: ServerConfig, environment: Environment): Promise<OpenedMember> {
  const log = environment.log.named("server/start/data-dir.ts");
  const directory = prepareDataDirectory(environment.disk, config, log);
  const note = readRepairNote(environment.disk, directory);
  if (note?.stage === "asking") await goOnWithRepair(config, environment, directory, note);
  try {
    return await openData(config, environment, directory);
  } catch (error) {
    if (!config.repairsFromPeers || !isDamage(error)) throw error;
    await repairMember(config, environment, directory, error);
    return openData(config, environment, directory);
  }
}

async function openData(
  config: ServerConfig,
  environment: Environment,
  directory: DataDirectory,
): Promise<OpenedMember> {
  const { disk } = environment;
  const log = environment.log.named("server/start/data-dir.ts");
  const tokens = openTokens(config.auth, environment);
  const policy = compactionPolicy(config, environment.clock.nowMs());
  const hasLog = walExists(disk, directory.wal);
  const facts = { isInitialized: hasLog, retentionMs: retentionMsOf(config) };
  logStart(config, facts, environment.log.named("server/start/start-line.ts"));
  const hasDatabase = disk.stat(directory.database) !== undefined;
  if (hasLog && !hasDatabase && !replaceMissingDatabase(environment, directory)) {
    throw new DamagedDataError(
      `database file (${directory.database}) of the backend is missing, but there is a log in ` +
        `"${directory.wal}"; put the file back, or restore the data directory from a snapshot`,
    );
  }
  // Who may not start leaves no database behind.
  const isEmpty = !hasLog && !hasDatabase;
  const founding = isEmpty ? await establishIdentity(config, environment) : undefined;
  const openStartMs = environment.clock.nowMs();
  let backend = openBackend(environment, directory.database);
  log.info("opened backend db", {
    path: directory.database,
    took: goDurationOfMs(environment.clock.nowMs() - openStartMs),
  });
  try {
    removeLeftovers(disk, directory, log);
    refuseUnservable(backend);
    let opened = hasLog
      ? await reopenLog(config, directory, environment)
      : await foundLog(config, directory, backend, environment, founding);
    try {
      backend = recoverSnapshotDatabase(environment, directory, backend, opened.stored.snapshot);
      const { bootstrapDefragBytes } = config;
      backend = await defragmentAtStart(backend, directory.snap, bootstrapDefragBytes, environment);
      if (hasLog && config.forceNewCluster) {
        const forceLog = environment.log.named("server/start/force-new-cluster.ts");
        opened = await forceNewCluster(opened, backend.position().index, forceLog);
      }
      const parts = assemble(config, environment, directory, backend, opened, tokens);
      return { ...parts, isNew: !hasLog, compactionPolicy: policy };
    } catch (error) {
      await new Promise<void>((resolve) => opened.wal.close(() => resolve()));
      throw error;
    }
  } catch (error) {
    backend.close();
    throw error;
  }
}

/** The database must lie between the snapshot of the log and the end of the log. */
function refuseUnfittingLog(
  { database, wal }: DataDirectory,
  databaseIndex: number,
  { snapshot, entries }: StoredState,
): void {
  const snapshotIndex = snapshot?.metadata.index ?? 0;
  const lastIndex = entries.at(-1)?.index ?? snapshotIndex;
  if (databaseIndex < snapshotIndex) {
    throw new DamagedDataError(
      `database file "${database}" ends at index ${databaseIndex}, before the snapshot of the log at ` +
        `${snapshotIndex}: it is older than the log beside it; put the right file back, or restore the ` +
        "data directory from a snapshot",
    );
  }
  // Going on, new entries would get indexes that the database takes for applied.
  if (lastIndex < databaseIndex) {
    throw new DamagedDataError(
      `the log in "${wal}" ends at index ${lastIndex}, before the database "${database}" at ` +
        `${databaseIndex}: its end is lost, or it belongs to another database; put the right one back, ` +
        "or restore the data directory from a snapshot",
    );
  }
}

/**
 * What the database holds was committed, also where the log does not say so: how far the commit has come is not
 * worth a sync of its own. Forgetting it could leave the cluster without a leader for good: a member that has
 * applied a removal tells the removed one to end itself, and must not need its vote afterwards.
 */
function withAppliedCommit(stored: StoredState, { index, term }: Position): StoredState {
  const { hardState, entries } = stored;
  if (index <= hardState.commit || entries.length === 0) return stored;
  if (entries[index - entries[0].index]?.term !== term) return stored;
  return { ...stored, hardState: { ...hardState, commit: index } };
}

function assemble(
  config: ServerConfig,
  environment: Environment,
  directory: DataDirectory,
  backend: Backend,
  found: OpenedLog,
  tokens: Tokens,
): Omit<OpenedMember, "isNew" | "compactionPolicy"> {
  refuseUnfittingLog(directory, backend.position().index, found.stored);
  const opened = { ...found, stored: withAppliedCommit(found.stored, backend.position()) };
  logQuota(config, environment.log.named("server/storage/quota-log.ts"));
  const { clock, log, random, metrics } = environment;
  const slowRequests = new SlowRequests({
    clock,
    metrics,
    random,
    log: log.named("server/observe/slow-requests.ts"),
    warningMs: config.warningApplyMs,
    warningUnaryMs: config.warningUnaryRequestMs,
  });
  metrics.quotaBytes.set(config.quotaBackendBytes);
  const { cluster } = opened;
  const restored = new RestoredState(config, environment, backend, cluster, tokens.table);
  while (!restored.step(RESTORE_PROGRESS_REVISIONS));
  const { applier, changes } = restored.finish(
    opened.memberId,
    opened.stored.snapshot?.metadata.index ?? 0,
    slowRequests,
  );
  const note = readRepairNote(environment.disk, directory);
  const hold = voteHoldOf(note, environment, directory);
  const member = createMember(config, environment, opened, applier, hold);
  const watches = new WatchHub(applier.store, changes, WATCH_LIMITS, metrics.watch);
  const { wal } = opened;
  const remotes = note === undefined ? opened.remotes : note.members;
  const clusterId = opened.cluster.id;
  return { member, wal, backend, watches, tokens, slowRequests, clusterId, remotes, directory };
}

/** While a repair is not over. */
function voteHoldOf(
  note: RepairNote | undefined,
  { disk, log: anyLog }: Environment,
  directory: DataDirectory,
): VoteHold | undefined {
  if (note?.stage !== "catching up") return undefined;
  const log = anyLog.named("server/start/bootstrap.ts");
  const { term } = note;
  log.warn("this member is being repaired and does not vote yet", { term });
  return new VoteHold(term, () => {
    removeRepairNote(disk, directory);
    log.info("this member was repaired: it has all that is committed, and votes again", { term });
  });
}

function createMember(
  config: ServerConfig,
  { clock, random, log, metrics }: Environment,
  { memberId, stored }: { readonly memberId: bigint; readonly stored: StoredState },
  applier: Applier,
  voteHold: VoteHold | undefined,
): Member {
  return new Member(
    {
      id: memberId,
      tickMs: config.heartbeatIntervalMs,
      electionTicks: electionTicksOf(config),
      preVote: config.preVote,
      snapshotCount: config.snapshotCount,
      catchUpEntries: config.snapshotCatchUpEntries,
      requestBytesMax: config.maxRequestBytes,
      startWallMs: clock.wallMs(),
      voteHold,
      metrics: metrics.member,
      random,
      log: log.named("member/member.ts"),
      raftLog: log.named("raft/raft.ts", "raft"),
    },
    stored,
    applier,
  );
}
