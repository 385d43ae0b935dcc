/**
 * The port `HttpServerRequest` over node:http, on sockets that somebody else accepted: requests and responses
 * whose bodies come and go piece by piece, with an eye on connections on which nothing moves.
 */
import http from "node:http";
import type { Socket } from "node:net";
import type {
  HttpBodyHandler,
  HttpHeaders,
  HttpResponseStream,
  HttpServerRequest,
  HttpStreamHandler,
} from "../ports/http.ts";
import { HTTP_HEADER_BYTES_MAX, HTTP_HEADERS_TIMEOUT_MS } from "./limits.ts";
import type { HttpServer } from "./http1.ts";
import { timedOut } from "./socket-failure.ts";
import { WriteStall } from "./write-stall.ts";

export interface StreamingServerOptions {
  /** How long a client may send nothing of a body, or stay on an unused connection. */
  readonly readTimeoutMs: number;
  /** How long a client may take nothing of a response. */
  readonly writeTimeoutMs: number;
}

/** A server that hands its requests to `handler` when their heads are there. */
export function createStreamingServer(
  options: StreamingServerOptions,
  handler: (request: HttpServerRequest) => void,
): HttpServer {
  const open = new Set<Socket>();
  const server = http.createServer({ maxHeaderSize: HTTP_HEADER_BYTES_MAX }, (message, response) =>
    handler(new ServedRequest(message, response, options)),
  );
  server.headersTimeout = HTTP_HEADERS_TIMEOUT_MS;
  // A body takes as long as it takes, as long as it moves: databases are sent this way.
  server.requestTimeout = 0;
  server.keepAliveTimeout = options.readTimeoutMs;
  server.on("clientError", (_error, socket) => socket.destroy());
  return {
    serve(stream, head) {
      const socket = stream.release();
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      // Go keeps connections alive by itself; without it a vanished host holds its streams for hours.
      socket.setKeepAlive(true, options.readTimeoutMs);
      socket.unshift(head);
      server.emit("connection", socket);
      socket.resume();
    },
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}

class ServedRequest implements HttpServerRequest {
  readonly method: string;
  readonly path: string;
  readonly remoteAddress: string;
  readonly #message: http.IncomingMessage;
  readonly #response: http.ServerResponse;
  readonly #options: StreamingServerOptions;

  constructor(
    message: http.IncomingMessage,
    response: http.ServerResponse,
    options: StreamingServerOptions,
  ) {
    const { remoteAddress, remotePort } = message.socket;
    this.method = message.method ?? "GET";
    this.path = (message.url ?? "/").split("?", 1)[0];
    this.remoteAddress = `${remoteAddress ?? ""}:${remotePort ?? 0}`;
    this.#message = message;
    this.#response = response;
    this.#options = options;
    // A connection that breaks is told to whoever reads or streams; nobody else needs to know.
    message.on("error", () => undefined);
    response.on("error", () => undefined);
  }

  header = (name: string): string => {
    const value = this.#message.headers[name];
    return Array.isArray(value) ? value.join(", ") : (value ?? "");
  };

  readBody(handler: HttpBodyHandler): void {
    const message = this.#message;
    const { socket } = message;
    let ended = false;
    const timer = setTimeout(() => {
      if (message.isPaused()) timer.refresh();
      else fail(timedOut("read", socket));
    }, this.#options.readTimeoutMs);
    const fail = (reason: Error): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      message.destroy();
      handler.onFailed(reason);
    };
    message.on("data", (chunk: Uint8Array) => {
      timer.refresh();
      if (!ended) handler.onBytes(chunk);
    });
    message.on("end", () => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      handler.onEnd();
    });
    message.on("close", () => fail(new Error("unexpected EOF")));
  }

  pause(): void {
    this.#message.pause();
  }

  resume(): void {
    this.#message.resume();
  }

  respond(status: number, headers: HttpHeaders, body: Uint8Array): void {
    const response = this.#response;
    if (response.destroyed) return;
    const stall = new WriteStall(response, this.#options.writeTimeoutMs, () => response.destroy());
    stall.begin();
    response.on("close", () => stall.end());
    // Go keeps HTTP/1.1 connections open without saying so.
    response.removeHeader("Connection");
    if (!this.#isWhole()) response.setHeader("Connection", "close");
    const length = status === 204 ? {} : { "Content-Length": body.length };
    response.writeHead(status, { ...headers, ...length });
    response.end(body);
  }

  stream(status: number, headers: HttpHeaders, handler: HttpStreamHandler): HttpResponseStream {
    const response = this.#response;
    response.removeHeader("Connection");
    response.writeHead(status, headers);
    response.flushHeaders();
    return new ServedStream(this.#message.socket, response, this.#options.writeTimeoutMs, handler);
  }

  destroy(): void {
    this.#message.socket.destroy();
  }

  /** Whether nothing more of the request can follow: node:http says so of a bare head only a moment later. */
  #isWhole(): boolean {
    const { complete, headers } = this.#message;
    const isBare = headers["transfer-encoding"] === undefined;
    return complete || (isBare && (headers["content-length"] ?? "0") === "0");
  }
}

/** Larger pieces are sent from where they are instead of being copied behind the head of their chunk. */
const COPIED_BYTES_MAX = 16 * 1024;

const CHUNK_END = Buffer.from("\r\n");

/**
 * A chunked body whose chunks are written to the socket itself: node:http would make each into four writes,
 * and hold them back until the end of the turn.
 */
class ServedStream implements HttpResponseStream {
  readonly #socket: Socket;
  readonly #handler: HttpStreamHandler;
  readonly #stall: WriteStall;
  #closed = false;

  constructor(
    socket: Socket,
    response: http.ServerResponse,
    writeTimeoutMs: number,
    handler: HttpStreamHandler,
  ) {
    this.#socket = socket;
    this.#handler = handler;
    this.#stall = new WriteStall(socket, writeTimeoutMs, () =>
      this.#close(timedOut("write", socket)),
    );
    socket.on("drain", () => {
      this.#stall.end();
      if (!this.#closed) handler.onWritable();
    });
    socket.on("close", () => this.#close(new Error("EOF")));
    // A request before this one on its connection that waits for its answer: no member does that.
    if (response.socket !== socket) socket.destroy();
  }

  write(pieces: readonly Uint8Array[]): boolean {
    if (this.#closed) return true;
    let length = 0;
    for (const piece of pieces) length += piece.length;
    if (length === 0) return true;
    const head = `${length.toString(16)}\r\n`;
    const hasRoom =
      length <= COPIED_BYTES_MAX
        ? this.#socket.write(joined(head, pieces, length))
        : this.#writeLarge(head, pieces);
    if (!hasRoom) this.#stall.begin();
    return hasRoom;
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stall.end();
    this.#socket.destroy();
  }

  #writeLarge(head: string, pieces: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    socket.cork();
    socket.write(head, "latin1");
    for (const piece of pieces) socket.write(piece);
    socket.write(CHUNK_END);
    // What the kernel takes at once is gone when this returns.
    socket.uncork();
    return !socket.writableNeedDrain;
  }

  #close(reason: Error): void {
    if (this.#closed) return;
    this.destroy();
    this.#handler.onClosed(reason);
  }
}

/** One chunk as one block of bytes. */
function joined(head: string, pieces: readonly Uint8Array[], length: number): Uint8Array {
  const chunk = Buffer.allocUnsafe(head.length + length + CHUNK_END.length);
  let at = chunk.write(head, "latin1");
  for (const piece of pieces) {
    chunk.set(piece, at);
    at += piece.length;
  }
  chunk.set(CHUNK_END, at);
  return chunk;
}
