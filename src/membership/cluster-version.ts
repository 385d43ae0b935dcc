/**
 * The version that a cluster runs at: the oldest of its members' own, so that nothing is written that one of
 * them does not know. The leader decides it, and never goes back but for a downgrade.
 *
 * Source: etcd server/etcdserver/cluster_util.go (decideClusterVersion), server.go (monitorVersions),
 * api/membership/cluster.go (IsValidVersionChange) (3.5).
 */
import type { Log } from "../ports/log.ts";
import type { Cluster } from "./cluster.ts";
import { formatId } from "./member-info.ts";
import { compareVersions, formatVersion, parseVersion, type Version } from "./version.ts";

/** What a member says of itself and of its cluster. */
export interface MemberVersions {
  readonly server: string;
  /** Such as "3.5.0", or "not_decided". */
  readonly cluster: string;
}

/** The versions of all members by id; `undefined` for a member that does not tell. */
export type VersionsOfMembers = ReadonlyMap<bigint, MemberVersions | undefined>;

/** The version of a new cluster as long as some of its members have not told theirs. */
export const OLDEST_CLUSTER_VERSION: Version = { major: 3, minor: 0 };

/** The oldest version of all members; `undefined` as long as one of them is not known. */
export function oldestServer(
  localVersion: string,
  versions: VersionsOfMembers,
  log: Log,
): Version | undefined {
  const local = parseVersion(localVersion);
  let oldest: Version | undefined;
  for (const [id, told] of versions) {
    if (told === undefined) return undefined;
    const remote = { "remote-member-id": formatId(id), "remote-member-version": told.server };
    const version = parseVersion(told.server);
    if (version === undefined) {
      log.warn("failed to parse server version of remote member", remote);
      return undefined;
    }
    if (local !== undefined && compareVersions(local, version) < 0) {
      log.warn("leader found higher-versioned member", {
        "local-member-version": localVersion,
        ...remote,
      });
    }
    if (oldest === undefined || compareVersions(version, oldest) < 0) oldest = version;
  }
  return oldest;
}

/** The version that the cluster should be given, `undefined` to leave it as it is. */
export function nextClusterVersion(
  { version, downgrade }: Pick<Cluster, "version" | "downgrade">,
  oldest: Version | undefined,
): string | undefined {
  if (version === undefined) return formatVersion(oldest ?? OLDEST_CLUSTER_VERSION);
  const current = parseVersion(version);
  if (oldest === undefined || current === undefined || oldest.major !== current.major) {
    return undefined;
  }
  const next = formatVersion(oldest);
  if (oldest.minor > current.minor) return next;
  // Differs from etcd: it also goes back by one minor version when no downgrade was asked for.
  const isDowngrade = downgrade.enabled && downgrade.targetVersion === next;
  return isDowngrade && oldest.minor === current.minor - 1 ? next : undefined;
}
