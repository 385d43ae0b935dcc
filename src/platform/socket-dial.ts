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
import type { Certificate } from "../tls/certificate.ts";
import { DerError } from "../tls/der-reader.ts";
import { hostNameProblem } from "../tls/host-name.ts";
import { joinHostPort, SOCKET_REASONS, SocketStream } from "./tcp.ts";
import { VerificationError } from "./tls/verification-error.ts";

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
  const isAbsolute = target.kind === "tcp" && target.host.endsWith(".");
  const lookup = isAbsolute ? { lookup: lookUpAbsolute } : {};
  const socket = net.connect({ ...options, ...lookup, noDelay: true });
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

/**
 * Looks up a name that ends in a dot, as those of SRV records do. The system asks DNS alone for it; Go looks into the
 * file of hosts, too.
 */
const lookUpAbsolute: net.LookupFunction = (name, options, done) => {
  const { lookup } = process.getBuiltinModule("node:dns");
  lookup(name, options, (error, address, family) => {
    if (error === null) done(error, address, family);
    else lookup(name.slice(0, -1), options, done);
  });
};

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
  // Tools that do not need it start without it.
  const [tls, { readChain }, { describeTlsFailure }, { systemAuthorities }] = await Promise.all([
    import("node:tls"),
    import("./tls/chain.ts"),
    import("./tls/failure.ts"),
    import("./tls/system-authorities.ts"),
  ]);
  const { insecureSkipVerify, cert, key } = settings;
  const ca = settings.ca ?? (insecureSkipVerify ? undefined : systemAuthorities());
  const named = splitHostPort(settings.serverName);
  const serverName = named instanceof GoUrlError ? settings.serverName : named.host;
  const options: ConnectionOptions = {
    socket,
    ALPNProtocols: [ALPN_HTTP2],
    minVersion: "TLSv1.2",
    // As for Go, whoever is in the file is trusted, also where that is not the root of a chain.
    allowPartialTrustChain: true,
    rejectUnauthorized: !insecureSkipVerify,
    checkServerIdentity: (_, certificate) => identityProblem(serverName, readChain(certificate)),
    ...(net.isIP(serverName) === 0 ? { servername: serverName.replace(/\.$/, "") } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  const secure = tls.connect(options);
  return new Promise((resolve, reject) => {
    secure.once("error", (error: NodeJS.ErrnoException) => {
      socket.destroy();
      const isOurs = error instanceof VerificationError;
      reject(new DialError("handshake", isOurs ? error.message : describeTlsFailure(error)));
    });
    secure.once("secureConnect", () => {
      secure.removeAllListeners("error");
      secure.pause();
      resolve(secure);
    });
  });
}

/** Why a certificate that somebody vouches for is not that of `serverName`. */
function identityProblem(
  serverName: string,
  chain: readonly Certificate[] | DerError,
): Error | undefined {
  if (chain instanceof DerError || chain.length === 0) {
    return new VerificationError("tls: failed to parse certificate from server");
  }
  const problem = hostNameProblem(chain[0], serverName);
  if (problem === undefined) return undefined;
  return new VerificationError(`tls: failed to verify certificate: ${problem}`);
}
