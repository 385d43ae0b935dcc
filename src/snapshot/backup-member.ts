/**
 * A copy of the files of a member that does not run, as a member of nothing: it can only found a new cluster
 * (`--force-new-cluster`). The way of the v2 API; snapshots have taken its place.
 *
 * Source: etcd etcdutl/etcdutl/backup_command.go (3.5).
 */
import { Cluster } from "../membership/cluster.ts";
import type { MemberInfo } from "../membership/member-info.ts";
import { decodeV2Store, encodeV2Store } from "../membership/v2-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk } from "../ports/disk.ts";
import type { NamedLog } from "../ports/log.ts";
import { bytesFromUtf8, EMPTY_BYTES, utf8FromBytes } from "../stdx/bytes.ts";
import { makeDurableDirectory } from "../wal/durable-directory.ts";
import { NO_SNAPSHOT, readWal } from "../wal/read-wal.ts";
import { parentOf, walExists } from "../wal/segment-name.ts";
import { loadSnapshot, saveSnapshotFile } from "../wal/snapshot-files.ts";
import type { WalContent, WalSnapshot } from "../wal/types.ts";
import { createConfState, type Snapshot } from "../wire/gen/raft.ts";
import { backupDatabase, backupEmptyDatabase } from "./backup-database.ts";
import { during, duringWork } from "./backup-failure.ts";
import { written } from "./copy-snapshot.ts";
import { openedWal } from "./found-log.ts";
import { discardMember, type MemberPlaces, placesOf, publishMember } from "./member-places.ts";
import { SnapshotError } from "./snapshot-error.ts";
import { translateEntries } from "./translate-entries.ts";

export interface BackupOptions {
  readonly dataDir: string;
  /** `<data-dir>/member/wal` when absent. */
  readonly walDir: string | undefined;
  readonly backupDir: string;
  /** `<backup-dir>/member/wal` when absent. */
  readonly backupWalDir: string | undefined;
  /** Whether the keys of the v3 API are part of the backup. */
  readonly withV3: boolean;
}

export interface BackupEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: NamedLog;
}

const CLUSTER_ID_STEP = 1n;

/** Makes the backup. Errors: BackupFailure; nothing is left then. */
export async function backupMember(
  environment: BackupEnvironment,
  options: BackupOptions,
): Promise<void> {
  const { disk } = environment;
  const places = placesOf(options.backupDir, options.backupWalDir);
  prepare(disk, places);
  try {
    await make(environment, options, places);
    discardEmpty(disk, places);
    publishMember(disk, places);
  } catch (error) {
    discardMember(disk, places);
    throw error;
  }
}

async function make(
  environment: BackupEnvironment,
  options: BackupOptions,
  places: MemberPlaces,
): Promise<void> {
  const { disk, clock } = environment;
  const log = environment.log.named("snapshot/backup-member.ts");
  const member = strangerAt(clock.wallMs());
  const source = placesOf(options.dataDir, options.walDir);
  const location = { disk, log, directory: source.snap };
  const snapshot = during("saveSnap(Snapshoter.Load) failed", () => {
    disk.list(source.snap);
    return loadSnapshot(location, undefined);
  });
  const walSnapshot = await saveTranslated({ ...environment, log }, places, snapshot, member);
  const content = readLog(environment, source.wal, walSnapshot);
  const entries = during("unexpected error while reading WAL", () =>
    translateEntries(content.entries, options.withV3, log),
  );
  const { commit, term } = content.hardState;
  const database = `${places.temporarySnap}/db`;
  const position = { index: commit, term };
  const saved = options.withV3
    ? backupDatabase({ disk, clock, log }, `${source.snap}/db`, database, member)
    : backupEmptyDatabase({ disk, log }, database, member, position);
  await duringWork("bolt.Open FAILED", saved);
  makeDurableDirectory(disk, parentOf(places.temporaryWal));
  const logged = writeLog(environment, places.temporaryWal, { ...content, entries }, walSnapshot);
  await duringWork("wal.Save failed ", logged);
}

/** The only member of the backup's cluster, with an id that nobody has. */
function strangerAt(wallMs: number): MemberInfo {
  const id = BigInt((Math.floor(wallMs) % 2 ** 40) * 256 + 1);
  const peerUrls = ["http://use-flag--force-new-cluster:2080"];
  return { id, name: "etcdctl-v2-backup", peerUrls, clientUrls: [], isLearner: false };
}

/** Saves the snapshot of the log with the other membership; returns what the log says of it. */
async function saveTranslated(
  environment: { readonly disk: Disk; readonly clock: Clock; readonly log: NamedLog },
  places: MemberPlaces,
  snapshot: Snapshot | undefined,
  member: MemberInfo,
): Promise<WalSnapshot> {
  if (snapshot === undefined) return NO_SNAPSHOT;
  const { index, term } = snapshot.metadata;
  const confState = createConfState({ voters: [member.id] });
  const cluster = new Cluster(member.id + CLUSTER_ID_STEP);
  // What it says of itself is not part of it.
  cluster.add({ ...member, name: "" });
  cluster.version = during("saveSnap(Snapshoter.Load) failed", () => {
    const text = utf8FromBytes(snapshot.data ?? EMPTY_BYTES);
    return decodeV2Store(text, cluster.id).version;
  });
  const data = bytesFromUtf8(encodeV2Store(cluster));
  const place = { ...environment, directory: places.temporarySnap };
  await written((done) =>
    saveSnapshotFile(place, { data, metadata: { confState, index, term } }, done),
  );
  return { index, term, confState };
}

function readLog(
  { disk, log }: BackupEnvironment,
  directory: string,
  start: WalSnapshot,
): WalContent {
  during("wal.OpenForRead failed", () => disk.list(directory));
  return during("unexpected error while reading WAL", () =>
    readWal({ disk, log: log.named("wal/read-wal.ts"), directory }, start),
  );
}

async function writeLog(
  { disk, clock, log }: BackupEnvironment,
  directory: string,
  { metadata, entries, hardState }: WalContent,
  snapshot: WalSnapshot,
): Promise<void> {
  const options = { disk, clock, log: log.named("wal/wal.ts"), directory };
  const wal = await openedWal(options, metadata ?? EMPTY_BYTES);
  try {
    await written((done) => wal.append({ snapshot, entries, hardState }, done));
  } finally {
    await written((done) => wal.close(done));
  }
}

/** Refuses places that are in use. */
function prepare(disk: Disk, places: MemberPlaces): void {
  during("failed creating backup snapshot dir", () => requireEmpty(disk, places.snap), {
    "dest-snap": places.snap,
  });
  during("wal.Create failed", () => {
    if (walExists(disk, places.wal)) throw new SnapshotError("file already exists");
  });
  during(
    "failed creating backup snapshot dir",
    () => makeDurableDirectory(disk, places.temporarySnap),
    {
      "dest-snap": places.snap,
    },
  );
}

function requireEmpty(disk: Disk, directory: string): void {
  const stat = disk.stat(directory);
  const names = stat === undefined ? [] : disk.list(directory);
  if (names.length === 0) return;
  const shown = names.map((name) => JSON.stringify(name)).join(" ");
  throw new SnapshotError(`expected ${JSON.stringify(directory)} to be empty, got [${shown}]`);
}

/** Removes the empty directories that somebody has made for the backup. */
function discardEmpty(disk: Disk, { member, snap, wal }: MemberPlaces): void {
  for (const directory of [snap, wal, member]) {
    if (disk.stat(directory) === undefined) continue;
    during("failed creating backup snapshot dir", () => requireEmpty(disk, directory), {
      "dest-snap": snap,
    });
    disk.remove(directory);
  }
}
