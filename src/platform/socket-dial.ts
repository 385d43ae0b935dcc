/**
 * The client's way to a server: an address as users write it ("host:port", "unix:path"), over TCP or a Unix
 * socket, with TLS where asked; failures in the words of Go's net and crypto/tls packages, which users of
 * the tools know.
 *
 * Source: Go net (Dialer.DialContext, OpError), crypto/tls (handshake errors), etcd client/v3 credentials.
 */
import net from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { ByteStream, StreamAddress } from "../ports/network.ts";
import { GoUrlError, splitHostPort } from "../stdx/go-url.ts";
import { joinHostPort, SOCKET_REASONS, SocketStream } from "./tcp.ts";

/** What a client proves and believes in TLS. PEM texts. */
export interface DialTls {
  /** The name that the server's certificate must have; a port behind it does not count. */
  readonly serverName: string;
  /** Accepts any certificate. */
  readonly insecureSkipVerify: boolean;
  /** Authorities to trust instead of the system's. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** A connection that did not come about: before a stream was there, or in the TLS handshake. */
export class DialError extends Error {
  readonly phase: "dial" | "handshake";

  constructor(phase: "dial" | "handshake", message: string) {
    super(message);
    this.name = "DialError";
    this.phase = phase;
  }
}

/** The only application protocol that is spoken. */
const ALPN_HTTP2 = "h2";

/** Connects to `address`; rejects with a `DialError`. */
export async function dial(address: string, tls: DialTls | undefined): Promise<ByteStream> {
  const target = parseAddress(address);
  const socket = await connectSocket(target);
  return new SocketStream(tls === undefined ? socket : await handshake(socket, tls));
}

function parseAddress(address: string): StreamAddress {
  if (address.startsWith("unix:")) {
    return { kind: "unix", path: address.replace(/^unix:(?:\/\/)?/, "") };
  }
  const parts = splitHostPort(address);
  if (parts instanceof GoUrlError) throw new DialError("dial", `dial tcp: ${parts.message}`);
  const { host, port } = parts;
  if (!/^[0-9]+$/.test(port)) {
    throw new DialError("dial", `dial tcp: lookup tcp/${port}: unknown port`);
  }
  if (Number(port) > 65535) throw new DialError("dial", `dial tcp: address ${port}: invalid port`);
  return { kind: "tcp", host: host === "" ? "localhost" : host, port: Number(port) };
}

function connectSocket(target: StreamAddress): Promise<net.Socket> {
  const options = target.kind === "unix" ? { path: target.path } : target;
  const socket = net.connect({ ...options, noDelay: true });
  return new Promise((resolve, reject) => {
    socket.once("error", (error: NodeJS.ErrnoException) => {
      describeFailure(target, error).then(
        (message) => reject(new DialError("dial", message)),
        reject,
      );
    });
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      socket.pause();
      resolve(socket);
    });
  });
}

/** What node:net adds to an error of a connect, and to each of several when a name has many addresses. */
interface ConnectFailure extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
  readonly errors?: readonly ConnectFailure[];
}

async function describeFailure(target: StreamAddress, failure: ConnectFailure): Promise<string> {
  // A name with several addresses fails as often; Go tells of the first, like us.
  const first = failure.errors?.[0] ?? failure;
  const reason = SOCKET_REASONS[first.code ?? ""] ?? first.message;
  if (target.kind === "unix") return `dial unix ${target.path}: connect: ${reason}`;
  if (first.code === "ENOTFOUND" || first.code === "EAI_AGAIN") {
    const { getServers } = await import("node:dns");
    const server = getServers()[0] ?? "127.0.0.1";
    const on = /:\d+$|\]$/.test(server) ? server : joinHostPort(server, 53);
    const problem = first.code === "ENOTFOUND" ? "no such host" : "server misbehaving";
    return `dial tcp: lookup ${target.host} on ${on}: ${problem}`;
  }
  const where = joinHostPort(first.address ?? target.host, first.port ?? target.port);
  return `dial tcp ${where}: connect: ${reason}`;
}

async function handshake(socket: net.Socket, settings: DialTls): Promise<TLSSocket> {
  const tls = await import("node:tls");
  const { ca, cert, key } = settings;
  const named = splitHostPort(settings.serverName);
  const serverName = named instanceof GoUrlError ? settings.serverName : named.host;
  const options: ConnectionOptions = {
    socket,
    ALPNProtocols: [ALPN_HTTP2],
    minVersion: "TLSv1.2",
    rejectUnauthorized: !settings.insecureSkipVerify,
    checkServerIdentity: (_, certificate) => tls.checkServerIdentity(serverName, certificate),
    ...(net.isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  const secure = tls.connect(options);
  return new Promise((resolve, reject) => {
    secure.once("error", (error: NodeJS.ErrnoException) => {
      socket.destroy();
      reject(new DialError("handshake", describeTlsFailure(error)));
    });
    secure.once("secureConnect", () => {
      secure.removeAllListeners("error");
      secure.pause();
      resolve(secure);
    });
  });
}

const UNKNOWN_AUTHORITY =
  "tls: failed to verify certificate: x509: certificate signed by unknown authority";

const TLS_REASONS: { readonly [code: string]: string } = {
  ECONNRESET: "EOF",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED:
    "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID:
    "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
  ERR_SSL_WRONG_VERSION_NUMBER: "tls: first record does not look like a TLS handshake",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "tls: first record does not look like a TLS handshake",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "remote error: tls: certificate required",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "remote error: tls: bad certificate",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "remote error: tls: unknown certificate authority",
};

/** What node:tls adds to an error about the names of a certificate. */
interface TlsFailure extends NodeJS.ErrnoException {
  readonly host?: string;
  readonly cert?: { readonly subjectaltname?: string };
}

function describeTlsFailure(error: TlsFailure): string {
  if (error.code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `tls: failed to verify certificate: x509: ${describeNames(error)}`;
  }
  return TLS_REASONS[error.code ?? ""] ?? `tls: ${error.message}`;
}

/** How Go says that a certificate is for somebody else. */
function describeNames({ host = "", cert }: TlsFailure): string {
  const names = (cert?.subjectaltname ?? "").split(", ").filter((name) => name !== "");
  if (names.length === 0) {
    return "certificate relies on legacy Common Name field, use SANs instead";
  }
  const isAddress = net.isIP(host) !== 0;
  const kind = isAddress ? "IP Address:" : "DNS:";
  const valid = names
    .filter((name) => name.startsWith(kind))
    .map((name) => name.slice(kind.length));
  if (valid.length > 0) return `certificate is valid for ${valid.join(", ")}, not ${host}`;
  return isAddress
    ? `cannot validate certificate for ${host} because it doesn't contain any IP SANs`
    : `certificate is not valid for any names, but wanted to match ${host}`;
}
