/**
 * Repairs a member whose data is damaged from its peers: what is damaged is kept aside, and the member begins
 * anew under its own identity, without a log, in a term in which it has never voted. The leader of such a term
 * sends it everything. Why it must not vote until then: member/vote-hold.ts; the whole story: docs/adr/0021.
 *
 * Differs from etcd: it refuses to start on damaged data; one removes the member by hand, and adds it again.
 */
import { BoltError, CorruptionError } from "../../bolt/errors.ts";
import { formatId, type MemberInfo } from "../../membership/member-info.ts";
import { decodeV2Store } from "../../membership/v2-store.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import { EMPTY_BYTES, utf8FromBytes } from "../../stdx/bytes.ts";
import { readMetadata } from "../../wal/read-metadata.ts";
import { walExists } from "../../wal/segment-name.ts";
import { loadSnapshot } from "../../wal/snapshot-files.ts";
import { WalError } from "../../wal/wal-error.ts";
import { decodeMetadata } from "../../wire/gen/raft-internal.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { Environment } from "./bootstrap.ts";
import type { ServerConfig } from "../config/config.ts";
import { type DataDirectory, prepareDataDirectory } from "./data-dir.ts";
import { FlagRefusal } from "../flags/refusal.ts";
import { initialClusterOf } from "../config/initial-cluster.ts";
import { JOIN_PROBE_TIMEOUT_MS } from "../limits.ts";
import { openBackend } from "./open-backend.ts";
import { beginLogAnew } from "./open-log.ts";
import { highestTermOf } from "./peer-terms.ts";
import { askForCluster } from "./remote-cluster.ts";
import { type RepairIdentity, writeRepairNote } from "./repair-note.ts";
import { DamagedDataError, StartError } from "./start-error.ts";

const CALLER = "server/start/repair-member.ts";

const DAMAGED_DATABASE: ReadonlySet<string> = new Set([
  "notBolt",
  "version",
  "invalidMeta",
  "truncated",
]);

/** What a log says that others use, which is no damage. */
const USED_LOG: ReadonlySet<string> = new Set(["locked", "exists", "closed"]);

/** Whether an error of a start says that the data of the member is damaged or missing. */
export function isDamage(error: unknown): error is Error {
  if (error instanceof DamagedDataError || error instanceof CorruptionError) return true;
  if (error instanceof WalError) return !USED_LOG.has(error.code);
  return error instanceof BoltError && DAMAGED_DATABASE.has(error.code);
}

/**
 * Makes of a member whose data is damaged one that can start and catches up. `reason` says what is damaged.
 * Rejects with a `StartError` when it cannot be repaired; then nothing has changed.
 */
export async function repairMember(
  config: ServerConfig,
  environment: Environment,
  directory: DataDirectory,
  reason: Error,
): Promise<void> {
  const log = environment.log.named(CALLER);
  const identity = await identify(config, environment, directory, log);
  if (identity instanceof Error) {
    throw new StartError(
      `${reason.message}; it cannot be repaired from peers: ${identity.message}`,
      reason,
    );
  }
  log.warn("the data of this member is damaged; repairing it from its peers", {
    "local-member-id": formatId(identity.memberId),
    "cluster-id": formatId(identity.clusterId),
    error: reason.message,
  });
  await writeRepairNote(environment.disk, directory, { stage: "asking", ...identity });
  await goOnWithRepair(config, environment, directory, identity);
}

