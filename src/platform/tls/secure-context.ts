/** What OpenSSL is told about keys, trust, versions and ciphers. */
import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import { cipherChoice } from "../../tls/cipher-suites.ts";
import type { VersionRange } from "../../tls/versions.ts";
import type { TlsMaterial } from "./files.ts";
import { systemAuthorities } from "./system-authorities.ts";

/** How connections are encrypted. */
export interface TlsStrength {
  readonly versions: VersionRange;
  /** Names of Go; none for its default. They have been found valid. */
  readonly cipherSuites: readonly string[];
}

/** Options for a context of `material`; `verifies` tells whether certificates of others are looked at. */
export function contextOptions(
  { pair, authorities }: TlsMaterial,
  { versions, cipherSuites }: TlsStrength,
  verifies: boolean,
): SecureContextOptions {
  const { list, hasTls12 } = cipherChoice(cipherSuites);
  // Those of the system are many, and read for nothing where nobody asks them.
  const unnamed = verifies ? systemAuthorities() : [];
  const trusted = authorities === undefined ? unnamed : [...authorities];
  return {
    ...(pair === undefined ? {} : pair),
    ...(trusted === undefined ? {} : { ca: trusted }),
    // As for Go, whoever is in the file is trusted, also where that is not the root of a chain.
    allowPartialTrustChain: true,
    minVersion: hasTls12 ? versions.min : "TLSv1.3",
    maxVersion: versions.max,
    ciphers: list,
    honorCipherOrder: true,
  };
}

/**
 * What servers do without. Like Go's they let nobody begin a second handshake on a connection. One that demands
 * certificates takes up no session again: a certificate that expired, was revoked or belongs to an authority
 * that is no longer trusted must not live on in one.
 */
export function serverRestrictions(demandsCertificates: boolean): SecureContextOptions {
  const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants;
  return {
    secureOptions: SSL_OP_NO_RENEGOTIATION | (demandsCertificates ? SSL_OP_NO_TICKET : 0),
  };
}
