/**
 * The log of a member at start: founding a new one, or reading an existing one with its newest snapshot.
 */
import { AUTH } from "../../backend/schema.ts";
import type { Backend } from "../../backend/backend.ts";
import { encodeUint64 } from "../../backend/integers.ts";
import type { StoredState } from "../../member/options.ts";
import { Cluster } from "../../membership/cluster.ts";
import { FOUNDING_TERM, foundingEntries } from "../../membership/founding-entries.ts";
import { formatId, type MemberInfo } from "../../membership/member-info.ts";
import { decodeV2Store } from "../../membership/v2-store.ts";
import { utf8FromBytes } from "../../stdx/bytes.ts";
import { createWal } from "../../wal/create-wal.ts";
import { openWal, type OpenedWal } from "../../wal/open-wal.ts";
import { NO_SNAPSHOT, validSnapshots } from "../../wal/read-wal.ts";
import { loadSnapshot, type SnapshotLocation } from "../../wal/snapshot-files.ts";
import type { WalOptions, WalSnapshot } from "../../wal/types.ts";
import { WalError } from "../../wal/wal-error.ts";
import type { Wal } from "../../wal/wal.ts";
import { decodeMetadata, encodeMetadata } from "../../wire/gen/raft-internal.ts";
import { type HardState, type Snapshot } from "../../wire/gen/raft.ts";
import type { Environment } from "./bootstrap.ts";
import type { ServerConfig } from "../config/config.ts";
import type { DataDirectory } from "./data-dir.ts";
import { establishIdentity, type Founding, foundingOf } from "./founding.ts";
import { DamagedDataError } from "./start-error.ts";

const CALLER = "server/start/open-log.ts";

export interface OpenedLog {
  readonly memberId: bigint;
  /** The membership as of the snapshot; without one, empty. */
  readonly cluster: Cluster;
  readonly wal: Wal;
  readonly stored: StoredState;
  /** Whom to reach before the log says who the members are. */
  readonly remotes: readonly MemberInfo[];
}

/**
 * Starts the log of a member without one: of a founder with the configuration changes that make the founders
 * voters, of one that joins empty. `known`: who it is, when that was found out already.
 */
export async function foundLog(
  config: ServerConfig,
  directory: DataDirectory,
  backend: Backend,
  environment: Environment,
  known: Founding | undefined,
): Promise<OpenedLog> {
  if (backend.position().index > 0) {
    throw new DamagedDataError(
      `"${directory.database}" holds data up to index ${backend.position().index}, but there is no log in ` +
        `"${directory.wal}"; put the log back, name its directory with --wal-dir, or restore the data ` +
        "directory from a snapshot",
    );
  }
  const founding = known ?? (await establishIdentity(config, environment));
  const { memberId, clusterId } = founding;
  const wal = await createLog(directory, backend, environment, founding);
  environment.log.named(CALLER).info("starting local member", {
    "local-member-id": formatId(memberId),
    "cluster-id": formatId(clusterId),
  });
  return writeFounding(wal, founding);
}

/** Starts the log of a member that has been one before, in a term that it has never been in. */
export async function beginLogAnew(
  directory: DataDirectory,
  backend: Backend,
  environment: Environment,
  identity: {
    readonly memberId: bigint;
    readonly clusterId: bigint;
    readonly term: number;
  },
): Promise<Wal> {
  const wal = await createLog(directory, backend, environment, identity);
  const hardState: HardState = { term: identity.term, vote: 0n, commit: 0 };
  await new Promise<void>((resolve, reject) => {
    wal.append({ entries: [], hardState }, (failure) => {
      if (failure === undefined) resolve();
      else reject(failure);
    });
  });
  return wal;
}

