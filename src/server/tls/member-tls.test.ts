/** Every flag of TLS has its effect: members of flags meet clients and each other in this process. */
import * as fs from "node:fs";
import tls, { type ConnectionOptions } from "node:tls";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { MemoryLog } from "../../../sim/memory-log.ts";
import { CertificateFolder, type IssuedCertificate } from "../../../test/harness/certificates.ts";
import { readConfigFile } from "../../cmd/config-file/read-config-file.ts";
import { parseServerArgs } from "../../cmd/server-args.ts";
import { systemClock } from "../../platform/clock.ts";
import { listenOn, type SocketStream } from "../../platform/tcp.ts";
import type { TlsAcceptor } from "../../platform/tls/acceptor.ts";
import { MemberTls } from "./member-tls.ts";

const made = new CertificateFolder();
const { authority, server, client } = made;
const elsewhere = authority.issue({ cn: "elsewhere", ipAddresses: ["10.0.0.1"] });
afterAll(() => made.remove());

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const PAIR = [`--cert-file=${server.certFile}`, `--key-file=${server.keyFile}`];
const PEER = [
  `--peer-cert-file=${server.certFile}`,
  `--peer-key-file=${server.keyFile}`,
  `--peer-trusted-ca-file=${authority.caFile}`,
];
const CA = `--trusted-ca-file=${authority.caFile}`;

function memberOf(flags: readonly string[]): MemberTls {
  const parsed = parseServerArgs({
    command: [
      "etcd",
      "--listen-client-urls=https://127.0.0.1:1",
      "--advertise-client-urls=https://127.0.0.1:1",
      "--listen-peer-urls=https://127.0.0.1:2",
      "--initial-advertise-peer-urls=https://127.0.0.1:2",
      "--initial-cluster=default=https://127.0.0.1:2",
      `--data-dir=${made.folder}/data`,
      ...flags,
    ],
    environment: {},
    defaultHost: undefined,
    runtime: { version: "20.0.0", platform: "linux", arch: "x64" },
    readConfigFile,
  });
  if (parsed.kind === "exit") throw new Error(JSON.stringify(parsed.records));
  return new MemberTls(parsed.config, systemClock, new MemoryLog());
}

interface Listening {
  readonly port: number;
  readonly accepted: SocketStream[];
}

async function listen(acceptor: TlsAcceptor | undefined): Promise<Listening> {
  if (acceptor === undefined) throw new Error("It is encrypted");
  const accepted: SocketStream[] = [];
  const listener = await listenOn({ kind: "tcp", host: "127.0.0.1", port: 0 }, (stream) =>
    acceptor.accept(stream, (secure) => {
      accepted.push(secure);
      secure.write(Buffer.from("in"));
    }),
  );
  closers.push(() => {
    listener.close();
    acceptor.close();
    for (const stream of accepted) stream.destroy();
  });
  return { port: listener.port, accepted };
}

const clients = (...flags: string[]): Promise<Listening> =>
  listen(memberOf([...PAIR, ...flags]).openClients());
const peers = (...flags: string[]): Promise<Listening> =>
  listen(memberOf([...PEER, ...flags]).openPeers());

/** Whether a client gets in. */
function isLetIn(
  { port }: Listening,
  certificate?: IssuedCertificate,
  options: ConnectionOptions = {},
): Promise<boolean> {
  const own = certificate && { cert: certificate.certPem, key: certificate.keyPem };
  const ca = fs.readFileSync(authority.caFile);
  return new Promise((resolve) => {
    const socket = tls.connect({ port, host: "127.0.0.1", ca, ...own, ...options });
    const finish = (isIn: boolean): void => {
      resolve(isIn);
      socket.destroy();
    };
    socket.on("data", () => finish(true));
    socket.on("end", () => finish(false));
    socket.on("error", () => finish(false));
  });
}

