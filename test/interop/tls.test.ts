/**
 * TLS for clients, the real etcd and ours with the same flags side by side: what tools say, what the log says,
 * what is answered over HTTP/1.1 and HTTP/2.
 */
import http2 from "node:http2";
import https from "node:https";
import tls, { type ConnectionOptions } from "node:tls";
import * as fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CertificateFolder, type IssuedCertificate } from "../harness/certificates.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts, type RunResult, runProgram } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

const made = new CertificateFolder();
const { authority, server, client } = made;
const other = made.otherAuthority();
const stranger = other.issue({ cn: "stranger" });
const expired = authority.issue({ cn: "expired", untilDay: -0.5 });
const forServers = authority.issue({ cn: "server", usage: "server" });
const revoked = authority.issue({ cn: "revoked" });
const elsewhere = authority.issue({ cn: "elsewhere", dnsNames: ["elsewhere.example"] });

/** A server with certificates on both sides, and one without that of clients. */
interface Listening {
  readonly etcd: EtcdProcess;
  /** Certificates of clients are required on it. */
  readonly mutual: number;
  /** The same on the other family of addresses. */
  readonly ipv6: number;
  /** With and without TLS on one port. */
  readonly both: number;
}

async function listen(command?: readonly string[]): Promise<Listening> {
  const [plain, peer, mutual, ipv6, both] = await freePorts(5);
  const urls = [
    `http://127.0.0.1:${plain}`,
    `https://127.0.0.1:${mutual}`,
    `https://[::1]:${ipv6}`,
    `http://127.0.0.1:${both}`,
    `https://127.0.0.1:${both}`,
  ];
  const etcd = await startEtcd({
    ...(command === undefined ? {} : { command }),
    ports: [plain, peer],
    flags: [
      `--listen-client-urls=${urls.join(",")}`,
      "--advertise-client-urls=https://127.0.0.1:2379",
      `--cert-file=${server.certFile}`,
      `--key-file=${server.keyFile}`,
      `--trusted-ca-file=${authority.caFile}`,
      "--client-cert-auth",
      `--client-crl-file=${authority.revoke([revoked])}`,
    ],
  });
  return { etcd, mutual, ipv6, both };
}

let real: Listening;
let ours: Listening;

async function untilLogged(etcd: EtcdProcess, text: string): Promise<void> {
  for (let tries = 0; !etcd.log().includes(text); tries++) {
    if (tries === 1000) throw new Error(`Nobody logs ${text}:\n${etcd.log().slice(-3000)}`);
    await sleep(20);
  }
}