async function createLog(
  directory: DataDirectory,
  backend: Backend,
  environment: Environment,
  { memberId, clusterId }: Pick<Founding, "memberId" | "clusterId">,
): Promise<Wal> {
  const metadata = encodeMetadata({ nodeId: memberId, clusterId });
  backend.put("auth", AUTH.authRevision, encodeUint64(1));
  // Durable before there is a log: a log without its database is taken for a loss.
  await new Promise<void>((resolve, reject) => {
    backend.commit({ index: 0, term: 0 }, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
  return new Promise<Wal>((resolve, reject) => {
    createWal(walOptions(directory, environment), metadata, (failure, created) => {
      if (failure !== undefined) reject(failure);
      else if (created !== undefined) resolve(created);
    });
  });
}

/** Opens the log of a member that has run before. */
export async function reopenLog(
  config: ServerConfig,
  directory: DataDirectory,
  environment: Environment,
): Promise<OpenedLog> {
  const options = walOptions(directory, environment);
  const log = environment.log.named(CALLER);
  const location = { disk: environment.disk, log, directory: directory.snap };
  const { snapshot, wal, content } =
    (await openAtNewest(options, location)) ?? (await openAtValid(options, location));
  const { nodeId, clusterId } = decodeMetadata(content.metadata ?? new Uint8Array(0));
  const { hardState, entries } = content;
  log.info("restarting local member", {
    "cluster-id": formatId(clusterId),
    "local-member-id": formatId(nodeId),
    "commit-index": hardState.commit,
  });
  if (snapshot === undefined && entries.length === 0 && hardState.term === 0) {
    // A crash between making the log and its first entries: the cluster was never founded, or not joined.
    const founding = await unfinishedFounding(config, environment);
    if (founding?.memberId === nodeId && founding.clusterId === clusterId) {
      return writeFounding(wal, founding);
    }
  }
  if (snapshot === undefined) log.info("No snapshot found. Recovering WAL from scratch!");
  else log.info("recovered v2 store from snapshot", { "snapshot-index": snapshot.metadata.index });
  const cluster =
    snapshot === undefined
      ? new Cluster(clusterId)
      : decodeV2Store(utf8FromBytes(snapshot.data ?? new Uint8Array(0)), clusterId);
  const stored = { snapshot, hardState, entries };
  return { memberId: nodeId, cluster, wal, stored, remotes: [] };
}

interface StartedLog extends OpenedWal {
  readonly snapshot: Snapshot | undefined;
}

/**
 * Opens the log where the newest snapshot file says, without looking at what is before; `undefined` when the
 * log does not vouch for that snapshot.
 *
 * Differs from etcd: it reads all segments at every start, so damage in one before the snapshot, which
 * nothing needs any more, stops it. Here it goes unnoticed.
 */
async function openAtNewest(
  options: WalOptions,
  location: SnapshotLocation,
): Promise<StartedLog | undefined> {
  const snapshot = loadSnapshot(location, undefined);
  if (snapshot === undefined) return undefined;
  const { index } = snapshot.metadata;
  let opened: OpenedWal;
  try {
    opened = await openAt(options, snapshot.metadata);
  } catch (error) {
    if (error instanceof WalError && UNVOUCHED.has(error.code)) return undefined;
    throw error;
  }
  if (index <= opened.content.hardState.commit) return { snapshot, ...opened };
  await new Promise<void>((resolve) => opened.wal.close(() => resolve()));
  return undefined;
}

/** What a log says that has no record of the snapshot, or another one, or begins behind it. */
const UNVOUCHED: ReadonlySet<string> = new Set([
  "snapshot-not-found",
  "snapshot-mismatch",
  "file-not-found",
]);

/** Opens the log at the newest snapshot that it vouches for, or at its start. Reads all of it. */
async function openAtValid(options: WalOptions, location: SnapshotLocation): Promise<StartedLog> {
  const snapshot = loadSnapshot(location, validSnapshots(options));
  return { snapshot, ...(await openAt(options, snapshot?.metadata ?? NO_SNAPSHOT)) };
}

function openAt(options: WalOptions, start: WalSnapshot): Promise<OpenedWal> {
  return new Promise((resolve, reject) => {
    openWal(options, start, (failure, opened) => {
      if (failure !== undefined) reject(failure);
      else if (opened !== undefined) resolve(opened);
    });
  });
}

/** Who founds the cluster when the log is empty; nobody when the member joins one that exists. */
async function unfinishedFounding(
  config: ServerConfig,
  environment: Environment,
): Promise<Founding | undefined> {
  return config.initialClusterState === "new" ? foundingOf(config, environment) : undefined;
}

/** Makes the first entries durable: one configuration change for each founder. */
function writeFounding(wal: Wal, founding: Founding): Promise<OpenedLog> {
  const { clusterId, memberId, founders, remotes } = founding;
  const cluster = new Cluster(clusterId);
  const entries = foundingEntries(founders);
  const isFounder = entries.length > 0;
  const term = isFounder ? FOUNDING_TERM : 0;
  const hardState: HardState = { term, vote: 0n, commit: entries.length };
  const stored = { snapshot: undefined, hardState, entries };
  const opened = { memberId, cluster, wal, stored, remotes };
  if (!isFounder) return Promise.resolve(opened);
  return new Promise((resolve, reject) => {
    wal.append({ entries, hardState }, (failure) => {
      if (failure === undefined) resolve(opened);
      else reject(failure);
    });
  });
}

function walOptions(directory: DataDirectory, environment: Environment): WalOptions {
  const { disk, clock, walSegmentBytes, metrics } = environment;
  const log = environment.log.named("wal/wal.ts");
  const size = walSegmentBytes === undefined ? {} : { segmentBytes: walSegmentBytes };
  return { disk, clock, log, directory: directory.wal, metrics: metrics.wal, ...size };
}
