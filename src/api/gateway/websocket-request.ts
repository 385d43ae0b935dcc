/**
 * A connection that speaks websocket as a request of the gateway: each message of the client is a piece of the
 * body, each line of the answer a message to the client. Pages of any origin may open one, as in etcd.
 *
 * Source: tmc/grpc-websocket-proxy (wsproxy), gorilla/websocket (Upgrader) as etcd uses them; RFC 6455.
 */
import type {
  HttpBodyHandler,
  HttpField,
  HttpHeaders,
  HttpResponseStream,
  HttpServerRequest,
  HttpStreamHandler,
} from "../../ports/http.ts";
import type { ByteStream } from "../../ports/network.ts";
import { base64FromBytes } from "../../stdx/base64.ts";
import { bytesFromLatin1, concatBytes } from "../../stdx/bytes.ts";
import { answerFailure } from "../http/answers.ts";
import type { GatewayRequest } from "./exchange.ts";
import type { OriginRequest } from "./call-origin.ts";
import { WEBSOCKET_MESSAGE_BYTES_MAX } from "./limits.ts";
import {
  CloseCode,
  closeFrame,
  pongFrame,
  textFrame,
  WebSocketReader,
} from "./websocket-frames.ts";

/** SHA-1 of bytes. */
export type Sha1 = (bytes: Uint8Array) => Uint8Array;

const LINE_END = bytesFromLatin1("\n");

/** Joined with the key of a client it proves that a server speaks websocket. */
const HANDSHAKE_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * The connection of `request` as websocket; undefined when it does not ask for that, "refused" after it was
 * answered that it asks in the wrong way.
 */
export function openWebSocket(
  request: HttpServerRequest,
  sha1: Sha1,
): WebSocketRequest | "refused" | undefined {
  const isAsked =
    hasToken(request.header("connection"), "upgrade") &&
    hasToken(request.header("upgrade"), "websocket");
  if (!isAsked) return undefined;
  const key = request.header("sec-websocket-key");
  if (request.method !== "GET") return refuse(request, 405, "Method Not Allowed");
  if (!hasToken(request.header("sec-websocket-version"), "13") || key === "") {
    return refuse(request, 400, "Bad Request");
  }
  const accept = base64FromBytes(sha1(bytesFromLatin1(key.trim() + HANDSHAKE_GUID)));
  const protocol = request.header("sec-websocket-protocol");
  const stream = request.upgrade({
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": accept,
    ...(protocol.startsWith("Bearer") ? { "Sec-WebSocket-Protocol": "Bearer" } : {}),
  });
  if (stream === undefined) return refuse(request, 400, "Bad Request");
  return new WebSocketRequest(request, stream);
}

function refuse(request: HttpServerRequest, status: number, text: string): "refused" {
  answerFailure(request, status, text, { "Sec-Websocket-Version": "13" });
  return "refused";
}

function hasToken(list: string, token: string): boolean {
  return list.split(",").some((each) => each.trim().toLowerCase() === token);
}

export class WebSocketRequest implements GatewayRequest, OriginRequest {
  readonly host: string;
  readonly peer: HttpServerRequest["peer"];
  onGone: (() => void) | undefined = undefined;
  readonly #stream: ByteStream;
  readonly #fields: readonly HttpField[];
  readonly #reader: WebSocketReader;
  #body: HttpBodyHandler | undefined;
  #answer: HttpStreamHandler | undefined;
  #isClosed = false;

  constructor(request: HttpServerRequest, stream: ByteStream) {
    this.host = request.host;
    this.peer = request.peer;
    this.#stream = stream;
    this.#fields = forwardedFields(request);
    this.#reader = new WebSocketReader(WEBSOCKET_MESSAGE_BYTES_MAX, {
      onMessage: (message) => this.#body?.onBytes(concatBytes([message, LINE_END])),
      onPing: (payload) => void this.#write(pongFrame(payload)),
      onClose: (code) => this.#close(code),
    });
  }

  headers(): readonly HttpField[] {
    return this.#fields;
  }

  readBody(handler: HttpBodyHandler): void {
    this.#body = handler;
    this.#stream.setHandler({
      onBytes: (bytes) => this.#reader.receive(bytes.slice()),
      onWritable: () => this.#answer?.onWritable(),
      onClosed: (reason) => this.#gone(reason),
    });
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  respond(_status: number, _headers: HttpHeaders, body: Uint8Array): void {
    this.#writeLines(body);
    this.#close(CloseCode.normal);
  }

  stream(_status: number, _headers: HttpHeaders, handler: HttpStreamHandler): HttpResponseStream {
    this.#answer = handler;
    return {
      write: (pieces) => this.#writeLines(concatBytes(pieces)),
      end: () => this.#close(CloseCode.normal),
      destroy: () => this.#close(CloseCode.normal),
    };
  }

  /** Sends each line as one message; answers are made of whole lines. */
  #writeLines(bytes: Uint8Array): boolean {
    let hasRoom = true;
    for (let start = 0; start < bytes.length; ) {
      const found = bytes.indexOf(LINE_END[0], start);
      const end = found < 0 ? bytes.length : found;
      if (end > start) hasRoom = this.#write(textFrame(bytes.subarray(start, end)));
      start = end + 1;
    }
    return hasRoom;
  }

  #write(bytes: Uint8Array): boolean {
    return this.#isClosed || this.#stream.write(bytes);
  }

  #close(code: CloseCode): void {
    if (this.#isClosed) return;
    this.#write(closeFrame(code));
    this.#isClosed = true;
    this.#stream.end();
    this.#gone("websocket: close");
  }

  #gone(reason: string): void {
    this.#isClosed = true;
    const answer = this.#answer;
    this.#answer = undefined;
    this.#body = undefined;
    if (answer === undefined) this.onGone?.();
    else answer.onClosed(new Error(reason));
  }
}

/** What the gateway is told of the request that became a connection. */
function forwardedFields(request: HttpServerRequest): HttpField[] {
  const fields = request
    .headers()
    .filter(({ name }) => ["origin", "referer"].includes(name.toLowerCase()))
    .map(({ name, value }) => ({ name, value }));
  const authorization = authorizationOf(request);
  return authorization === undefined
    ? fields
    : [...fields, { name: "authorization", value: authorization }];
}

/** A token in a cookie counts more than one in the name of a protocol. */
function authorizationOf(request: HttpServerRequest): string | undefined {
  for (const pair of request.header("cookie").split(";")) {
    const [name, ...value] = pair.trim().split("=");
    if (name === "token" && value.length > 0) return `Bearer ${value.join("=")}`;
  }
  const protocol = request.header("sec-websocket-protocol");
  if (protocol === "") return undefined;
  const at = protocol.indexOf("Bearer,");
  return at < 0 ? "" : `Bearer ${protocol.slice(at + "Bearer,".length).trim()}`;
}
