/** Versions of TLS by the names that etcd's flags take. Source: etcd client/pkg/tlsutil/versions.go. */
import { goQuoteText } from "../stdx/go-url.ts";

const VERSIONS = { "TLS1.2": "TLSv1.2", "TLS1.3": "TLSv1.3" } as const;

/** A version as OpenSSL is told. */
export type TlsVersion = (typeof VERSIONS)[keyof typeof VERSIONS];

export interface VersionRange {
  readonly min: TlsVersion;
  readonly max: TlsVersion;
}

/** The versions that two flags allow, or why there are none. Empty means the least or greatest there is. */
export function versionRange(min: string, max: string): VersionRange | string {
  for (const name of [min, max]) {
    if (name === "" || name in VERSIONS) continue;
    return `unexpected TLS version ${goQuoteText(name)} (must be one of: TLS1.2, TLS1.3)`;
  }
  if (min !== "" && max !== "" && min > max) {
    return `min version (${min}) is greater than max version (${max})`;
  }
  return {
    min: VERSIONS[min as keyof typeof VERSIONS] ?? "TLSv1.2",
    max: VERSIONS[max as keyof typeof VERSIONS] ?? "TLSv1.3",
  };
}
