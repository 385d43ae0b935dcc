/**
 * The headers by which members recognize each other: who asks, with which release, from which cluster.
 *
 * Source: etcd server/etcdserver/api/rafthttp (http.go, util.go).
 */
import type { HeaderOf, HttpHeaders } from "../ports/http.ts";
import type { Log } from "../ports/log.ts";
import { compareVersions, parseVersion, type Version } from "../membership/version.ts";
import type { LocalPeer } from "./network.ts";
import { formatId } from "./member-id.ts";

export const INCOMPATIBLE_VERSION = "incompatible version";
export const CLUSTER_ID_MISMATCH = "cluster ID mismatch";

/** The oldest cluster that this release can be a member of. Source: etcd api/version (MinClusterVersion). */
export const MIN_CLUSTER_VERSION = "3.0.0";

/** What those who do not name their release are taken for. */
const UNNAMED_VERSION = "2.0.0";

const MIN_CLUSTER: Version = { major: 3, minor: 0 };

/** Headers of every request of `self` that belongs to Raft. */
export function requestHeaders(self: LocalPeer, serverVersion: string): Record<string, string> {
  const headers: Record<string, string> = {
    "X-Server-From": formatId(self.id),
    "X-Server-Version": serverVersion,
    "X-Min-Cluster-Version": MIN_CLUSTER_VERSION,
    "X-Etcd-Cluster-ID": formatId(self.clusterId),
  };
  if (self.peerUrls.length > 0) headers["X-PeerURLs"] = self.peerUrls.join(",");
  return headers;
}

/** The header by which answers name the cluster. */
export function clusterHeader({ clusterId }: LocalPeer): HttpHeaders {
  return { "X-Etcd-Cluster-ID": formatId(clusterId) };
}

/** The release that a header names; `undefined` for what is no version. */
export function versionHeader(header: HeaderOf, name: string): Version | undefined {
  return parseVersion(header(name) || UNNAMED_VERSION);
}

/**
 * Looks whether whoever asks may speak with `self`. Returns the refusal, which the answer carries with
 * status 412, and logs why.
 */
export function refuseStranger(
  header: HeaderOf,
  self: LocalPeer,
  serverVersion: string,
  log: Log,
): string | undefined {
  const incompatibility = incompatibilityOf(header, serverVersion);
  const remoteClusterId = header("x-etcd-cluster-id");
  const isSameCluster = remoteClusterId === formatId(self.clusterId);
  if (incompatibility === undefined && isSameCluster) return undefined;
  const fields = {
    "local-member-id": formatId(self.id),
    "local-member-cluster-id": formatId(self.clusterId),
    "local-member-server-version": serverVersion,
    "local-member-server-minimum-cluster-version": MIN_CLUSTER_VERSION,
    "remote-peer-server-name": header("x-server-from"),
    "remote-peer-server-version": header("x-server-version") || UNNAMED_VERSION,
    "remote-peer-server-minimum-cluster-version":
      header("x-min-cluster-version") || UNNAMED_VERSION,
  };
  if (incompatibility !== undefined) {
    log.warn("failed to check version compatibility", { ...fields, error: incompatibility });
    return INCOMPATIBLE_VERSION;
  }
  log.warn("request cluster ID mismatch", { ...fields, "remote-peer-cluster-id": remoteClusterId });
  return CLUSTER_ID_MISMATCH;
}

/** Why the release of whoever asks does not fit. Where etcd panics on what is no version, it does not fit. */
function incompatibilityOf(header: HeaderOf, serverVersion: string): string | undefined {
  const remote = versionHeader(header, "x-server-version");
  const remoteMinimum = versionHeader(header, "x-min-cluster-version");
  const local = parseVersion(serverVersion);
  const name = `remote[${header("x-server-from")}]=${header("x-server-version") || UNNAMED_VERSION}`;
  if (remote === undefined || compareVersions(remote, MIN_CLUSTER) < 0) {
    return `remote version is too low: ${name}, local=${serverVersion}`;
  }
  const isTooOld =
    local === undefined || remoteMinimum === undefined || compareVersions(remoteMinimum, local) > 0;
  return isTooOld ? `local version is too low: ${name}, local=${serverVersion}` : undefined;
}
