/**
 * Streams over node:net. One object per socket; Node's events go straight to the handler's methods.
 */
import * as fs from "node:fs";
import net from "node:net";
import { describeTlsFailure } from "./tls/failure.ts";
import { type ClientPeer, unprovenPeer } from "../ports/client-peer.ts";
import type { ByteStream, StreamAddress, StreamHandler, StreamListener } from "../ports/network.ts";

/** Connections the kernel may hold before we accept them; Go's default on Linux is the same somaxconn. */
const BACKLOG = 4096;

/** A failed bind or connect: the address in words, and the system's reason. */
export class NetworkError extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.name = "NetworkError";
    this.code = code;
  }
}

export interface ListenOptions {
  /** Share the port with other processes that ask for it, too (SO_REUSEPORT). */
  readonly reusePort?: boolean;
}

/** The option came later than the types of the oldest Node.js that this program runs on. */
function sharing(reusePort: boolean): object {
  return reusePort ? { reusePort } : {};
}

/** Whether `version` of Node.js can share ports: 22.12, 23.1 and later ones. */
export function canReusePort(version: string): boolean {
  const [major, minor] = version.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

/**
 * Listens on `address`; rejects with a `NetworkError` worded as Go's net package does, such as
 * "listen tcp 127.0.0.1:2379: bind: address already in use".
 */
export function listenOn(
  address: StreamAddress,
  accept: (stream: SocketStream) => void,
  { reusePort = false }: ListenOptions = {},
): Promise<StreamListener> {
  const server = net.createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    accept(new SocketStream(socket));
  });
  return new Promise((resolve, reject) => {
    if (address.kind === "unix") removeSocket(address.path);
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new NetworkError(describeBindFailure(address, error), error.code ?? ""));
    });
    server.listen({ ...socketOptions(address), backlog: BACKLOG, ...sharing(reusePort) }, () => {
      server.removeAllListeners("error");
      const bound = server.address();
      const port = bound !== null && typeof bound === "object" ? bound.port : 0;
      resolve({ port, close: () => server.close() });
    });
  });
}

/** Removes what a process that was killed has left behind; anything but a socket stays, and binding fails. */
function removeSocket(path: string): void {
  try {
    if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) fs.unlinkSync(path);
  } catch {
    // Binding says what is wrong with the path.
  }
}

/** A connected socket. `socket` is there for node:http, which wants to own it. */
export class SocketStream implements ByteStream {
  readonly socket: net.Socket;
  /** Who is at the other end. */
  readonly peer: ClientPeer;
  /** It is encrypted in a way that HTTP/2 does not allow, and yet HTTP/2 was agreed on. */
  readonly prohibitsHttp2: boolean;
  #handler: StreamHandler | undefined;
  #closeReason = "";

  constructor(
    socket: net.Socket,
    peer: ClientPeer = unprovenPeer(addressOf(socket)),
    prohibitsHttp2 = false,
  ) {
    this.socket = socket;
    this.peer = peer;
    this.prohibitsHttp2 = prohibitsHttp2;
    // From the first moment: an error that nobody listens for would end the process.
    socket.on("error", this.#onError);
  }

  get remoteAddress(): string {
    return this.peer.address;
  }

  setHandler(handler: StreamHandler): void {
    const isFirst = this.#handler === undefined;
    this.#handler = handler;
    if (!isFirst) return;
    this.socket.on("data", this.#onData);
    this.socket.on("drain", this.#onDrain);
    this.socket.on("close", this.#onClose);
    this.socket.resume();
  }

  /** Gives back what was read first, to be read again by the next handler. Stops reading until then. */
  putBack(bytes: Uint8Array): void {
    const { socket } = this;
    this.#handler = undefined;
    socket.off("data", this.#onData);
    socket.off("drain", this.#onDrain);
    socket.off("close", this.#onClose);
    socket.pause();
    socket.unshift(Uint8Array.from(bytes));
  }

  /** Gives the socket away to other code: no handler is called any more. */
  release(): net.Socket {
    const { socket } = this;
    this.#handler = undefined;
    socket.off("data", this.#onData);
    socket.off("drain", this.#onDrain);
    socket.off("close", this.#onClose);
    socket.off("error", this.#onError);
    socket.pause();
    return socket;
  }

  /** Whether the connection is encrypted. */
  get secure(): boolean {
    return "encrypted" in this.socket;
  }

  write(bytes: Uint8Array): boolean {
    return this.socket.write(bytes);
  }

  /** A write that the kernel takes at once, as it nearly always does, is over when `write` returns. */
  get writtenWhole(): boolean {
    return this.socket.writableLength === 0;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  readonly #onData = (chunk: Uint8Array): void => this.#handler?.onBytes(chunk);
  readonly #onDrain = (): void => this.#handler?.onWritable();
  readonly #onClose = (): void => this.#handler?.onClosed(this.#closeReason);
  readonly #onError = (error: NodeJS.ErrnoException): void => {
    const isTls = /^(?:ERR_SSL|EPROTO)/.test(error.code ?? "");
    this.#closeReason = isTls ? describeTlsFailure(error) : error.message;
  };
}

/** Where a socket comes from, as Go prints it; "@" for a Unix socket. */
function addressOf({ remoteAddress, remotePort = 0 }: net.Socket): string {
  if (remoteAddress === undefined) return "@";
  // IPv4 over a socket that takes both.
  return joinHostPort(remoteAddress.replace(/^::ffff:(?=[\d.]+$)/, ""), remotePort);
}

function socketOptions(address: StreamAddress): { host: string; port: number } | { path: string } {
  return address.kind === "unix"
    ? { path: address.path }
    : { host: address.host, port: address.port };
}

function describeBindFailure(address: StreamAddress, error: NodeJS.ErrnoException): string {
  const where = address.kind === "unix" ? address.path : joinHostPort(address.host, address.port);
  const network = address.kind === "unix" ? "unix" : "tcp";
  return `listen ${network} ${where}: bind: ${SOCKET_REASONS[error.code ?? ""] ?? error.message}`;
}

/** "host:port", with brackets around an IPv6 address. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The kernel's words for what happens on sockets, as strerror and so Go prints them. */
export const SOCKET_REASONS: { readonly [code: string]: string } = {
  EACCES: "permission denied",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTUNREACH: "no route to host",
  EINVAL: "invalid argument",
  ENETUNREACH: "network is unreachable",
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  ETIMEDOUT: "connection timed out",
};
