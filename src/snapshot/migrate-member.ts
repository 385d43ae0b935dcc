/**
 * The database of a member that does not run, made to follow the rules of another release: the version that 3.6
 * writes into it is put there, or taken out.
 *
 * Source: etcd etcdutl/etcdutl/migrate_command.go, server/storage/schema, server/storage/wal/version.go (3.6, 3.7).
 */
import { META } from "../backend/schema.ts";
import { Db } from "../bolt/db.ts";
import type { Tx } from "../bolt/tx.ts";
import type { NamedLog } from "../ports/log.ts";
import { bytesFromUtf8, EMPTY_BYTES } from "../stdx/bytes.ts";
import { NO_SNAPSHOT, readWal, validSnapshots } from "../wal/read-wal.ts";
import { EntryType } from "../wire/gen/raft.ts";
import { Reader } from "../wire/reader.ts";
import { WireError } from "../wire/wire-error.ts";
import { written } from "./copy-snapshot.ts";
import { type FileEnvironment, refuseOtherFiles, whenUnlocked } from "./database-file.ts";
import { CACHE_BYTES_MAX } from "./limits.ts";
import { placesOf } from "./member-places.ts";
import { asSnapshotError, SnapshotError } from "./snapshot-error.ts";
import { detectStorageVersion, META_BUCKET, type StorageVersion } from "./storage-version.ts";

/** The newest minor release whose rules are known. */
const MINOR_MAX = 7;

/** Since this minor release the version is in the database. */
const MINOR_WRITTEN = 6;

/** Of an entry: the one operation that 3.5 does not know, which only tests of etcd send. */
const DOWNGRADE_VERSION_TEST_FIELD = 9900;

export interface MigrationOptions {
  readonly dataDir: string;
  readonly target: StorageVersion;
  /** Whether a migration that is refused is made nevertheless. */
  readonly force: boolean;
}

/** Migrates the member in `dataDir`, durably or not at all. Errors: SnapshotError. */
export async function migrateMember(
  environment: FileEnvironment & { readonly log: NamedLog },
  options: MigrationOptions,
): Promise<void> {
  const { disk } = environment;
  const path = `${placesOf(options.dataDir, undefined).snap}/db`;
  try {
    refuseOtherFiles(disk, path);
    const db = await whenUnlocked(environment, path, () =>
      Db.open(disk, path, { cacheBytesMax: CACHE_BYTES_MAX }),
    );
    try {
      await migrate(environment, db, options);
    } finally {
      if (!db.isBusy) db.close();
    }
  } catch (error) {
    throw asSnapshotError(error);
  }
}

async function migrate(
  environment: FileEnvironment & { readonly log: NamedLog },
  db: Db,
  { dataDir, target, force }: MigrationOptions,
): Promise<void> {
  const log = environment.log.named("snapshot/migrate-member.ts");
  const reader = db.beginRead();
  const current = detectStorageVersion(reader);
  reader.rollback();
  if (current === undefined) {
    log.error(
      "failed to detect storage version. Please make sure you are using data dir from etcd v3.5 and older",
    );
    throw new SnapshotError("missing term information");
  }
  if (current.major === target.major && current.minor === target.minor) {
    log.info("storage version up-to-date", { "storage-version": shortText(current) });
    return;
  }
  const newest = newestMinorOf(environment, dataDir);
  const problem = refusalOf(current, target, newest);
  if (problem !== undefined) {
    if (!force) throw new SnapshotError(problem);
    log.info("normal migrate failed, trying with force", { error: problem });
  }
  const tx = db.beginWrite();
  setVersion(tx, target);
  await written((done) => tx.commit(done));
  const isWritten = target.minor >= MINOR_WRITTEN;
  if (problem === undefined) {
    for (const minor of minorsBetween(current.minor, target.minor)) {
      const step = longText({ major: target.major, minor });
      log.info("updated storage version", { "new-storage-version": step });
    }
  } else if (isWritten) {
    log.warn("forcefully set storage version", { "storage-version": shortText(target) });
  } else log.warn("forcefully cleared storage version");
}

function setVersion(tx: Tx, target: StorageVersion): void {
  const meta = tx.createBucketIfNotExists(META_BUCKET);
  if (target.minor >= MINOR_WRITTEN) {
    meta.put(META.storageVersion, bytesFromUtf8(longText(target)));
  } else meta.delete(META.storageVersion);
}

/** Why it cannot be done; `undefined` where it can. */
function refusalOf(
  current: StorageVersion,
  target: StorageVersion,
  newestMinor: number,
): string | undefined {
  if (current.major !== target.major) {
    return "cannot create migration plan: changing major storage version is not supported";
  }
  const highest = Math.max(current.minor, target.minor);
  if (highest > MINOR_MAX) {
    const unknown = { major: target.major, minor: MINOR_MAX + 1 };
    return `cannot create migration plan: version "${longText(unknown)}" is not supported`;
  }
  if (target.minor >= current.minor || target.minor >= newestMinor) return undefined;
  const found = longText({ major: target.major, minor: newestMinor });
  return `cannot downgrade storage, WAL contains newer entries, as the target version (${longText(target)}) is lower than the version (${found}) detected from WAL logs`;
}

/** The oldest minor release that understands all entries of the log behind its last snapshot. */
function newestMinorOf(
  { disk, log }: FileEnvironment & { readonly log: NamedLog },
  dataDir: string,
): number {
  const directory = placesOf(dataDir, undefined).wal;
  const location = { disk, log: log.named("wal/read-wal.ts"), directory };
  const { entries } = readWal(location, validSnapshots(location).at(-1) ?? NO_SNAPSHOT);
  const isNew = entries.some(
    ({ type, data }) => type === EntryType.EntryNormal && isOfLaterRelease(data ?? EMPTY_BYTES),
  );
  return isNew ? MINOR_WRITTEN : 0;
}

function isOfLaterRelease(data: Uint8Array): boolean {
  const reader = new Reader(data);
  try {
    while (reader.more()) {
      const tag = reader.tag();
      if (tag >>> 3 === DOWNGRADE_VERSION_TEST_FIELD) return true;
      reader.skip(tag, "InternalRaftRequest", {});
    }
  } catch (error) {
    // A request of the v2 API stands in the entry as it is.
    if (!(error instanceof WireError)) throw error;
  }
  return false;
}

/** The minor releases on the way from one to another, without the first. */
function minorsBetween(from: number, to: number): number[] {
  const step = Math.sign(to - from);
  return Array.from({ length: Math.abs(to - from) }, (_, i) => from + step * (i + 1));
}

function shortText({ major, minor }: StorageVersion): string {
  return `${major}.${minor}`;
}

function longText(version: StorageVersion): string {
  return `${shortText(version)}.0`;
}
