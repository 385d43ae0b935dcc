/**
 * The authorities that this machine trusts, from where Go looks for them on Linux.
 *
 * Source: Go crypto/x509 (root_unix.go, root_linux.go).
 */
import fs from "node:fs";

const FILES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

let found: string | undefined;
let isLooked = false;

/**
 * Certificates in PEM, read once; `undefined` where the machine has no such file: those that Node.js brings
 * along are trusted then.
 */
export function systemAuthorities(): string | undefined {
  if (isLooked) return found;
  isLooked = true;
  const named = process.env["SSL_CERT_FILE"] ?? "";
  for (const file of named === "" ? FILES : [named]) {
    try {
      found = fs.readFileSync(file, "latin1");
      return found;
    } catch {
      // The next one, then.
    }
  }
  return undefined;
}
