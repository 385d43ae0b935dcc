/**
 * The database of a backup: that of a member, which may not run meanwhile, without its cluster.
 *
 * Source: etcd etcdutl/etcdutl/backup_command.go (saveDB; 3.5).
 */
import { encodeUint64 } from "../backend/integers.ts";
import { META } from "../backend/schema.ts";
import { Db } from "../bolt/db.ts";
import type { Tx } from "../bolt/tx.ts";
import type { MemberInfo } from "../membership/member-info.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { replaceMembers } from "./adopt-database.ts";
import { BackupFailure } from "./backup-failure.ts";
import { written } from "./copy-snapshot.ts";
import { tryLockFor } from "./database-file.ts";
import { CACHE_BYTES_MAX, COPY_CHUNK_BYTES, LOCK_NOTICE_MS } from "./limits.ts";
import { SnapshotError } from "./snapshot-error.ts";

const DATABASE_MODE = 0o666;

export interface DatabaseEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
}

/** Copies `source` to the new file `path`, durably, with `member` alone in it. */
export async function backupDatabase(
  environment: DatabaseEnvironment,
  source: string,
  path: string,
  member: MemberInfo,
): Promise<void> {
  const { disk, clock, log } = environment;
  if (disk.stat(source) === undefined) {
    throw new SnapshotError(`open ${source}: no such file or directory`);
  }
  const lock = disk.open(source, "read");
  try {
    if (!(await tryLockFor(clock, lock, LOCK_NOTICE_MS))) {
      throw new BackupFailure("timed out waiting to acquire lock on", { srcDB: source });
    }
    await copyState(disk, source, path);
  } finally {
    lock.close();
  }
  await change(disk, path, (tx) => replaceMembers(tx, [member], log, true));
}

/** Makes the new file `path`, durably, with nothing in it but `member` and how far the log goes. */
export async function backupEmptyDatabase(
  { disk, log }: { readonly disk: Disk; readonly log: Log },
  path: string,
  member: MemberInfo,
  { index, term }: { readonly index: number; readonly term: number },
): Promise<void> {
  await change(disk, path, (tx) => {
    replaceMembers(tx, [member], log, true);
    const meta = tx.createBucketIfNotExists(bytesFromLatin1("meta"));
    meta.put(META.consistentIndex, encodeUint64(index));
    meta.put(META.term, encodeUint64(term));
  });
}

async function copyState(disk: Disk, source: string, path: string): Promise<void> {
  const db = Db.open(disk, source, { readOnly: true, cacheBytesMax: CACHE_BYTES_MAX });
  let target: DiskFile | undefined;
  try {
    const tx = db.beginRead();
    target = disk.open(path, "create", DATABASE_MODE);
    const chunk = new Uint8Array(COPY_CHUNK_BYTES);
    for (let at = 0; at < tx.sizeBytes; ) {
      const bytes = chunk.subarray(0, tx.readCopy(chunk, at));
      const [file, position] = [target, at];
      await written((done) => file.write([bytes], position, "volatile", done));
      at += bytes.length;
    }
    const file = target;
    await written((done) => file.sync(done));
  } finally {
    target?.close();
    db.close();
  }
}

async function change(disk: Disk, path: string, apply: (tx: Tx) => void): Promise<void> {
  const db = Db.open(disk, path, { cacheBytesMax: CACHE_BYTES_MAX });
  try {
    const tx = db.beginWrite();
    apply(tx);
    await written((done) => tx.commit(done));
  } finally {
    if (!db.isBusy) db.close();
  }
}
