/**
 * What is wrong with the files of a certificate and its key before anybody looks into them.
 *
 * Source: Go crypto/tls (X509KeyPair).
 */
import { type PemBlock, pemBlocks } from "./pem.ts";

/** The blocks of both files, or why they are not a certificate and a key, in the words of Go. */
export function keyPairBlocks(
  cert: string,
  key: string,
): { readonly chain: readonly PemBlock[]; readonly key: PemBlock } | string {
  const certBlocks = pemBlocks(cert);
  const chain = certBlocks.filter(({ label }) => label === "CERTIFICATE");
  if (chain.length === 0) return noCertificate(certBlocks);
  const keyBlocks = pemBlocks(key);
  const found = keyBlocks.find(
    ({ label }) => label === "PRIVATE KEY" || label.endsWith(" PRIVATE KEY"),
  );
  return found === undefined ? noKey(keyBlocks) : { chain, key: found };
}

function noCertificate(blocks: readonly PemBlock[]): string {
  if (blocks.length === 0) return "tls: failed to find any PEM data in certificate input";
  if (blocks.length === 1 && blocks[0].label.endsWith("PRIVATE KEY")) {
    return "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched";
  }
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${labelsOf(blocks)}`;
}

function noKey(blocks: readonly PemBlock[]): string {
  if (blocks.length === 0) return "tls: failed to find any PEM data in key input";
  if (blocks.length === 1 && blocks[0].label === "CERTIFICATE") {
    return "tls: found a certificate rather than a key in the PEM for the private key";
  }
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${labelsOf(blocks)}`;
}

function labelsOf(blocks: readonly PemBlock[]): string {
  return `[${blocks.map(({ label }) => label).join(" ")}]`;
}