/** What etcdctl says, without what differs from run to run. */
function masked({ code, stdout, stderr }: RunResult): unknown {
  const text = stderr
    .toString()
    .replace(/"ts":"[^"]*","logger":"etcd-client","caller":"[^"]*"/, "")
    .replace(/etcd-endpoints:\/\/0x[0-9a-f]+\/[^"]*/, "target")
    .replace(/\d+\.\d+\.\d+\.\d+:\d+|\[::1\]:\d+/g, "address")
    // How a connection ends that the other side closes depends on who is first.
    .replace(/read tcp address->address: read: connection reset by peer/, "EOF")
    .replace(/connection error: desc = \\"error reading server preface: EOF\\"/, "EOF")
    .replace(/write tcp address->address: write: broken pipe/, "EOF");
  return { code, stdout: stdout.toString(), stderr: text };
}

/** Certificates as flags of etcdctl. */
function as(certificate: IssuedCertificate): string[] {
  return [`--cert=${certificate.certFile}`, `--key=${certificate.keyFile}`];
}

const GOAWAY = 7;

const CA = `--cacert=${authority.caFile}`;

/** An endpoint with more flags of etcdctl. */
type Endpoint = (at: Listening) => string[];

/** Cases in which the outcome is the same whoever is asked by whom, to the letter. */
const SERVED: readonly (readonly [string, Endpoint])[] = [
  ["all is right", ({ mutual }) => [`https://127.0.0.1:${mutual}`, CA, ...as(client)]],
  ["over IPv6", ({ ipv6 }) => [`https://[::1]:${ipv6}`, CA, ...as(client)]],
  ["by name", ({ mutual }) => [`https://localhost:${mutual}`, CA, ...as(client)]],
  ["without a scheme", ({ mutual }) => [`127.0.0.1:${mutual}`, CA, ...as(client)]],
  [
    "without looking",
    ({ mutual }) => [`https://127.0.0.1:${mutual}`, "--insecure-skip-tls-verify", ...as(client)],
  ],
  ["TLS where both are", ({ both }) => [`https://127.0.0.1:${both}`, CA, ...as(client)]],
  ["none where both are", ({ both }) => [`http://127.0.0.1:${both}`]],
];

const UNSERVED: readonly (readonly [string, Endpoint])[] = [
  [
    "another authority",
    ({ mutual }) => [`https://127.0.0.1:${mutual}`, `--cacert=${other.caFile}`, ...as(client)],
  ],
  ["the authorities of the system", ({ mutual }) => [`https://127.0.0.1:${mutual}`, ...as(client)]],
  ["no TLS where it must be", ({ mutual }) => [`http://127.0.0.1:${mutual}`]],
  ["TLS where there is none", ({ etcd }) => [`https://${etcd.endpoint}`, CA, ...as(client)]],
];

/** Certificates that are refused: how that looks from outside depends on who writes first. */
const REFUSED: readonly (readonly [string, readonly string[], string])[] = [
  ["none", [], "tls: client didn't provide a certificate"],
  [
    "of another authority",
    as(stranger),
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  ],
  [
    "expired",
    as(expired),
    "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
  ],
  [
    "for servers",
    as(forServers),
    "tls: failed to verify certificate: x509: certificate specifies an incompatible key usage",
  ],
  [
    "revoked",
    as(revoked),
    `transport: certificate serial ${Buffer.from(revoked.serial).toString("hex")} revoked`,
  ],
];

describe.skipIf(REFERENCE === undefined)("TLS against the real etcd", () => {
  beforeAll(async () => {
    [real, ours] = await Promise.all([listen(), listen(OUR_ETCD)]);
  }, 120_000);

  afterAll(async () => {
    await Promise.all([real?.etcd.remove(), ours?.etcd.remove()]);
    made.remove();
  });

  const etcdctl = (args: readonly string[], seconds: number): Promise<RunResult> =>
    runProgram(path.join(REFERENCE ?? "", "etcdctl"), [...args, `--command-timeout=${seconds}s`], {
      timeoutMs: 60_000,
    });

  const expectSame = async (endpoint: Endpoint, seconds: number): Promise<void> => {
    const argsOf = (at: Listening): string[] => {
      const [url, ...flags] = endpoint(at);
      return ["put", "key", "value", `--endpoints=${url}`, ...flags];
    };
    const [wanted, served, asked] = await Promise.all([
      etcdctl(argsOf(real), seconds),
      etcdctl(argsOf(ours), seconds),
      runOurEtcdctl([...argsOf(ours), `--command-timeout=${seconds}s`]),
    ]);
    expect(masked(served)).toEqual(masked(wanted));
    expect(masked(asked)).toEqual(masked(wanted));
  };

  test.each(SERVED)("etcdctl: %s", (_, endpoint) => expectSame(endpoint, 30), 60_000);

  // Those that fail wait for their end, together.
  test.concurrent.each(UNSERVED)("etcdctl: %s", (_, endpoint) => expectSame(endpoint, 3), 90_000);

  test.concurrent.each(REFUSED)(
    "a certificate is refused: %s",
    async (_, flags, error) => {
      const outcomes = await Promise.all(
        [real, ours].map(async ({ etcd, mutual }) => {
          const args = [
            "put",
            "key",
            "value",
            `--endpoints=https://127.0.0.1:${mutual}`,
            CA,
            ...flags,
          ];
          const { code, stderr } = await etcdctl(args, 3);
          await untilLogged(etcd, error);
          const line =
            etcd
              .log()
              .split("\n")
              .find((text) => text.includes(error)) ?? "";
          const { level, msg, ...fields } = JSON.parse(line);
          for (const name of ["ts", "caller", "remote-addr", "error"]) delete fields[name];
          return { code, last: stderr.toString().trim().split("\n").at(-1), level, msg, fields };
        }),
      );
      expect(outcomes[1]).toEqual(outcomes[0]);
    },
    90_000,
  );

  test("HTTP/1.1 and HTTP/2 are answered alike, and a certificate of a client may be for any host", async () => {
    const pages = await Promise.all(
      [real, ours].map(async ({ mutual }) => [
        await getHttp1(mutual, client),
        await getHttp2(mutual, client),
        await getHttp1(mutual, elsewhere),
      ]),
    );
    expect(pages[1]).toEqual(pages[0]);
    expect(pages[0][0]).toMatchObject({ status: 200, body: '{"health":"true","reason":""}' });
  });

  test.each<[string, ConnectionOptions]>([
    ["no protocol in common", { ALPNProtocols: ["foo"] }],
    ["h2 before others", { ALPNProtocols: ["http/1.1", "h2"] }],
    [
      "an old version",
      { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" },
    ],
    ["TLS 1.2", { maxVersion: "TLSv1.2" }],
    ["a weak cipher", { maxVersion: "TLSv1.2", ciphers: "AES128-SHA" }],
    [
      "a cipher without forward secrecy in HTTP/2",
      { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES256-SHA" },
    ],
  ])("handshake: %s", async (_, options) => {
    const [wanted, served] = await Promise.all(
      [real, ours].map(({ mutual }) => shakeHands(mutual, options)),
    );
    expect(served).toEqual(wanted);
  });

  test("HTTP/2 over a prohibited cipher is ended with the reason", async () => {
    const options = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA" } as const;
    const ends = await Promise.all(
      [real, ours].map(({ mutual }) => framesUntilEnd(mutual, options)),
    );
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[0]).toEqual({ types: [GOAWAY], code: http2.constants.NGHTTP2_INADEQUATE_SECURITY });
  });
});

function withCertificate(certificate: IssuedCertificate): ConnectionOptions {
  const ca = fs.readFileSync(authority.caFile);
  return { ca, cert: certificate.certPem, key: certificate.keyPem, host: "127.0.0.1" };
}

function getHttp1(port: number, certificate: IssuedCertificate): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = {
      ...withCertificate(certificate),
      port,
      path: "/health",
      agent: false as const,
    };
    https
      .get(options, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode, body }));
      })
      .on("error", reject);
  });
}

