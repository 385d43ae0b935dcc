/**
 * The certificate that a member makes for itself when it has none.
 *
 * Source: etcd client/pkg/transport/listener.go (SelfCert; 3.5).
 */
import { splitHostPort, GoUrlError } from "../stdx/go-url.ts";
import { type CertificateContent, KeyUsage } from "./certificate-builder.ts";
import { parseIp } from "./ip-address.ts";
import { ObjectId } from "./object-ids.ts";

const YEAR_MS = 365 * 24 * 3_600_000;

const OWNER = { organization: "etcd" };

/** When a certificate ends that begins now. */
export function selfSignedEndMs(nowMs: number, years: number): number {
  return nowMs + years * YEAR_MS;
}

/**
 * What stands in it. `hosts` are "host:port" as in URLs to listen on; `publicKey` is in DER, `serial` random.
 */
export function selfSignedContent(
  hosts: readonly string[],
  nowMs: number,
  years: number,
  publicKey: Uint8Array,
  serial: Uint8Array,
): CertificateContent {
  const names = hosts.map((host) => {
    const parts = splitHostPort(host);
    return parts instanceof GoUrlError ? "" : parts.host;
  });
  return {
    serial,
    issuer: OWNER,
    subject: OWNER,
    notBeforeMs: nowMs,
    notAfterMs: selfSignedEndMs(nowMs, years),
    publicKey,
    isAuthority: false,
    keyUsage: KeyUsage.DIGITAL_SIGNATURE | KeyUsage.KEY_ENCIPHERMENT,
    extendedKeyUsage: [ObjectId.SERVER_AUTH],
    dnsNames: names.filter((name) => parseIp(name) === undefined),
    ipAddresses: names.filter((name) => parseIp(name) !== undefined),
  };
}
