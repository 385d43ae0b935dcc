/** Certificates of a run: an authority, a server on this machine, a client. */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { encodeCertificate, KeyUsage } from "../../dist/tls/certificate-builder.js";
import { ObjectId } from "../../dist/tls/object-ids.js";
import { pemText } from "../../dist/tls/pem.js";

const DAY_MS = 86_400_000;

const AUTHORITY = { name: "bench-ca", isAuthority: true, keyUsage: KeyUsage.CERT_SIGN };
const LEAF = { isAuthority: false, keyUsage: KeyUsage.DIGITAL_SIGNATURE };

/** Writes `ca.crt`, and `server` and `client` each with `.crt` and `.key`, into `folder`. */
export function writeCertificates(folder) {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  write(folder, "ca", authority, AUTHORITY, authority.privateKey);
  for (const name of ["server", "client"]) {
    const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    write(folder, name, keys, { ...LEAF, name }, authority.privateKey);
  }
  const file = (name) => path.join(folder, name);
  return {
    caFile: file("ca.crt"),
    certFile: file("server.crt"),
    keyFile: file("server.key"),
    /** As `dial` takes it. */
    dialTls: {
      serverName: "127.0.0.1",
      insecureSkipVerify: false,
      ca: fs.readFileSync(file("ca.crt"), "utf8"),
      cert: fs.readFileSync(file("client.crt"), "utf8"),
      key: fs.readFileSync(file("client.key"), "utf8"),
    },
  };
}

function write(folder, fileName, keys, { name, isAuthority, keyUsage }, signingKey) {
  const certificate = encodeCertificate(
    {
      serial: Uint8Array.of(1, ...randomBytes(8)),
      issuer: { commonName: AUTHORITY.name },
      subject: { commonName: name },
      notBeforeMs: Date.now() - DAY_MS,
      notAfterMs: Date.now() + DAY_MS,
      publicKey: keys.publicKey.export({ type: "spki", format: "der" }),
      isAuthority,
      keyUsage,
      extendedKeyUsage: isAuthority ? [] : [ObjectId.SERVER_AUTH, ObjectId.CLIENT_AUTH],
      dnsNames: [],
      ipAddresses: isAuthority ? [] : ["127.0.0.1"],
    },
    {
      algorithm: ObjectId.ECDSA_WITH_SHA256,
      sign: (bytes) => sign("sha256", bytes, signingKey),
    },
  );
  fs.writeFileSync(path.join(folder, `${fileName}.crt`), pemText("CERTIFICATE", certificate));
  const key = keys.privateKey.export({ type: "pkcs8", format: "pem" });
  fs.writeFileSync(path.join(folder, `${fileName}.key`), key, { mode: 0o600 });
}
