/**
 * The third step of a restore: the log and the snapshot file of a member of the new cluster, as if the
 * cluster had been founded and a snapshot been taken right then.
 *
 * ```
 *   log:   metadata | no snapshot | one configuration change per member | hard state | snapshot at the last
 *   .snap: term 1, index of the last change, the v2 store with all members
 * ```
 *
 * Source: etcd etcdutl/snapshot/v3_snapshot.go (saveWALAndSnap).
 */
import { FOUNDING_TERM, foundingEntries } from "../membership/founding-entries.ts";
import type { MemberInfo } from "../membership/member-info.ts";
import { encodeFoundingV2Store } from "../membership/v2-store.ts";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import { createWal } from "../wal/create-wal.ts";
import { saveSnapshotFile } from "../wal/snapshot-files.ts";
import type { WalEnvironment } from "../wal/types.ts";
import type { Wal } from "../wal/wal.ts";
import { encodeMetadata } from "../wire/gen/raft-internal.ts";
import { createConfState } from "../wire/gen/raft.ts";
import { written } from "./copy-snapshot.ts";

/** A cluster to be, and the member of it that this is. */
export interface Founding {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** By ascending id; at least one. */
  readonly members: readonly MemberInfo[];
}

export interface LogPlace {
  readonly walDirectory: string;
  readonly snapDirectory: string;
  /** Bytes of a segment of the log; etcd's when absent. */
  readonly segmentBytes?: number | undefined;
}

/** Makes both, durably. The parent of the log's directory must exist. Errors: WalError, DiskError. */
export async function foundLog(
  environment: WalEnvironment,
  { walDirectory, snapDirectory, segmentBytes }: LogPlace,
  { clusterId, memberId, members }: Founding,
): Promise<void> {
  const metadata = encodeMetadata({ nodeId: memberId, clusterId });
  const size = segmentBytes === undefined ? {} : { segmentBytes };
  const wal = await openedWal({ ...environment, directory: walDirectory, ...size }, metadata);
  const term = FOUNDING_TERM;
  const index = members.length;
  const confState = createConfState({ voters: members.map(({ id }) => id) });
  try {
    const hardState = { term, vote: members[0].id, commit: index };
    await written((done) => wal.append({ entries: foundingEntries(members), hardState }, done));
    const data = bytesFromUtf8(encodeFoundingV2Store(members));
    const snapshot = { data, metadata: { confState, index, term } };
    const place = { ...environment, directory: snapDirectory };
    await written((done) => saveSnapshotFile(place, snapshot, done));
    // The record vouches for the file, so it comes second.
    const record = { index, term, confState };
    await written((done) => wal.append({ snapshot: record, entries: [] }, done));
  } finally {
    await written((done) => wal.close(done));
  }
}

/** Makes a log and opens it. Errors: WalError, DiskError. */
export function openedWal(
  options: Parameters<typeof createWal>[0],
  metadata: Uint8Array,
): Promise<Wal> {
  return new Promise((resolve, reject) => {
    createWal(options, metadata, (failure, wal) => {
      if (failure !== undefined) reject(failure);
      else if (wal !== undefined) resolve(wal);
    });
  });
}
