import * as fs from "node:fs";
import net from "node:net";
import tls, { type ConnectionOptions } from "node:tls";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { type LogLine, MemoryLog } from "../../../sim/memory-log.ts";
import { CertificateFolder, type IssuedCertificate } from "../../../test/harness/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import type { NameLookups } from "../../tls/peer-rules.ts";
import { systemClock } from "../clock.ts";
import { TLS_FILES_CHECK_MS, TLS_HANDSHAKES_MAX } from "../limits.ts";
import { listenOn, type SocketStream } from "../tcp.ts";
import {
  checkFitness,
  TlsAcceptor,
  type TlsAcceptorParts,
  type TlsServerRules,
} from "./acceptor.ts";
import { type TlsFileNames, TlsFiles } from "./files.ts";
import type { TlsStrength } from "./secure-context.ts";

const made = new CertificateFolder();
const other = made.otherAuthority();
const intermediate = made.authority.intermediate("intermediate");
const { server, client, authority } = made;
afterAll(() => made.remove());

const STRENGTH: TlsStrength = {
  versions: { min: "TLSv1.2", max: "TLSv1.3" },
  cipherSuites: [],
};

const OPEN: TlsServerRules = {
  requiresCertificate: false,
  namesCaller: false,
  allowed: { commonNames: [], hostNames: [] },
  addressLookups: undefined,
};
const STRICT: TlsServerRules = { ...OPEN, requiresCertificate: true, namesCaller: true };

interface Listening {
  readonly port: number;
  readonly acceptor: TlsAcceptor;
  readonly lines: LogLine[];
  readonly accepted: SocketStream[];
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(
  rules: TlsServerRules = OPEN,
  names: Partial<TlsFileNames> = {},
  strength: Partial<TlsStrength> = {},
  more: Pick<TlsAcceptorParts, "handshakeTimeoutMs"> & { clock?: Clock } = {},
): Promise<Listening> {
  const log = new MemoryLog();
  const { lines } = log;
  const files = TlsFiles.open(
    {
      certFile: server.certFile,
      keyFile: server.keyFile,
      caFile: rules.requiresCertificate ? authority.caFile : "",
      crlFile: "",
      ...names,
    },
    log,
  );
  const acceptor = new TlsAcceptor({
    files,
    strength: { ...STRENGTH, ...strength },
    rules,
    clock: systemClock,
    log,
    rejectedMessage: "rejected connection on client endpoint",
    ...more,
  });
  const accepted: SocketStream[] = [];
  const listener = await listenOn({ kind: "tcp", host: "127.0.0.1", port: 0 }, (stream) =>
    acceptor.accept(stream, (secure) => {
      accepted.push(secure);
      secure.setHandler({
        onBytes: (bytes) => secure.write(bytes.slice()),
        onWritable: () => undefined,
        onClosed: () => undefined,
      });
    }),
  );
  closers.push(() => {
    listener.close();
    acceptor.close();
    for (const stream of accepted) stream.destroy();
  });
  return { port: listener.port, acceptor, lines, accepted };
}

interface Outcome {
  readonly echo: string;
  readonly failure: string;
  readonly alpn: string | false | null;
  readonly session: Buffer | undefined;
  readonly reused: boolean;
}

/** Connects, sends a word, waits for it to come back or for the end. */
function talk(port: number, options: ConnectionOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    let session: Buffer | undefined;
    const socket = tls.connect({
      port,
      host: "127.0.0.1",
      ca: fs.readFileSync(authority.caFile),
      ALPNProtocols: ["h2"],
      ...options,
    });
    const finish = (echo: string, failure: string): void => {
      resolve({
        echo,
        failure,
        alpn: socket.alpnProtocol,
        session,
        reused: socket.isSessionReused(),
      });
      socket.destroy();
    };
    socket.on("session", (bytes) => (session = bytes));
    socket.on("secureConnect", () => socket.write("hello"));
    socket.on("data", (bytes) => setTimeout(() => finish(bytes.toString(), ""), 20));
    socket.on("error", (error: NodeJS.ErrnoException) => finish("", error.code ?? error.message));
    socket.on("end", () => finish("", "end"));
  });
}

