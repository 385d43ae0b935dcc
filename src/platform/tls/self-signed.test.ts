import { X509Certificate } from "node:crypto";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryLog } from "../../../sim/memory-log.ts";
import { selfSignedCertificate } from "./self-signed.ts";

let folder = "";
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-fixtures-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const HOSTS = ["127.0.0.1:2379", "[::1]:2379", "localhost:2379"];

test("makes a certificate as etcd does, for the hosts, and uses it again", () => {
  const log = new MemoryLog();
  const directory = path.join(folder, "fixtures", "client");
  const nowMs = Date.UTC(2030, 1, 3, 4, 5, 6);
  const place = selfSignedCertificate(directory, HOSTS, 2, nowMs, log);
  expect(place).toEqual({
    certFile: path.join(directory, "cert.pem"),
    keyFile: path.join(directory, "key.pem"),
  });
  const pem = fs.readFileSync(place.certFile, "utf8");
  const certificate = new X509Certificate(pem);
  expect(certificate.subject).toBe("O=etcd");
  expect(certificate.subjectAltName).toBe(
    "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
  );
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "secp521r1" });
  const { validFrom, validTo } = certificate;
  expect(Date.parse(validTo) - Date.parse(validFrom)).toBe(2 * 365 * 24 * 3_600_000);
  expect(fs.readFileSync(place.keyFile, "utf8")).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
  const modes = [directory, place.certFile, place.keyFile].map(
    (name) => fs.statSync(name).mode & 0o777,
  );
  expect(modes).toEqual([0o700, 0o644, 0o600]);
  expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
    ["warn", "automatically generate certificates"],
    ["info", "created cert file"],
    ["info", "created key file"],
  ]);
  expect(log.lines[0].fields).toEqual({
    "certificate-validity-bound-not-after": "2032-02-03T04:05:06.000000Z",
  });

  log.lines.length = 0;
  expect(selfSignedCertificate(directory, ["b:1"], 1, nowMs, log)).toEqual(place);
  expect(fs.readFileSync(place.certFile, "utf8")).toBe(pem);
  expect(log.lines).toEqual([]);
});

test("a client that has the certificate can trust it", async () => {
  const place = selfSignedCertificate(folder, HOSTS, 1, Date.now() - 1000, new MemoryLog());
  const cert = fs.readFileSync(place.certFile);
  const server = tls.createServer({ cert, key: fs.readFileSync(place.keyFile) }, (socket) =>
    socket.end(),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as { port: number };
  const socket = tls.connect({ port, host: "127.0.0.1", ca: cert });
  await new Promise((resolve, reject) =>
    socket.once("secureConnect", resolve).once("error", reject),
  );
  expect(socket.authorized).toBe(true);
  socket.destroy();
  server.close();
});
