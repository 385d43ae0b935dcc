/**
 * The data directory of a member: where things are, and what may be in it.
 *
 * ```
 * <data-dir>/member/wal/…            the write-ahead log (or --wal-dir)
 * <data-dir>/member/snap/db          the database
 * <data-dir>/member/snap/…-….snap    snapshots of the log
 * ```
 *
 * Source: etcd server/storage/datadir, server/etcdmain/etcd.go (identifyDataDirOrDie).
 */
import path from "node:path";
import type { Disk } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import { RESTORING_NAME } from "../../snapshot/member-places.ts";
import { makeDurableDirectory } from "../../wal/durable-directory.ts";
import { cleanSnapshotDirectory } from "../../wal/snapshot-files.ts";
import {
  backendPathOf,
  memberDirOf,
  type ServerConfig,
  snapDirOf,
  walDirOf,
} from "../config/config.ts";
import { StartError } from "./start-error.ts";

export interface DataDirectory {
  readonly member: string;
  readonly snap: string;
  readonly wal: string;
  readonly database: string;
}

const DIRECTORY_MODE = 0o700;

/** Name of the file that shows whether a directory can be written. */
const TOUCH_NAME = ".touch";

export function dataDirectoryOf(config: ServerConfig): DataDirectory {
  return {
    member: memberDirOf(config),
    snap: snapDirOf(config),
    wal: walDirOf(config),
    database: backendPathOf(config),
  };
}

/** Makes the directories and makes sure that they can be used. Throws `StartError`. */
export function prepareDataDirectory(disk: Disk, config: ServerConfig, log: Log): DataDirectory {
  const directory = dataDirectoryOf(config);
  refuseForeignContent(disk, config.dataDir, log);
  for (const name of [config.dataDir, directory.member, directory.snap]) {
    touchDirectory(disk, name, log);
  }
  makeDurableDirectory(disk, path.dirname(directory.wal));
  // The names in it, above all the database's.
  disk.syncDirectory(directory.snap);
  return directory;
}

/** Removes what a crash has left half done. Only for whoever holds the lock of the database. */
export function removeLeftovers(disk: Disk, directory: DataDirectory, log: Log): void {
  cleanSnapshotDirectory({ disk, log, directory: directory.snap });
}

function refuseForeignContent(disk: Disk, dataDir: string, log: Log): void {
  const stat = disk.stat(dataDir);
  if (stat === undefined) return;
  if (stat.kind !== "directory") {
    throw new StartError(
      `cannot access data directory: "${dataDir}" is not a directory; name another one with --data-dir`,
    );
  }
  const names = disk.list(dataDir);
  if (names.includes("proxy")) {
    throw new StartError(
      `"${dataDir}" holds the state of a v2 proxy ("proxy"), which is not supported; ` +
        "remove it or name another directory with --data-dir",
    );
  }
  if (names.includes(RESTORING_NAME)) {
    throw new StartError(
      `the restore of a snapshot into "${dataDir}" was interrupted ("${RESTORING_NAME}"); ` +
        "remove the directory and restore again",
    );
  }
  if (names.includes("member")) {
    log.info("server has been already initialized", {
      "data-dir": dataDir,
      "dir-type": "member",
    });
  }
  for (const name of names) {
    if (name === "member" || name === "fixtures") continue;
    log.warn("found invalid file under data directory", { filename: name, "data-dir": dataDir });
  }
}

function touchDirectory(disk: Disk, directory: string, log: Log): void {
  if ((disk.stat(directory)?.kind ?? "directory") !== "directory") {
    throw new StartError(
      `cannot access data directory: "${directory}" is not a directory; ` +
        "put the right one back, or name another data directory with --data-dir",
    );
  }
  try {
    makeDurableDirectory(disk, directory);
    const touch = `${directory}/${TOUCH_NAME}`;
    disk.remove(touch);
    disk.open(touch, "create").close();
    disk.remove(touch);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `cannot access data directory: ${reason}; ` +
        `make "${directory}" writable for this user or name another one with --data-dir`,
      error,
    );
  }
  const mode = disk.stat(directory)?.mode ?? DIRECTORY_MODE;
  if (mode === DIRECTORY_MODE) return;
  log.warn("check file permission", {
    error: `directory "${directory}" exist, but the permission is "${mode.toString(8)}"; the recommended permission is "-rwx------" to prevent possible unprivileged access to the data`,
  });
}
