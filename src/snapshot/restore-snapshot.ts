/**
 * A snapshot of a database becomes the data directory of a member of a new cluster.
 *
 * It gets its name when all of it is on the device: see member-places.ts.
 *
 * Source: etcd etcdutl/snapshot/v3_snapshot.go (Restore).
 */
import type { Sha1 } from "../membership/identity.ts";
import { FOUNDING_MEMBERS_MAX } from "../membership/limits.ts";
import { formatId } from "../membership/member-info.ts";
import { FOUNDING_TERM, foundingMembers } from "../membership/founding-entries.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk } from "../ports/disk.ts";
import type { NamedLog } from "../ports/log.ts";
import { makeDurableDirectory } from "../wal/durable-directory.ts";
import { parentOf } from "../wal/segment-name.ts";
import { adoptDatabase } from "./adopt-database.ts";
import {
  type CopyEnvironment,
  copySnapshot,
  openSnapshotFile,
  type SnapshotFile,
} from "./copy-snapshot.ts";
import { type Founding, foundLog } from "./found-log.ts";
import { discardMember, type MemberPlaces, placesOf, publishMember } from "./member-places.ts";
import { asSnapshotError, SnapshotError } from "./snapshot-error.ts";

export interface RestoreOptions {
  readonly snapshotPath: string;
  /** May exist when it is empty. */
  readonly dataDir: string;
  /** Must not exist. `<data-dir>/member/wal` when absent. */
  readonly walDir?: string | undefined;
  /** Which one of `members` this is. */
  readonly name: string;
  readonly members: readonly InitialMember[];
  readonly clusterToken: string;
  readonly skipHashCheck: boolean;
  /** By how much revisions go up; everything up to there counts as compacted then. 0: not at all. */
  readonly revisionBump: bigint;
  /** Only told in the log: nothing is mapped into memory here. */
  readonly initialMemoryMapBytes: bigint;
}

export interface InitialMember {
  readonly name: string;
  readonly peerUrls: readonly string[];
}

export interface RestoreEnvironment extends CopyEnvironment {
  readonly clock: Clock;
  readonly log: NamedLog;
  readonly sha1: Sha1;
  /** Bytes of a segment of the log; etcd's when absent. Simulations take small ones. */
  readonly walSegmentBytes?: number;
}

/** Restores. Errors: SnapshotError; the data directory is as empty as before then. */
export async function restoreSnapshot(
  environment: RestoreEnvironment,
  options: RestoreOptions,
): Promise<void> {
  try {
    await restore(environment, options);
  } catch (error) {
    throw asSnapshotError(error);
  }
}

async function restore(environment: RestoreEnvironment, options: RestoreOptions): Promise<void> {
  const { disk } = environment;
  const places = placesOf(options.dataDir, options.walDir);
  const founding = foundingOf(options, environment.sha1);
  refuseUsedDirectories(disk, options, places);
  const log = environment.log.named("snapshot/restore-snapshot.ts");
  const fields = {
    path: options.snapshotPath,
    "wal-dir": options.walDir ?? places.wal,
    "data-dir": options.dataDir,
    "snap-dir": places.snap,
    "initial-memory-map-size": options.initialMemoryMapBytes,
  };
  log.info("restoring snapshot", fields);
  const snapshot = openSnapshotFile(disk, options.snapshotPath);
  try {
    await make(environment, options, places, founding, snapshot);
  } catch (error) {
    discardMember(disk, places);
    throw error;
  } finally {
    snapshot.file.close();
  }
  publishMember(disk, places);
  log.info("restored snapshot", fields);
}

async function make(
  environment: RestoreEnvironment,
  options: RestoreOptions,
  places: MemberPlaces,
  founding: Founding,
  snapshot: SnapshotFile,
): Promise<void> {
  const { disk, clock } = environment;
  const log = environment.log.named("snapshot/adopt-database.ts");
  const snapDirectory = places.temporarySnap;
  makeDurableDirectory(disk, snapDirectory);
  const database = `${snapDirectory}/db`;
  await copySnapshot(environment, snapshot, database, options.skipHashCheck);
  await adoptDatabase(
    disk,
    database,
    {
      members: founding.members,
      index: founding.members.length,
      term: FOUNDING_TERM,
      revisionBump: options.revisionBump,
      checkIntegrity: options.skipHashCheck,
    },
    log,
  );
  for (const member of founding.members) {
    log.info("added member", {
      "cluster-id": formatId(founding.clusterId),
      "local-member-id": "0",
      "added-peer-id": formatId(member.id),
      "added-peer-peer-urls": member.peerUrls,
      "added-peer-is-learner": false,
    });
  }
  makeDurableDirectory(disk, parentOf(places.temporaryWal));
  const walLog = environment.log.named("wal/wal.ts");
  const place = { walDirectory: places.temporaryWal, snapDirectory };
  const segmentBytes = environment.walSegmentBytes;
  await foundLog({ disk, clock, log: walLog }, { ...place, segmentBytes }, founding);
}

function foundingOf({ members, clusterToken, name }: RestoreOptions, sha1: Sha1): Founding {
  if (members.length > FOUNDING_MEMBERS_MAX) {
    throw new SnapshotError(
      `initial cluster has ${members.length} members, more than ${FOUNDING_MEMBERS_MAX}`,
    );
  }
  const cluster = foundingMembers(members, clusterToken, sha1);
  const self = cluster.members.find((info) => info.name === name);
  if (self === undefined) {
    throw new SnapshotError(
      `couldn't find local name "${name}" in the initial cluster configuration`,
    );
  }
  return { ...cluster, memberId: self.id };
}

function refuseUsedDirectories(
  disk: Disk,
  { dataDir, walDir }: RestoreOptions,
  { wal, temporaryWal }: MemberPlaces,
): void {
  const stat = disk.stat(dataDir);
  if (stat !== undefined && (stat.kind !== "directory" || disk.list(dataDir).length > 0)) {
    throw new SnapshotError(`data-dir "${dataDir}" not empty or could not be read`);
  }
  if (walDir === undefined) return;
  if (disk.stat(wal) !== undefined) throw new SnapshotError(`wal-dir "${walDir}" exists`);
  if (disk.stat(temporaryWal) !== undefined) {
    throw new SnapshotError(`wal-dir "${temporaryWal}" exists`);
  }
}
