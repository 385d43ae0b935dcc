/**
 * The database of a member that stopped while it took over a snapshot: the log starts at the snapshot, the
 * database that came with it lies beside the old one, and only its name is missing.
 *
 * Source: etcd server/etcdserver/backend.go (recoverSnapshotBackend, openSnapshotBackend) (3.5).
 */
import type { Backend } from "../../backend/backend.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import { humanBytes } from "../../stdx/humanize.ts";
import {
  loadSnapshot,
  releaseSnapshotDatabases,
  snapshotDatabaseName,
} from "../../wal/snapshot-files.ts";
import type { Snapshot } from "../../wire/gen/raft.ts";
import type { Environment } from "./bootstrap.ts";
import type { DataDirectory } from "./data-dir.ts";
import { openBackend } from "./open-backend.ts";
import { DamagedDataError } from "./start-error.ts";

const CALLER = "server/start/recover-database.ts";

/**
 * Gives the database that came with the snapshot at `index` the name of the database, durably; whoever has
 * the old one open keeps that. False when there is none. Errors: DiskError.
 */
export function adoptSnapshotDatabase(
  disk: Disk,
  directory: DataDirectory,
  index: number,
): boolean {
  const path = `${directory.snap}/${snapshotDatabaseName(index)}`;
  if (disk.stat(path) === undefined) return false;
  disk.rename(path, directory.database);
  disk.syncDirectory(directory.snap);
  return true;
}

/** Where there is no database: takes the one that came with the newest snapshot. False when there is none. */
export function replaceMissingDatabase(
  { disk, log: anyLog }: Environment,
  directory: DataDirectory,
): boolean {
  const log = anyLog.named(CALLER);
  const snapshot = loadSnapshot({ disk, log, directory: directory.snap }, undefined);
  if (snapshot === undefined) return false;
  const { index } = snapshot.metadata;
  if (!adoptSnapshotDatabase(disk, directory, index)) return false;
  log.warn("the database was missing; took the one that came with the snapshot", {
    "snapshot-index": index,
  });
  return true;
}

/**
 * Returns the database that belongs to `snapshot`, from which the log starts: `backend`, or the one beside
 * it; `backend` is closed then. Removes what came with older snapshots. Throws `DamagedDataError` when there
 * is none, with `backend` closed.
 */
export function recoverSnapshotDatabase(
  environment: Environment,
  directory: DataDirectory,
  backend: Backend,
  snapshot: Snapshot | undefined,
): Backend {
  if (snapshot === undefined) return backend;
  const { disk } = environment;
  const log = environment.log.named(CALLER);
  const { index } = snapshot.metadata;
  const recovered = databaseOf(environment, directory, backend, index, log);
  releaseSnapshotDatabases({ disk, log, directory: directory.snap }, index);
  const { bytes, bytesInUse } = recovered.sizes();
  log.info("recovered v3 backend from snapshot", {
    "backend-size-bytes": bytes,
    "backend-size": humanBytes(bytes),
    "backend-size-in-use-bytes": bytesInUse,
    "backend-size-in-use": humanBytes(bytesInUse),
  });
  return recovered;
}

function databaseOf(
  environment: Environment,
  directory: DataDirectory,
  backend: Backend,
  index: number,
  log: Log,
): Backend {
  const databaseIndex = backend.position().index;
  if (index <= databaseIndex) return backend;
  backend.close();
  if (!adoptSnapshotDatabase(environment.disk, directory, index)) {
    throw new DamagedDataError(
      `database file "${directory.database}" ends at index ${databaseIndex}, before the snapshot of the ` +
        `log at ${index}, and "${snapshotDatabaseName(index)}", which would have come with that, is not ` +
        "there: it is older than the log beside it; put the right file back, or restore the data " +
        "directory from a snapshot",
    );
  }
  log.info("took the database that came with the snapshot", {
    "snapshot-index": index,
    "previous-index": databaseIndex,
  });
  return openBackend(environment, directory.database);
}
