/**
 * Versions as members compare them: major, minor and patch, with what may follow ignored.
 *
 * Source: coreos/go-semver (Version.Set), etcd server/etcdserver/cluster_util.go (convertToClusterVersion).
 */
const SEMANTIC_VERSION = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]*)?(\+[0-9A-Za-z.-]*)?$/;
const NUMBER_MAX = (1n << 63n) - 1n;

export interface Version {
  readonly major: number;
  readonly minor: number;
}

/** Reads "3.5.0", or "3.5" when `mayBeShort`; `undefined` for what is no version. */
export function parseVersion(text: string, mayBeShort = false): Version | undefined {
  const parts =
    SEMANTIC_VERSION.exec(text) ?? (mayBeShort ? SEMANTIC_VERSION.exec(`${text}.0`) : null);
  if (parts === null) return undefined;
  const [, major, minor, patch] = parts;
  if ([major, minor, patch].some((part) => BigInt(part) > NUMBER_MAX)) return undefined;
  return { major: Number(major), minor: Number(minor) };
}

/** In the form of a cluster version: patch 0. */
export function formatVersion({ major, minor }: Version): string {
  return `${major}.${minor}.0`;
}

/** A cluster version as etcd logs it: "3.5" for "3.5.0". */
export function shortVersion(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

/** Negative when `a` is older than `b`, 0 when they are the same but for the patch. */
export function compareVersions(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor;
}
