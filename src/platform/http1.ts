/**
 * HTTP/1.1 for the few requests that are not gRPC, on sockets that somebody else accepted: node:http does
 * the protocol, the caller answers complete requests.
 */
import http from "node:http";
import { HTTP_HEADER_BYTES_MAX, HTTP_HEADERS_TIMEOUT_MS } from "./limits.ts";
import type { SocketStream } from "./tcp.ts";

/** Request bodies beyond this are refused: no HTTP/1.1 endpoint takes more. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** Milliseconds a client may take for a whole request. */
const REQUEST_TIMEOUT_MS = 60_000;

export interface HttpRequest {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  /** Names as they should stand on the wire. */
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
}

export type HttpHandler = (request: HttpRequest, respond: (response: HttpResponse) => void) => void;

export interface HttpServer {
  /** Takes over a connection whose first bytes, `head`, were read already. */
  serve(stream: SocketStream, head: Uint8Array): void;
  /** Closes idle connections; requests under way are answered. */
  close(): void;
}

export function createHttpServer(handler: HttpHandler): HttpServer {
  const server = http.createServer(
    { maxHeaderSize: HTTP_HEADER_BYTES_MAX },
    (message, response) => {
      readBody(message, (body) => {
        if (body === undefined) {
          response.writeHead(413, { Connection: "close" }).end();
          return;
        }
        const [path = "/", query = ""] = (message.url ?? "/").split("?", 2);
        const request = {
          method: message.method ?? "GET",
          path,
          query: new URLSearchParams(query),
          headers: message.headers,
          body,
        };
        handler(request, ({ status, headers, body: text }) => {
          // Go keeps HTTP/1.1 connections open without saying so.
          response.removeHeader("Connection");
          response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(text) });
          response.end(text);
        });
      });
    },
  );
  server.headersTimeout = HTTP_HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.on("clientError", (_error, socket) => socket.destroy());
  return {
    serve(stream, head) {
      const socket = stream.release();
      socket.unshift(head);
      server.emit("connection", socket);
      socket.resume();
    },
    close: () => server.closeIdleConnections(),
  };
}

/** Collects the body; `undefined` when it is larger than the limit. */
function readBody(
  message: http.IncomingMessage,
  done: (body: Uint8Array | undefined) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  let over = false;
  message.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (over || length <= BODY_BYTES_MAX) {
      if (!over) chunks.push(chunk);
      return;
    }
    over = true;
    done(undefined);
  });
  message.on("end", () => {
    if (!over) done(Buffer.concat(chunks));
  });
}