/** The rest of a repair that has been noted; begins again as often as it is interrupted. */
export async function goOnWithRepair(
  config: ServerConfig,
  environment: Environment,
  directory: DataDirectory,
  { clusterId, memberId, members }: RepairIdentity,
): Promise<void> {
  const { disk, clock, peers } = environment;
  const log = environment.log.named(CALLER);
  moveAside(disk, directory, clock.wallMs(), log);
  const voters = members.filter(({ id, isLearner }) => id !== memberId && !isLearner);
  const peerUrls = config.initialAdvertisePeerUrls.map((url) => url.text);
  const self = { id: memberId, clusterId, peerUrls };
  const term = 1 + (await highestTermOf(voters, { network: peers, self, clock, log }));
  prepareDataDirectory(disk, config, log);
  const backend = openBackend(environment, directory.database);
  try {
    const wal = await beginLogAnew(directory, backend, environment, { clusterId, memberId, term });
    await new Promise<void>((resolve) => wal.close(() => resolve()));
  } finally {
    backend.close();
  }
  await writeRepairNote(disk, directory, { stage: "catching up", term, members });
  log.warn(
    "this member begins anew and catches up with the leader; it does not vote until it has",
    {
      "local-member-id": formatId(memberId),
      term,
    },
  );
}

/** Who this member is, as far as its files tell, and who the others are, as they tell. */
async function identify(
  config: ServerConfig,
  { disk, peers }: Environment,
  directory: DataDirectory,
  log: Log,
): Promise<RepairIdentity | Error> {
  const own = ownIds(disk, directory, log);
  const urls = [...flagUrls(config), ...snapshotUrls(disk, directory, log)];
  const advertised = new Set(config.initialAdvertisePeerUrls.map((url) => url.text));
  const others = [...new Set(urls)].filter((url) => !advertised.has(url));
  const cluster = await askForCluster(peers, others, JOIN_PROBE_TIMEOUT_MS, log);
  if (cluster instanceof Error) return cluster;
  if (own !== undefined && own.clusterId !== cluster.id) {
    return new Error(`the others are of cluster ${formatId(cluster.id)}, this member is not`);
  }
  const isSelf = (member: MemberInfo): boolean =>
    own === undefined
      ? member.peerUrls.some((url) => advertised.has(url))
      : member.id === own.nodeId;
  const self = cluster.members.find(isSelf);
  if (self === undefined) return new Error("the others do not know this member");
  if (!cluster.members.some(({ id, isLearner }) => id !== self.id && !isLearner)) {
    return new Error("there is no other voter");
  }
  return { clusterId: cluster.id, memberId: self.id, members: cluster.members };
}

function ownIds(
  disk: Disk,
  directory: DataDirectory,
  log: Log,
): { readonly nodeId: bigint; readonly clusterId: bigint } | undefined {
  if (!walExists(disk, directory.wal)) return undefined;
  const metadata = readMetadata({ disk, log, directory: directory.wal });
  if (metadata === undefined) return undefined;
  try {
    return decodeMetadata(metadata);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function flagUrls(config: ServerConfig): string[] {
  const cluster = initialClusterOf(config);
  if (cluster instanceof FlagRefusal) return [];
  return [...cluster.values()].flatMap((urls) => urls.map(({ text }) => text));
}

function snapshotUrls(disk: Disk, directory: DataDirectory, log: Log): string[] {
  const snapshot = loadSnapshot({ disk, log, directory: directory.snap }, undefined);
  if (snapshot === undefined) return [];
  const cluster = decodeV2Store(utf8FromBytes(snapshot.data ?? EMPTY_BYTES), 0n);
  return cluster.members().flatMap(({ peerUrls }) => [...peerUrls]);
}

/** Gives the log and the database with its snapshots names of their own, which nothing ever replaces. */
function moveAside(disk: Disk, directory: DataDirectory, wallMs: number, log: Log): void {
  const stamp = new Date(wallMs).toISOString().replace(/[-:Z]/g, "").replace("T", ".");
  for (const from of [directory.wal, directory.snap]) {
    if (disk.stat(from) === undefined) continue;
    let to = `${from}.damaged.${stamp}`;
    while (disk.stat(to) !== undefined) to += "x";
    disk.rename(from, to);
    disk.syncDirectory(parentOf(from));
    log.warn("kept damaged files aside", { "source-path": from, "rename-path": to });
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}
