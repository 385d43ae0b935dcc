/** Versions of TLS by the names that etcd's flags take. Source: etcd client/pkg/tlsutil/versions.go. */
import { goQuoteText } from "../stdx/go-url.ts";

/** A version as OpenSSL is told. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

const VERSIONS: ReadonlyMap<string, TlsVersion> = new Map([
  ["TLS1.2", "TLSv1.2"],
  ["TLS1.3", "TLSv1.3"],
]);

export interface VersionRange {
  readonly min: TlsVersion;
  readonly max: TlsVersion;
}

/** The versions that two flags allow, or why there are none. Empty means the least or greatest there is. */
export function versionRange(min: string, max: string): VersionRange | string {
  for (const name of [min, max]) {
    if (name === "" || VERSIONS.has(name)) continue;
    return `unexpected TLS version ${goQuoteText(name)} (must be one of: TLS1.2, TLS1.3)`;
  }
  if (min !== "" && max !== "" && min > max) {
    return `min version (${min}) is greater than max version (${max})`;
  }
  return {
    min: VERSIONS.get(min) ?? "TLSv1.2",
    max: VERSIONS.get(max) ?? "TLSv1.3",
  };
}
