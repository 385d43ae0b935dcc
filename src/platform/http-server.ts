/**
 * HTTP/1.1 on sockets that somebody else accepted: node:http does the protocol, each request goes to one
 * handler as the port `HttpServerRequest`.
 *
 * Source: Go net/http (server.go) for what clients are answered whose requests cannot be understood.
 */
import http from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ClientPeer, unprovenPeer } from "../ports/client-peer.ts";
import type { HttpServerRequest } from "../ports/http.ts";
import {
  HTTP_CONNECTIONS_CHECK_MS,
  HTTP_HEADER_BYTES_MAX,
  HTTP_HEADERS_TIMEOUT_MS,
} from "./limits.ts";
import { ServedRequest } from "./served-request.ts";
import type { SocketStream } from "./tcp.ts";

export interface HttpServerOptions {
  /** How long a client may send nothing of a body. */
  readonly readTimeoutMs: number;
  /** How long a client may take nothing of a response. */
  readonly writeTimeoutMs: number;
  /** How long a connection may stay unused. */
  readonly idleTimeoutMs: number;
}

export interface HttpServer {
  /** Takes over a connection whose first bytes, `head`, were read already. */
  serve(stream: SocketStream, head: Uint8Array): void;
  /** Closes unused connections, and others after their response; `done` is called when no request is under way. */
  drain(done: () => void): void;
  /** Cuts all connections. */
  destroy(): void;
}

/** A server that hands its requests to `handler` when their heads are there. */
export function createHttpServer(
  options: HttpServerOptions,
  handler: (request: HttpServerRequest) => void,
): HttpServer {
  return new NodeHttpServer(options, handler);
}

class NodeHttpServer implements HttpServer {
  readonly #options: HttpServerOptions;
  readonly #handler: (request: HttpServerRequest) => void;
  readonly #server: http.Server;
  readonly #peers = new Map<Duplex, ClientPeer>();
  #underWay = 0;
  #drained: (() => void) | undefined;

  constructor(options: HttpServerOptions, handler: (request: HttpServerRequest) => void) {
    this.#options = options;
    this.#handler = handler;
    const server = http.createServer(
      {
        maxHeaderSize: HTTP_HEADER_BYTES_MAX,
        requireHostHeader: false,
        connectionsCheckingInterval: HTTP_CONNECTIONS_CHECK_MS,
      },
      (message, response) => this.#serve(message, response, undefined),
    );
    server.headersTimeout = HTTP_HEADERS_TIMEOUT_MS;
    // A body takes as long as it takes, as long as it moves: databases are sent this way.
    server.requestTimeout = 0;
    server.keepAliveTimeout = options.idleTimeoutMs;
    server.on("clientError", refuseNonsense);
    server.on("upgrade", (message: http.IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(message, socket, head),
    );
    // It never listens itself; this is when node:http begins to look after its connections.
    server.emit("listening");
    this.#server = server;
  }

  serve(stream: SocketStream, head: Uint8Array): void {
    const socket = stream.release();
    this.#peers.set(socket, stream.peer);
    socket.once("close", () => this.#peers.delete(socket));
    // Go keeps connections alive by itself; without it a vanished host holds its streams for hours.
    if ("setKeepAlive" in socket) socket.setKeepAlive(true, this.#options.readTimeoutMs);
    if (head.length > 0) socket.unshift(head);
    this.#server.emit("connection", socket);
    socket.resume();
  }

  drain(done: () => void): void {
    this.#drained = done;
    this.#server.closeIdleConnections();
    this.#checkDrained();
  }

  destroy(): void {
    this.#server.close();
    for (const socket of this.#peers.keys()) socket.destroy();
  }

  #serve(message: http.IncomingMessage, response: http.ServerResponse, upgradeHead?: Uint8Array) {
    const { socket } = message;
    const refusal = refusalOf(message);
    if (refusal !== undefined) {
      refuse(socket, refusal);
      return;
    }
    this.#underWay++;
    response.once("close", () => {
      this.#underWay--;
      if (this.#drained !== undefined) socket.end();
      this.#checkDrained();
    });
    const peer = this.#peers.get(socket) ?? unprovenPeer("@");
    this.#handler(new ServedRequest(message, response, { ...this.#options, peer, upgradeHead }));
  }

  /** A request that asks for another protocol. Only "websocket" can be had, and only if the handler takes it. */
  #upgrade(message: http.IncomingMessage, duplex: Duplex, head: Buffer): void {
    const { socket } = message;
    socket.on("error", () => undefined);
    if (!isWebsocket(message)) {
      // Go reads it as any other request; node:http does so when the headers that ask are not there.
      if (head.length > 0) duplex.unshift(head);
      duplex.unshift(headWithoutUpgrade(message));
      this.#server.emit("connection", duplex);
      return;
    }
    const response = new http.ServerResponse(message);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once("finish", () => socket.end());
    this.#serve(message, response, head);
  }

  #checkDrained(): void {
    if (this.#underWay > 0) return;
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }
}

function isWebsocket({ method, headers }: http.IncomingMessage): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket";
}

/** The request as it came, without the wish for another protocol. */
function headWithoutUpgrade(message: http.IncomingMessage): Buffer {
  const { method = "GET", url = "/", httpVersion, rawHeaders } = message;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at], rawHeaders[at + 1]];
    if (!/^(?:upgrade|connection|http2-settings)$/i.test(name)) text += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, "latin1");
}

/** A percent sign that stands for nothing, in front of the query. */
const MALFORMED_PATH = /^[^?]*%(?![\dA-Fa-f]{2})/;

/** What cannot stand in a host. Source: golang.org/x/net http/httpguts (ValidHostHeader). */
const MALFORMED_HOST = /[^\w!$%&'()*+,\-./:;=@[\]~]/;

/** What Go answers to a request before it looks for a handler. */
function refusalOf(message: http.IncomingMessage): string | undefined {
  const { rawHeaders, httpVersion, headers, url = "" } = message;
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && /^host$/i.test(name));
  if (MALFORMED_PATH.test(url)) return "400 Bad Request";
  if (hosts.length === 0 && httpVersion === "1.1") {
    return "400 Bad Request: missing required Host header";
  }
  if (hosts.length > 1) return "400 Bad Request: too many Host headers";
  if (MALFORMED_HOST.test(headers.host ?? "")) return "400 Bad Request: malformed Host header";
  return undefined;
}

/** Bytes that are no request. */
function refuseNonsense(error: NodeJS.ErrnoException, socket: Duplex): void {
  const { code = "" } = error;
  if (!code.startsWith("HPE_") || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const isTooLarge = code === "HPE_HEADER_OVERFLOW";
  refuse(socket, isTooLarge ? "431 Request Header Fields Too Large" : "400 Bad Request");
}

/** Whether a response is being sent, which a refusal would become a part of. */
function isAnswering(socket: Duplex): boolean {
  return (socket as Socket).bytesWritten > 0 && socket.writableLength > 0;
}

function refuse(socket: Duplex, text: string): void {
  const type = "Content-Type: text/plain; charset=utf-8";
  socket.end(`HTTP/1.1 ${text}\r\n${type}\r\nConnection: close\r\n\r\n${text}`);
}