function getHttp2(port: number, certificate: IssuedCertificate): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`https://127.0.0.1:${port}`, withCertificate(certificate));
    session.on("error", reject);
    const request = session.request({ ":path": "/health" });
    let status: unknown;
    let body = "";
    request.on("response", (headers) => (status = headers[":status"]));
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      session.close();
      resolve({ status, body, protocol: session.alpnProtocol });
    });
  });
}

/** What comes of a handshake: what was agreed on, or the alert. */
function shakeHands(port: number, options: ConnectionOptions): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = tls.connect({
      ...withCertificate(client),
      port,
      ALPNProtocols: ["h2"],
      ...options,
    });
    socket.on("secureConnect", () => {
      const { alpnProtocol } = socket;
      resolve({ alpnProtocol, cipher: socket.getCipher().name, version: socket.getProtocol() });
      socket.destroy();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

/** The types of the frames that a server of HTTP/2 sends until it closes, and the code of the last one. */
function framesUntilEnd(port: number, options: ConnectionOptions): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = tls.connect({
      ...withCertificate(client),
      port,
      ALPNProtocols: ["h2"],
      ...options,
    });
    const chunks: Buffer[] = [];
    socket.on("secureConnect", () =>
      socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
    );
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      const bytes = Buffer.concat(chunks);
      const types: number[] = [];
      let code = -1;
      for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
        types.push(bytes[at + 3]);
        if (bytes[at + 3] === GOAWAY) code = bytes.readUInt32BE(at + 13);
      }
      resolve({ types, code });
    });
  });
}
