/**
 * The buckets of an etcd database, and the keys in them that are not users' data. Byte for byte what
 * etcd 3.5 writes; `docs/format/backend.md` has the table.
 *
 * Source: etcd server/storage/schema (3.5: server/mvcc/buckets, server/etcdserver/cindex).
 */
import { bytesFromLatin1 } from "../stdx/bytes.ts";

/** All buckets, in the order in which a fresh database gets them. */
export const BUCKET_NAMES = [
  "alarm",
  "auth",
  "authRoles",
  "authUsers",
  "cluster",
  "key",
  "lease",
  "members",
  "members_removed",
  "meta",
] as const;

export type BucketName = (typeof BUCKET_NAMES)[number];

/** The buckets that say who is in the cluster, and what it has agreed on. */
export const CLUSTER_BUCKETS = ["members", "members_removed", "cluster"] as const;

/** Keys of bucket `meta`. */
export const META = {
  /** u64 big-endian: index of the last entry whose changes are in the database. */
  consistentIndex: bytesFromLatin1("consistent_index"),
  /** u64 big-endian: term of that entry. */
  term: bytesFromLatin1("term"),
  /** Go's JSON of raftpb.ConfState. */
  confState: bytesFromLatin1("confState"),
  scheduledCompactRev: bytesFromLatin1("scheduledCompactRev"),
  finishedCompactRev: bytesFromLatin1("finishedCompactRev"),
  /** Text such as 3.6.0; only a 3.6 server writes it. */
  storageVersion: bytesFromLatin1("storageVersion"),
} as const;

/** Keys of bucket `cluster`. */
export const CLUSTER = {
  clusterVersion: bytesFromLatin1("clusterVersion"),
  downgrade: bytesFromLatin1("downgrade"),
} as const;

/** Keys of bucket `auth`. */
export const AUTH = {
  authEnabled: bytesFromLatin1("authEnabled"),
  authRevision: bytesFromLatin1("authRevision"),
} as const;
