/**
 * Downgrade of a cluster by one minor version: what may be asked for, what the cluster remembers of it, and
 * which members may run meanwhile.
 *
 * Source: etcd server/etcdserver/api/membership/downgrade.go, cluster.go, server/etcdserver/v3_server.go
 * (downgradeValidate, downgradeCancel) (3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { assert } from "../stdx/assert.ts";
import { goJsonString, JsonError, type JsonValue, parseJson } from "../stdx/json.ts";
import type { Cluster } from "./cluster.ts";
import { compareVersions, formatVersion, parseVersion } from "./version.ts";

export interface Downgrade {
  readonly enabled: boolean;
  /** "3.4.0"; empty when not enabled. */
  readonly targetVersion: string;
}

export const NO_DOWNGRADE: Downgrade = { enabled: false, targetVersion: "" };

/** The target to use, in the form of a cluster version, when `target` is where the cluster may go. */
export function checkDowngrade(
  cluster: Cluster,
  target: string,
): { readonly targetVersion: string } | EtcdError {
  const wanted = parseVersion(target, true);
  if (wanted === undefined) return Errors.WrongDowngradeVersionFormat;
  const current = parseVersion(cluster.version ?? "");
  if (current === undefined) return Errors.ClusterVersionUnavailable;
  const { major, minor } = current;
  if (wanted.major !== major || wanted.minor !== minor - 1) {
    return Errors.InvalidDowngradeTargetVersion;
  }
  return cluster.downgrade.enabled
    ? Errors.DowngradeInProcess
    : { targetVersion: formatVersion(wanted) };
}

/** Why there is nothing to cancel. */
export function checkDowngradeCancel(cluster: Cluster): EtcdError | undefined {
  return cluster.downgrade.enabled ? undefined : Errors.NoInflightDowngrade;
}

/** Why a server of `serverVersion` must not run in the cluster, in etcd's words. */
export function serverVersionProblem(
  serverVersion: string,
  clusterVersion: string | undefined,
  { enabled, targetVersion }: Downgrade,
): string | undefined {
  const server = parseVersion(serverVersion);
  assert(server !== undefined, "The version of this server must be one");
  if (enabled) {
    const target = parseVersion(targetVersion);
    if (target !== undefined && compareVersions(server, target) === 0) return undefined;
    return "invalid downgrade; server version is not allowed to join when downgrade is enabled";
  }
  const cluster = parseVersion(clusterVersion ?? "");
  if (cluster === undefined || compareVersions(server, cluster) >= 0) return undefined;
  return "invalid downgrade; server version is lower than determined cluster version";
}

/** Go's JSON, as bucket `cluster` keeps it. */
export function encodeDowngrade({ enabled, targetVersion }: Downgrade): string {
  return `{"target-version":${goJsonString(targetVersion)},"enabled":${enabled}}`;
}

/** Asserts the form that `encodeDowngrade` writes. */
export function decodeDowngrade(text: string): Downgrade {
  const value = jsonOf(text);
  assert(
    value !== null && typeof value === "object" && !Array.isArray(value),
    "The stored downgrade must be a JSON object",
  );
  const fields = value as { readonly [name: string]: JsonValue };
  const { "target-version": targetVersion = "", enabled = false } = fields;
  assert(typeof targetVersion === "string", "The stored target of a downgrade must be a text");
  assert(
    typeof enabled === "boolean",
    "Whether a downgrade is enabled must be stored as a boolean",
  );
  return { enabled, targetVersion };
}

function jsonOf(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return null;
  }
}
