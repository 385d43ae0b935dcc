/**
 * The second step of a restore: the database becomes that of a new cluster. Who its members were is
 * forgotten; keys, leases, alarms and users stay.
 *
 * Source: etcd etcdutl/snapshot/v3_snapshot.go (saveDB, modifyLatestRevision), membership/store.go (3.5).
 */
import { encodeUint64 } from "../backend/integers.ts";
import { CLUSTER_BUCKETS, META } from "../backend/schema.ts";
import type { Bucket } from "../bolt/bucket.ts";
import { Db } from "../bolt/db.ts";
import type { Tx } from "../bolt/tx.ts";
import { encodeMember, formatId, type MemberInfo } from "../membership/member-info.ts";
import { encodeRevision, REVISION_BYTES } from "../mvcc/revision.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import { bytesFromLatin1, bytesFromUtf8, EMPTY_BYTES } from "../stdx/bytes.ts";
import { written } from "./copy-snapshot.ts";
import { requireIntegrity } from "./database-file.ts";
import { CACHE_BYTES_MAX } from "./limits.ts";
import { SnapshotError } from "./snapshot-error.ts";

export interface Adoption {
  readonly members: readonly MemberInfo[];
  /** The log of the new cluster ends there, at term FOUNDING_TERM. */
  readonly index: number;
  readonly term: number;
  /** By how much revisions go up, so that no client sees one that it has seen before. 0: not at all. */
  readonly revisionBump: bigint;
  /** Whether to look for damage first: what a digest has not shown to be whole. */
  readonly checkIntegrity: boolean;
}

/** Changes the database at `path`, durably. Errors: SnapshotError; BoltError, CorruptionError, DiskError. */
export async function adoptDatabase(
  disk: Disk,
  path: string,
  adoption: Adoption,
  log: Log,
): Promise<void> {
  const db = Db.open(disk, path, { cacheBytesMax: CACHE_BYTES_MAX });
  try {
    // Differs from etcd: a file that no digest vouches for is checked before it is used.
    if (adoption.checkIntegrity) {
      const reader = db.beginRead();
      requireIntegrity(reader);
      reader.rollback();
    }
    const tx = db.beginWrite();
    replaceMembers(tx, adoption.members, log, false);
    const meta = tx.createBucketIfNotExists(bytesFromLatin1("meta"));
    if (adoption.revisionBump > 0n) bumpRevision(tx, meta, adoption.revisionBump, log);
    meta.put(META.consistentIndex, encodeUint64(adoption.index));
    meta.put(META.term, encodeUint64(adoption.term));
    await written((done) => tx.commit(done));
  } finally {
    if (!db.isBusy) db.close();
  }
}

/** Forgets the members of the cluster for others; with `forgetsVersion` also what they have agreed on. */
export function replaceMembers(
  tx: Tx,
  members: readonly MemberInfo[],
  log: Log,
  forgetsVersion: boolean,
): void {
  log.info("Trimming membership information from the backend...");
  for (const name of CLUSTER_BUCKETS) {
    const bytes = bytesFromLatin1(name);
    const isForgotten = name !== "cluster" || forgetsVersion;
    if (isForgotten && tx.bucket(bytes) !== undefined) tx.deleteBucket(bytes);
    tx.createBucketIfNotExists(bytes);
  }
  const bucket = tx.createBucketIfNotExists(bytesFromLatin1("members"));
  for (const member of members) {
    bucket.put(bytesFromLatin1(formatId(member.id)), bytesFromUtf8(encodeMember(member)));
  }
}

/** Puts one empty revision far above the others, and has everything up to it compacted. */
function bumpRevision(tx: Tx, meta: Bucket, bump: bigint, log: Log): void {
  const keys = tx.createBucketIfNotExists(bytesFromLatin1("key"));
  const latest = latestRevision(keys);
  const bumped = latest + bump;
  // Differs from etcd: a revision too large for what comes after it is refused; etcd wraps around.
  if (bumped > REVISION_MAX) {
    throw new SnapshotError(
      `--bump-revision ${bump} is too large: the latest revision is ${latest}`,
    );
  }
  const revision = Number(bumped);
  log.info("bumping latest revision", {
    "latest-revision": latest,
    "bump-amount": bump,
    "new-latest-revision": revision,
  });
  keys.put(encodeRevision(revision, 0, false), EMPTY_BYTES);
  log.info("marking revision compacted", { revision });
  meta.put(META.scheduledCompactRev, encodeRevision(revision, 0, false));
}

/** The main revision of the last key; 0 when there is none. */
function latestRevision(keys: Bucket): bigint {
  const cursor = keys.cursor();
  if (!cursor.last() || cursor.key === undefined) return 0n;
  const { key } = cursor;
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  const latest = key.length < REVISION_BYTES ? -1n : view.getBigInt64(0);
  if (latest < 0n) throw new SnapshotError(`bucket "key" ends in what is no revision`);
  return latest;
}

/** Half of what is left of the numbers that stay exact: room for all revisions to come. */
const REVISION_MAX = BigInt(Number.MAX_SAFE_INTEGER) / 2n;