describe("clients", () => {
  test("--client-cert-auth and --trusted-ca-file", async () => {
    const open = await clients();
    expect(await isLetIn(open)).toBe(true);
    const byFile = await clients(CA);
    expect([await isLetIn(byFile), await isLetIn(byFile, client)]).toEqual([false, true]);
    expect(byFile.accepted[0].peer.commonName).toBeUndefined();
    const byName = await clients(CA, "--client-cert-auth");
    expect([await isLetIn(byName), await isLetIn(byName, client)]).toEqual([false, true]);
    expect(byName.accepted[0].peer.commonName).toBe("client");
    const bySystem = await clients("--client-cert-auth");
    expect(await isLetIn(bySystem, client)).toBe(false);
  });

  test("--client-crl-file", async () => {
    const listening = await clients(CA, `--client-crl-file=${authority.revoke([client])}`);
    expect([await isLetIn(listening, client), await isLetIn(listening, server)]).toEqual([
      false,
      true,
    ]);
  });

  test("--client-cert-allowed-hostname", async () => {
    const listening = await clients(CA, "--client-cert-allowed-hostname=a,10.0.0.1");
    expect([await isLetIn(listening, client), await isLetIn(listening, elsewhere)]).toEqual([
      false,
      true,
    ]);
  });

  test("--cipher-suites, --tls-min-version and --tls-max-version", async () => {
    const old: ConnectionOptions = { maxVersion: "TLSv1.2" };
    const newest: ConnectionOptions = { minVersion: "TLSv1.3" };
    const both = async (...flags: string[]): Promise<boolean[]> => {
      const listening = await clients(...flags);
      return [
        await isLetIn(listening, undefined, old),
        await isLetIn(listening, undefined, newest),
      ];
    };
    expect(await both()).toEqual([true, true]);
    expect(await both("--tls-min-version=TLS1.3")).toEqual([false, true]);
    expect(await both("--tls-max-version=TLS1.2")).toEqual([true, false]);
    // The key is not an RSA key.
    const suites = "--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    expect(await both(suites)).toEqual([false, true]);
  });

  test("--auto-tls and --self-signed-cert-validity", async () => {
    const flags = ["--auto-tls", "--self-signed-cert-validity=2"];
    const listening = await listen(memberOf(flags).openClients());
    const ca = fs.readFileSync(`${made.folder}/data/fixtures/client/cert.pem`);
    expect(await isLetIn(listening, undefined, { ca })).toBe(true);
    expect(await isLetIn(listening)).toBe(false);
  });
});

describe("peers", () => {
  test("--peer-cert-allowed-cn and --peer-cert-allowed-hostname", async () => {
    const byCn = await peers("--peer-cert-allowed-cn=client");
    expect([await isLetIn(byCn, client), await isLetIn(byCn, server)]).toEqual([true, false]);
    const byHost = await peers("--peer-cert-allowed-hostname=localhost");
    expect([await isLetIn(byHost, client), await isLetIn(byHost, server)]).toEqual([false, true]);
  });

  test("--peer-crl-file", async () => {
    const listening = await peers(`--peer-crl-file=${authority.revoke([client])}`);
    expect([await isLetIn(listening, client), await isLetIn(listening, server)]).toEqual([
      false,
      true,
    ]);
  });

  test("--experimental-peer-skip-client-san-verification", async () => {
    expect(await isLetIn(await peers(), elsewhere)).toBe(false);
    const skipping = await peers("--experimental-peer-skip-client-san-verification");
    expect(await isLetIn(skipping, elsewhere)).toBe(true);
  });

  test("--peer-auto-tls, and members that trust each other because of it", async () => {
    const member = memberOf(["--peer-auto-tls"]);
    const { port } = await listen(member.openPeers());
    const socket = member.dialer.connect("127.0.0.1", port);
    await new Promise((resolve, reject) =>
      socket.once("secureConnect", resolve).once("error", reject),
    );
    socket.destroy();
  });

  test("--peer-client-cert-file is shown instead of --peer-cert-file", async () => {
    const other = [
      `--peer-client-cert-file=${client.certFile}`,
      `--peer-client-key-file=${client.keyFile}`,
    ];
    const { port } = await peers("--peer-cert-allowed-cn=client");
    const dialled = (...flags: string[]): Promise<boolean> =>
      new Promise((resolve) => {
        const member = memberOf([...PEER, ...flags]);
        member.openPeers();
        const socket = member.dialer.connect("127.0.0.1", port);
        socket.on("data", () => resolve(true));
        socket.on("end", () => resolve(false));
        socket.on("error", () => resolve(false));
        closers.push(() => socket.destroy());
      });
    expect([await dialled(), await dialled(...other)]).toEqual([false, true]);
  });
});