function as(certificate: IssuedCertificate): ConnectionOptions {
  return { cert: certificate.certPem, key: certificate.keyPem };
}

async function rejection({ lines }: Listening): Promise<LogLine> {
  const rejected = (): LogLine | undefined =>
    lines.find(({ message }) => message.startsWith("rejected"));
  while (rejected() === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  const line = rejected();
  if (line === undefined) throw new Error("there is one");
  return line;
}

describe("TlsAcceptor without certificates of clients", () => {
  test("hands on what it decrypts, and agrees on h2 or http/1.1", async () => {
    const { port, accepted } = await listen();
    expect(await talk(port)).toMatchObject({ echo: "hello", alpn: "h2" });
    expect(await talk(port, { ALPNProtocols: ["http/1.1"] })).toMatchObject({ alpn: "http/1.1" });
    expect(await talk(port, { ALPNProtocols: ["http/1.1", "h2"] })).toMatchObject({ alpn: "h2" });
    expect(accepted[0].secure).toBe(true);
    expect(accepted[0].peer.commonName).toBeUndefined();
    expect(accepted[0].peer.address).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test.each<[string, ConnectionOptions, string]>([
    [
      "no protocol in common",
      { ALPNProtocols: ["foo"] },
      "tls: client requested unsupported application protocols",
    ],
    [
      "an old version",
      { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
      "tls: client offered only unsupported versions",
    ],
    [
      "no cipher in common",
      { maxVersion: "TLSv1.2", ciphers: "AES128-SHA" },
      "tls: no cipher suite supported by both client and server",
    ],
  ])("says of %s what etcd says", async (_, options, error) => {
    const listening = await listen();
    expect((await talk(listening.port, options)).echo).toBe("");
    const { level, fields } = await rejection(listening);
    expect(fields).toMatchObject({ "server-name": "", error });
    expect(fields["remote-addr"]).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(level).toBe("warn");
  });

  test("closes a connection that is not TLS", async () => {
    const listening = await listen();
    const socket = net.connect(listening.port, "127.0.0.1", () =>
      socket.write("GET / HTTP/1.1\r\n\r\n"),
    );
    await new Promise((resolve) => socket.once("close", resolve));
    expect((await rejection(listening)).fields["error"]).toBe(
      "tls: first record does not look like a TLS handshake",
    );
  });

  test("speaks quietly of one that only looks whether the port is open", async () => {
    const listening = await listen();
    net.connect(listening.port, "127.0.0.1", function (this: net.Socket) {
      this.end();
    });
    expect(await rejection(listening)).toMatchObject({ level: "debug", fields: { error: "EOF" } });
    expect(listening.acceptor.waiting).toBe(0);
  });

  test("tells when HTTP/2 was agreed on with a cipher that it does not allow", async () => {
    const { port, accepted } = await listen();
    const options = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA" } as const;
    await talk(port, { ...options, ALPNProtocols: ["http/1.1"] });
    await talk(port, options);
    await talk(port);
    expect(accepted.map(({ prohibitsHttp2 }) => prohibitsHttp2)).toEqual([false, true, false]);
  });

  test("keeps to the versions and ciphers that it was given", async () => {
    const strict = await listen(OPEN, {}, { versions: { min: "TLSv1.3", max: "TLSv1.3" } });
    expect((await talk(strict.port, { maxVersion: "TLSv1.2" })).echo).toBe("");
    expect((await talk(strict.port)).echo).toBe("hello");
    const old = await listen(OPEN, {}, { versions: { min: "TLSv1.2", max: "TLSv1.2" } });
    expect((await talk(old.port, { minVersion: "TLSv1.3" })).echo).toBe("");
    const cipherSuites = ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"];
    const chosen = await listen(OPEN, {}, { cipherSuites });
    const offer = (ciphers: string) => talk(chosen.port, { maxVersion: "TLSv1.2", ciphers });
    expect((await offer("ECDHE-ECDSA-AES256-GCM-SHA384")).echo).toBe("");
    expect((await offer("ECDHE-ECDSA-AES128-GCM-SHA256")).echo).toBe("hello");
    expect((await talk(chosen.port)).echo).toBe("hello");
  });

  test("gives up the oldest handshakes when too many are under way, and keeps nobody out", async () => {
    const { port, acceptor, lines } = await listen();
    const idle: net.Socket[] = [];
    closers.push(() => {
      for (const socket of idle) socket.destroy();
    });
    let ended = 0;
    for (let count = 0; count < TLS_HANDSHAKES_MAX + 50; count++) {
      const socket = net.connect(port, "127.0.0.1");
      socket.on("error", () => undefined).on("close", () => ended++);
      socket.resume();
      idle.push(socket);
      if (count % 100 === 0) await new Promise((resolve) => socket.once("connect", resolve));
    }
    while (ended < 50) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(acceptor.waiting).toBe(TLS_HANDSHAKES_MAX);
    expect((await talk(port)).echo).toBe("hello");
    const told = lines.filter(({ message }) => message.startsWith("too many"));
    expect(told).toHaveLength(1);
    expect(lines).toHaveLength(1);
  });
});

describe("TlsAcceptor with certificates of clients", () => {
  test("knows who calls by the certificate", async () => {
    const { port, accepted } = await listen(STRICT);
    expect((await talk(port, as(client))).echo).toBe("hello");
    expect((await talk(port, as(authority.issue({ organization: "o" })))).echo).toBe("hello");
    expect((await talk(port, as(intermediate.issue({ cn: "below" })))).echo).toBe("hello");
    expect((await talk(port, as(authority.issue({ cn: "rsa", keyKind: "rsa" })))).echo).toBe(
      "hello",
    );
    expect(accepted.map(({ peer }) => peer.commonName)).toEqual(["client", "", "below", "rsa"]);
  });

  test.each<[string, () => ConnectionOptions, string]>([
    ["none", () => ({}), "tls: client didn't provide a certificate"],
    [
      "one of another authority",
      () => as(other.issue({ cn: "client" })),
      "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    ],
    [
      "an expired one",
      () => as(authority.issue({ cn: "client", untilDay: -0.5 })),
      "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
    ],
    [
      "one of tomorrow",
      () => as(authority.issue({ cn: "client", fromDay: 1 })),
      "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
    ],
    [
      "one that is for servers",
      () => as(authority.issue({ cn: "client", usage: "server" })),
      "tls: failed to verify certificate: x509: certificate specifies an incompatible key usage",
    ],
  ])("%s is refused", async (_, options, error) => {
    const listening = await listen(STRICT);
    expect((await talk(listening.port, options())).echo).toBe("");
    const { level, fields } = await rejection(listening);
    expect({ level, error: fields["error"] }).toEqual({ level: "warn", error });
    expect(fields["remote-addr"]).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(listening.accepted).toEqual([]);
    expect(listening.acceptor.waiting).toBe(0);
  });

  test("whoever is in the file is trusted, also where it is not the root", async () => {
    const caFile = `${made.folder}/alone.crt`;
    fs.writeFileSync(caFile, intermediate.own.certPem);
    const listening = await listen(STRICT, { caFile });
    expect((await talk(listening.port, as(intermediate.issue({ cn: "below" })))).echo).toBe(
      "hello",
    );
    expect((await talk(listening.port, as(client))).echo).toBe("");
  });

  test("a client without one is told so by an alert", async () => {
    const { port } = await listen(STRICT);
    expect((await talk(port)).failure).toBe("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED");
  });

  test("no session is taken up again, in any version", async () => {
    const { port } = await listen(STRICT);
    const resumable = await listen(OPEN);
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      for (const [at, isReused] of [
        [port, false],
        [resumable.port, true],
      ] as const) {
        const first = await talk(at, { ...as(client), maxVersion });
        const session = first.session;
        const again = await talk(at, { ...as(client), maxVersion, ...(session && { session }) });
        expect({ echo: again.echo, reused: again.reused }).toEqual({
          echo: "hello",
          reused: isReused,
        });
      }
    }
  });

  test("only names on the list are let in", async () => {
    const byCn = await listen({
      ...STRICT,
      allowed: { commonNames: ["a", "client"], hostNames: [] },
    });
    expect((await talk(byCn.port, as(client))).echo).toBe("hello");
    expect((await talk(byCn.port, as(server))).echo).toBe("");
    expect((await rejection(byCn)).fields).toMatchObject({
      "ip-addresses": ["127.0.0.1", "::1"],
      "dns-names": ["localhost"],
      error: "client certificate authentication failed",
    });
    const byHost = await listen({
      ...STRICT,
      allowed: { commonNames: [], hostNames: ["m1.example"] },
    });
    const wild = authority.issue({ cn: "m", dnsNames: ["*.example"] });
    expect((await talk(byHost.port, as(wild))).echo).toBe("hello");
    expect((await talk(byHost.port, as(client))).echo).toBe("");
  });

  test("a certificate with names must come from one of them", async () => {
    const answers: Record<string, readonly string[]> = {
      "m.example": ["127.0.0.1"],
      "n.example": ["10.0.0.1"],
    };
    const addressLookups: NameLookups = {
      namesOf: (_, done) => done(["host.lan."]),
      addressesOf: (name, done) => done(answers[name] ?? new Error(`lookup ${name}: no such host`)),
    };
    const listening = await listen({ ...STRICT, addressLookups });
    for (const [wish, isWelcome] of [
      [{ ipAddresses: ["127.0.0.1"] }, true],
      [{ ipAddresses: ["10.0.0.1"] }, false],
      [{ dnsNames: ["m.example"] }, true],
      [{ dnsNames: ["n.example"] }, false],
      [{ dnsNames: ["*.lan"] }, true],
      [{ dnsNames: ["*.wan"] }, false],
      [{ ipAddresses: ["10.0.0.1"], dnsNames: ["m.example"] }, true],
      [{ cn: "nameless" }, true],
      [{ dnsNames: ["x.example"] }, false],
    ] as const) {
      const echo = (await talk(listening.port, as(authority.issue(wish)))).echo;
      expect(echo, JSON.stringify(wish)).toBe(isWelcome ? "hello" : "");
    }
    expect(listening.lines.map(({ fields }) => fields["error"])).toEqual([
      "x509: certificate is valid for 10.0.0.1, not 127.0.0.1",
      'tls: "127.0.0.1" does not match any of DNSNames ["n.example"]',
      'tls: "127.0.0.1" does not match any of DNSNames ["*.wan"]',
      'tls: "127.0.0.1" does not match any of DNSNames ["x.example"] (lookup x.example: no such host)',
    ]);
  });

  test("revoked certificates are refused, also those that vouch for others", async () => {
    const leaf = intermediate.issue({ cn: "leaf" });
    for (const [revoked, form, isOutdated] of [
      [client, "pem", false],
      [client, "der", false],
      [client, "pem", true],
      [intermediate.own, "pem", false],
    ] as const) {
      const crlFile = authority.revoke([revoked], { form, isOutdated });
      const listening = await listen(STRICT, { crlFile });
      const [bad, good] = revoked === client ? [client, leaf] : [leaf, client];
      expect((await talk(listening.port, as(bad))).echo).toBe("");
      expect((await talk(listening.port, as(good))).echo).toBe("hello");
      const serial = Buffer.from(revoked.serial).toString("hex");
      expect((await rejection(listening)).fields["error"]).toBe(
        `transport: certificate serial ${serial} revoked`,
      );
    }
  });

  test("a revoked intermediate counts when the server has it in its own file of authorities", async () => {
    const both = `${made.folder}/both.crt`;
    fs.writeFileSync(both, authority.own.certPem + intermediate.own.certPem);
    const leaf = intermediate.issue({ cn: "leaf" });
    const alone = leaf.certPem.slice(0, leaf.certPem.indexOf("-----END") + 27);
    const options = { cert: alone, key: leaf.keyPem };
    const open = await listen(STRICT, { caFile: both });
    expect((await talk(open.port, options)).echo).toBe("hello");
    const listening = await listen(STRICT, {
      caFile: both,
      crlFile: authority.revoke([intermediate.own]),
    });
    expect((await talk(listening.port, options)).echo).toBe("");
    expect((await rejection(listening)).fields["error"]).toMatch(/ revoked$/);
  });
});

describe("TlsAcceptor whose files change", () => {
  /** A clock on which every look finds that it is time to look at the files. */
  function hurrying(): Clock {
    let nowMs = 0;
    return { ...systemClock, nowMs: () => (nowMs += TLS_FILES_CHECK_MS) };
  }

  test("shows the new certificate, trusts the new authorities, and knows who was revoked", async () => {
    const names: TlsFileNames = {
      certFile: `${made.folder}/live.crt`,
      keyFile: `${made.folder}/live.key`,
      caFile: `${made.folder}/live-ca.crt`,
      crlFile: `${made.folder}/live.crl`,
    };
    const use = (certificate: IssuedCertificate): void => {
      fs.copyFileSync(certificate.certFile, names.certFile);
      fs.copyFileSync(certificate.keyFile, names.keyFile);
    };
    use(server);
    fs.copyFileSync(authority.caFile, names.caFile);
    fs.writeFileSync(names.crlFile, authority.revocationList([]));
    const { port, lines } = await listen(STRICT, names, {}, { clock: hurrying() });
    const both = [authority.own.certPem, other.own.certPem];
    const stranger = as(other.issue({ cn: "stranger" }));
    const tell = async (options: ConnectionOptions): Promise<string> =>
      (await talk(port, { ca: both, ...options })).echo;

    expect(await tell(as(client))).toBe("hello");
    expect(await tell(stranger)).toBe("");
    fs.writeFileSync(names.caFile, both.join(""));
    expect(await tell(stranger)).toBe("hello");
    fs.writeFileSync(names.crlFile, authority.revocationList([client]));
    expect(await tell(as(client))).toBe("");
    expect(await tell(stranger)).toBe("hello");
    expect(await tell({ ...stranger, ca: other.own.certPem })).toBe("");
    use(other.issue({ ipAddresses: ["127.0.0.1"] }));
    expect(await tell({ ...stranger, ca: other.own.certPem })).toBe("hello");
    lines.length = 0;
    fs.writeFileSync(names.certFile, "broken");
    expect(await tell({ ...stranger, ca: other.own.certPem })).toBe("hello");
    expect(lines.map(({ level }) => level)).toEqual(["error"]);
  });
});

test("a handshake that does not go on is ended when its time is up", async () => {
  const listening = await listen(OPEN, {}, {}, { handshakeTimeoutMs: 50 });
  const socket = net.connect(listening.port, "127.0.0.1");
  await new Promise((resolve) => socket.once("close", resolve));
  const { fields } = await rejection(listening);
  expect(fields["error"]).toMatch(/^read tcp 127\.0\.0\.1:\d+: i\/o timeout$/);
});

test("bytes that were read and put back belong to the handshake", async () => {
  const listening = await listen();
  const looking = await listenOn({ kind: "tcp", host: "127.0.0.1", port: 0 }, (stream) => {
    stream.setHandler({
      onBytes(bytes) {
        expect(bytes[0]).toBe(0x16);
        stream.putBack(bytes);
        listening.acceptor.accept(stream, (secure) => {
          secure.setHandler({
            onBytes: (echo) => secure.write(echo.slice()),
            onWritable: () => undefined,
            onClosed: () => undefined,
          });
        });
      },
      onWritable: () => undefined,
      onClosed: () => undefined,
    });
  });
  closers.push(() => looking.close());
  expect((await talk(looking.port)).echo).toBe("hello");
});

test("a Node.js that does not tell the socket below a handshake ends the start", () => {
  const sample = new tls.TLSSocket(new net.Socket());
  expect(() => checkFitness(sample)).not.toThrow();
  Object.defineProperty(sample, "_parent", { value: undefined });
  expect(() => checkFitness(sample)).toThrow(/TLSSocket has no _parent; use another version$/);
});
