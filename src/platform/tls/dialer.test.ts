import * as fs from "node:fs";
import tls, { type TlsOptions } from "node:tls";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { MemoryLog } from "../../../sim/memory-log.ts";
import { CertificateFolder, type IssuedCertificate } from "../../../test/harness/certificates.ts";
import type { HttpClient, HttpResponseHandler } from "../../ports/http.ts";
import { systemClock } from "../clock.ts";
import { TLS_FILES_CHECK_MS } from "../limits.ts";
import { createHttpClient } from "../http-client.ts";
import { TlsDialer, type TlsDialerParts } from "./dialer.ts";
import { type TlsFileNames, TlsFiles } from "./files.ts";

const made = new CertificateFolder();
const other = made.otherAuthority();
const { authority, server, client } = made;
afterAll(() => made.remove());

const servers: tls.Server[] = [];
afterEach(() => {
  for (const each of servers.splice(0)) each.close();
});

/** A server that answers every request with the CN of its client; its port, or 0 for a Unix socket. */
function serve(
  certificate: IssuedCertificate,
  options: TlsOptions = {},
  socketName?: string,
): Promise<number> {
  const listening = tls.createServer(
    { cert: certificate.certPem, key: certificate.keyPem, ...options },
    (socket) => {
      const name = String(socket.getPeerCertificate().subject?.CN ?? "nobody");
      socket.on("error", () => undefined);
      socket.once("data", () =>
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`),
      );
    },
  );
  servers.push(listening);
  return new Promise((resolve) => {
    const listen = socketName === undefined ? { port: 0, host: "127.0.0.1" } : { path: socketName };
    listening.listen(listen, () => {
      const address = listening.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

/** Asks once. */
function ask(
  url: string,
  names: Partial<TlsFileNames> = {},
  parts: Partial<TlsDialerParts> = {},
): Promise<string> {
  return dialling(names, parts)(url);
}

/** Asks for pages: their body, or why there is none. */
function dialling(
  names: Partial<TlsFileNames>,
  parts: Partial<TlsDialerParts>,
): (url: string) => Promise<string> {
  const files = TlsFiles.open(
    { certFile: "", keyFile: "", caFile: authority.caFile, crlFile: "", ...names },
    new MemoryLog(),
  );
  const dialer = new TlsDialer({
    files,
    strength: { versions: { min: "TLSv1.2", max: "TLSv1.3" }, cipherSuites: [] },
    allowed: { commonNames: [], hostNames: [] },
    trustsAnybody: false,
    serverName: "",
    clock: systemClock,
    ...parts,
  });
  const http = createHttpClient(() => dialer);
  return (url) => get(http, url);
}

function get(http: HttpClient, url: string): Promise<string> {
  return new Promise((resolve) => {
    let body = "";
    const handler: HttpResponseHandler = {
      onResponse: () => undefined,
      onBytes: (bytes) => (body += Buffer.from(bytes).toString()),
      onWritable: () => undefined,
      onEnd: () => resolve(body),
      onFailed: (reason) => resolve(reason.message),
    };
    const body0 = new Uint8Array(0);
    const times = { connectTimeoutMs: 10_000, stallTimeoutMs: 0 };
    http.request({ method: "GET", url, headers: {}, body: body0, ...times, reuse: false }, handler);
  });
}

describe("a client of https", () => {
  test("verifies who answers", async () => {
    const port = await serve(server);
    expect(await ask(`https://127.0.0.1:${port}`)).toBe("nobody");
    expect(await ask(`https://localhost:${port}`)).toBe("nobody");
    expect(await ask(`https://127.0.0.1:${port}`, { caFile: other.caFile })).toBe(
      "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    );
    expect(await ask(`https://127.0.0.1:${port}`, {}, { serverName: "m.example" })).toBe(
      "tls: failed to verify certificate: x509: certificate is valid for localhost, not m.example",
    );
    const nameless = await serve(authority.issue({ cn: "127.0.0.1" }));
    expect(await ask(`https://127.0.0.1:${nameless}`)).toBe(
      "tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead",
    );
    expect(await ask(`https://127.0.0.1:${nameless}`, {}, { trustsAnybody: true })).toBe("nobody");
  });

  test("goes through Unix sockets, too, which are named like a host and a port", async () => {
    const before = process.cwd();
    process.chdir(made.folder);
    try {
      const [port, free] = [await serve(server, {}, "localhost:1"), "localhost:2"];
      expect(port).toBe(0);
      expect(await ask("unixs://localhost:1/page")).toBe("nobody");
      const asked = ask("unixs://localhost:1", {}, { serverName: "m.example" });
      expect(await asked).toMatch(/certificate is valid for localhost, not m\.example$/);
      expect(await ask("unix://localhost:1")).toBe("EOF");
      expect(await ask(`unix://${free}`)).toBe(
        `dial unix ${free}: connect: no such file or directory`,
      );
    } finally {
      process.chdir(before);
    }
  });

  test("shows its own certificate", async () => {
    const port = await serve(server, { requestCert: true, ca: fs.readFileSync(authority.caFile) });
    const own = { certFile: client.certFile, keyFile: client.keyFile };
    expect(await ask(`https://127.0.0.1:${port}`, own)).toBe("client");
    expect(await ask(`https://127.0.0.1:${port}`)).toBe("remote error: tls: certificate required");
  });

  test("keeps to names on a list, and to what is not revoked", async () => {
    const port = await serve(server);
    const only = (commonName: string): Partial<TlsDialerParts> => ({
      allowed: { commonNames: [commonName], hostNames: [] },
    });
    expect(await ask(`https://127.0.0.1:${port}`, {}, only("server"))).toBe("nobody");
    expect(await ask(`https://127.0.0.1:${port}`, {}, only("member"))).toBe(
      "client certificate authentication failed",
    );
    const crlFile = authority.revoke([server]);
    expect(await ask(`https://127.0.0.1:${port}`, { crlFile })).toMatch(
      /^transport: certificate serial [0-9a-f]+ revoked$/,
    );
    expect(await ask(`https://127.0.0.1:${port}`, { crlFile: authority.revoke([client]) })).toBe(
      "nobody",
    );
  });

  test("files that change count from the next connection on", async () => {
    const own = authority.issue({ cn: "member" });
    const stranger = other.issue({ ipAddresses: ["127.0.0.1"] });
    const names: TlsFileNames = {
      certFile: `${made.folder}/live.crt`,
      keyFile: `${made.folder}/live.key`,
      caFile: `${made.folder}/live-ca.crt`,
      crlFile: `${made.folder}/live.crl`,
    };
    const use = ({ certFile, keyFile }: IssuedCertificate): void => {
      fs.copyFileSync(certFile, names.certFile);
      fs.copyFileSync(keyFile, names.keyFile);
    };
    use(client);
    fs.copyFileSync(other.caFile, names.caFile);
    fs.writeFileSync(names.crlFile, authority.revocationList([]));
    let nowMs = 0;
    const clock = { ...systemClock, nowMs: () => (nowMs += TLS_FILES_CHECK_MS) };
    const get = dialling(names, { clock });
    const options = { requestCert: true, ca: authority.own.certPem };
    const first = `https://127.0.0.1:${await serve(stranger, options)}`;
    const second = `https://127.0.0.1:${await serve(server, options)}`;
    expect(await get(first)).toBe("client");
    use(own);
    expect(await get(first)).toBe("member");
    expect(await get(second)).toMatch(/signed by unknown authority$/);
    fs.copyFileSync(authority.caFile, names.caFile);
    expect(await get(second)).toBe("member");
    fs.writeFileSync(names.crlFile, authority.revocationList([server]));
    expect(await get(second)).toMatch(/revoked$/);
    fs.writeFileSync(names.crlFile, "broken");
    expect(await get(second)).toMatch(/revoked$/);
  });

  test("a server that speaks something else, or nothing", async () => {
    const { createServer } = await import("node:net");
    const plain = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", () => resolve()));
    const { port } = plain.address() as { port: number };
    expect(await ask(`https://127.0.0.1:${port}`)).toBe(
      "tls: first record does not look like a TLS handshake",
    );
    plain.close();
  });
});
