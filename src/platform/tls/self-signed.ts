/**
 * Makes the certificate of a member that has none, and writes it where it is found at the next start.
 *
 * Source: etcd client/pkg/transport/listener.go (SelfCert; 3.5).
 */
import { createSign, generateKeyPairSync, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { Log } from "../../ports/log.ts";
import { encodeCertificate } from "../../tls/certificate-builder.ts";
import { ObjectId } from "../../tls/object-ids.ts";
import { pemText } from "../../tls/pem.ts";
import { selfSignedContent, selfSignedEndMs } from "../../tls/self-signed.ts";

/** Where a certificate and its key are; absolute. */
export interface CertificatePlace {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * Returns the certificate in `directory`, and makes it first when there is none: for `hosts` ("host:port"),
 * valid for `years` from now. Throws what the file system throws.
 */
export function selfSignedCertificate(
  directory: string,
  hosts: readonly string[],
  years: number,
  nowMs: number,
  log: Log,
): CertificatePlace {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const certFile = path.resolve(directory, "cert.pem");
  const keyFile = path.resolve(directory, "key.pem");
  const place = { certFile, keyFile };
  if (fs.existsSync(certFile) && fs.existsSync(keyFile)) return place;
  log.warn("automatically generate certificates", {
    "certificate-validity-bound-not-after": timeText(selfSignedEndMs(nowMs, years)),
  });
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-521" });
  const content = selfSignedContent(
    hosts,
    nowMs,
    years,
    publicKey.export({ type: "spki", format: "der" }),
    randomBytes(16),
  );
  const certificate = encodeCertificate(content, {
    algorithm: ObjectId.ECDSA_WITH_SHA512,
    sign: (bytes) => createSign("sha512").update(bytes).sign(privateKey),
  });
  writeWhole(certFile, pemText("CERTIFICATE", certificate), 0o644);
  log.info("created cert file", { path: certFile });
  writeWhole(keyFile, privateKey.export({ type: "sec1", format: "pem" }), 0o600);
  log.info("created key file", { path: keyFile });
  return place;
}

/** A time as zap prints it. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}

/** After a crash there is the whole file, or none under its name. */
function writeWhole(file: string, content: string | Buffer, mode: number): void {
  const temporary = `${file}.tmp`;
  fs.rmSync(temporary, { force: true });
  fs.writeFileSync(temporary, content, { mode, flag: "wx", flush: true });
  fs.chmodSync(temporary, mode);
  fs.renameSync(temporary, file);
}
