/**
 * Cipher suites by their names in Go, which etcd's flag takes, and in OpenSSL, which encrypts here.
 *
 * Source: Go crypto/tls (CipherSuites, InsecureCipherSuites, cipherSuitesPreferenceOrder; Go 1.24); etcd
 * client/pkg/tlsutil/cipher_suites.go; golang.org/x/net/http2 (ConfigureServer, isBadCipher).
 */
import { goQuoteText } from "../stdx/go-url.ts";

/** Suites of TLS 1.3, which cannot be chosen. */
const TLS13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/** Suites of TLS 1.2 in the order in which Go prefers them; "" for those that OpenSSL does not have any more. */
const TLS12: ReadonlyMap<string, string> = new Map([
  ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"],
  ["TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"],
  ["TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"],
  ["TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"],
  ["TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"],
  ["TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", ""],
  ["TLS_RSA_WITH_3DES_EDE_CBC_SHA", ""],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"],
  ["TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"],
  ["TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", ""],
  ["TLS_ECDHE_RSA_WITH_RC4_128_SHA", ""],
  ["TLS_RSA_WITH_RC4_128_SHA", ""],
]);

/** How many of them Go offers when none are chosen. */
const DEFAULT_COUNT = 10;

/** Older names of two suites, which etcd takes too. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"],
]);

/** Suites of which HTTP/2 demands one. */
const FOR_HTTP2 = [
  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
] as const;

/** Why `names` cannot be used at all; `undefined` when they can. */
export function cipherSuitesProblem(names: readonly string[]): string | undefined {
  const unknown = names.find((name) => !TLS12.has(fullName(name)) && !TLS13.includes(name));
  return unknown === undefined ? undefined : `unexpected TLS cipher suite ${goQuoteText(unknown)}`;
}

/** Why a server of HTTP/2 cannot be restricted to `names`; `undefined` when it can, or when there are none. */
export function http2CiphersProblem(names: readonly string[]): string | undefined {
  const full = names.map(fullName);
  if (names.length === 0 || FOR_HTTP2.some((name) => full.includes(name))) return undefined;
  return `http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at least one of ${FOR_HTTP2.join(" or ")})`;
}

export interface CipherChoice {
  /** As OpenSSL takes it, those of TLS 1.3 among them. */
  readonly list: string;
  /** Whether there is one for TLS 1.2. */
  readonly hasTls12: boolean;
}

/** What OpenSSL is told for `names`, which have been found usable; none of them means Go's default. */
export function cipherChoice(names: readonly string[]): CipherChoice {
  const wanted = new Set(names.map(fullName));
  const all = [...TLS12];
  const chosen =
    names.length === 0 ? all.slice(0, DEFAULT_COUNT) : all.filter(([name]) => wanted.has(name));
  const known = chosen.map(([, openssl]) => openssl).filter((openssl) => openssl !== "");
  return { list: [...TLS13, ...known].join(":"), hasTls12: known.length > 0 };
}

/** Whether HTTP/2 may be spoken over a suite, by its name in OpenSSL. Source: RFC 9113, appendix A. */
export function isFitForHttp2(openssl: string): boolean {
  return /^TLS_|^ECDHE-.*(?:-GCM-|CHACHA20)/.test(openssl);
}

function fullName(name: string): string {
  return ALIASES.get(name) ?? name;
}
