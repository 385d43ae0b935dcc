/** The certificates of a chain as node:tls has them. */
import { type Certificate, parseCertificate } from "../../tls/certificate.ts";
import { DerError } from "../../tls/der-reader.ts";

/** A certificate with the one that vouches for it; a root has itself there. */
interface LinkedCertificate {
  readonly raw?: Uint8Array;
  readonly issuerCertificate?: LinkedCertificate;
}

/**
 * The certificates with which the other side proved who it is, its own first, up to the root where that is
 * known. Empty where it showed none.
 */
export function readChain(leaf: LinkedCertificate | undefined | null): Certificate[] | DerError {
  const chain: Certificate[] = [];
  const seen = new Set<LinkedCertificate>();
  for (let next = leaf; next?.raw !== undefined && !seen.has(next); next = next.issuerCertificate) {
    seen.add(next);
    const certificate = parseCertificate(next.raw);
    if (certificate instanceof DerError) return certificate;
    chain.push(certificate);
  }
  return chain;
}
