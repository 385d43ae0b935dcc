/**
 * HTTP as a port: requests and responses whose bodies come and go piece by piece. `platform/` has HTTP/1.1 over
 * sockets, `http2/` serves the same requests over HTTP/2.
 *
 * Each exchange has one handler object, so that no event needs a closure. Handlers are never called from
 * inside a method of what they were given to, but for what `readBody` and `resume` have at hand.
 */
import type { ClientPeer } from "./client-peer.ts";
import type { ByteStream } from "./network.ts";

/** The value of a header, by its name in lower case; empty when it is absent. */
export type HeaderOf = (name: string) => string;

/** Headers to send, with names as they should stand on the wire; several values are several lines. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[]>>;

/** A header of a request, as it came. */
export interface HttpField {
  readonly name: string;
  readonly value: string;
}

export interface HttpClientRequest {
  readonly method: "GET" | "POST";
  /** With scheme, host and path. */
  readonly url: string;
  readonly headers: HttpHeaders;
  /** All of it, or "streamed": it follows through the exchange. Kept, it must not change afterwards. */
  readonly body: Uint8Array | "streamed";
  /** How long a connection may take to come about. */
  readonly connectTimeoutMs: number;
  /** How long nothing may move on the connection before the request fails; 0 for as long as it takes. */
  readonly stallTimeoutMs: number;
  /**
   * Whether the connection may be one that was used before, and may be used again. Then the request may
   * arrive twice, when the other side closes such a connection in that moment.
   */
  readonly reuse: boolean;
}

/** What the sender of a request is told. The last call is `onEnd` or `onFailed`. */
export interface HttpResponseHandler {
  onResponse(status: number, header: HeaderOf): void;
  /** Bytes of the body; the receiver may keep them, nobody writes to their memory again. */
  onBytes(bytes: Uint8Array): void;
  /** `write` returned false, and now there is room again. */
  onWritable(): void;
  /** The response is complete. */
  onEnd(): void;
  /** There is no response, or only a part of one. Texts are those of Go's net package. */
  onFailed(reason: Error): void;
}

/** A request under way. */
export interface HttpExchange {
  /** Sends bytes of a streamed body, which must not change afterwards. False: stop until `onWritable`. */
  write(bytes: Uint8Array): boolean;
  /** The streamed body is complete. */
  end(): void;
  /** Gives up: the connection is closed, and the handler is not called any more. */
  abort(): void;
}

export interface HttpClient {
  request(request: HttpClientRequest, handler: HttpResponseHandler): HttpExchange;
  /** Closes connections that are kept for later. */
  close(): void;
}

/** What the receiver of a request's body is told. The last call is `onEnd` or `onFailed`. */
export interface HttpBodyHandler {
  /** The receiver may keep the bytes, nobody writes to their memory again. */
  onBytes(bytes: Uint8Array): void;
  onEnd(): void;
  /** The rest does not come. */
  onFailed(reason: Error): void;
}

/** What the sender of a streamed response is told. The last call is `onClosed`. */
export interface HttpStreamHandler {
  /** `write` returned false, and now there is room again. */
  onWritable(): void;
  /** The connection is gone, from the other side or because it took nothing for too long. */
  onClosed(reason: Error): void;
}

/** A response that is sent piece by piece. */
export interface HttpResponseStream {
  /**
   * Sends pieces one behind the other, at once and as one; they must not change afterwards. False: stop until
   * `onWritable`.
   */
  write(pieces: readonly Uint8Array[]): boolean;
  /** The response is complete; the handler is not called any more. */
  end(): void;
  /** Cuts the response; the handler is not called any more. */
  destroy(): void;
}

/** How long a body may stand still: as long as the server allows, or for ever, where that is its nature. */
export type BodyPatience = "limited" | "endless";

/** A request that arrived. Exactly one of `respond`, `stream`, `upgrade` and `destroy` ends its handling. */
export interface HttpServerRequest {
  readonly method: string;
  /** Path without the query, as sent: percent signs stand for themselves. */
  readonly path: string;
  /** What follows the first "?", as sent. */
  readonly query: string;
  /** Host, and port if there is one, that the client believes to talk to; empty when it does not say. */
  readonly host: string;
  /** Such as "HTTP/1.1". */
  readonly protocol: string;
  /** Whether the connection is encrypted. */
  readonly secure: boolean;
  readonly peer: ClientPeer;
  readonly header: HeaderOf;
  /** Set by whoever wants to be told that the client went away before `respond` was called. */
  onGone: (() => void) | undefined;
  /** All headers, in the order of the wire. */
  headers(): readonly HttpField[];
  /** A header for whatever response is given, unless that names it itself. */
  setHeader(name: string, value: string): void;
  /** Begins to read the body. */
  readBody(handler: HttpBodyHandler, patience?: BodyPatience): void;
  /** Stops reading from the other end until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends a complete response. What is left of the request's body is not read any more. */
  respond(status: number, headers: HttpHeaders, body: Uint8Array): void;
  /** Sends the head of a response at once; its body follows piece by piece. */
  stream(status: number, headers: HttpHeaders, handler: HttpStreamHandler): HttpResponseStream;
  /**
   * Answers 101 with these headers and gives the connection away: whoever takes it speaks another protocol on
   * it. `undefined`, and nothing is sent, where the client does not ask for "websocket" or cannot have it.
   */
  upgrade(headers: HttpHeaders): ByteStream | undefined;
  /** Cuts the exchange without a response. */
  destroy(): void;
}
