/**
 * One HTTP exchange that is not gRPC, as the port `HttpServerRequest`: the request is handed out when its head
 * is there, bodies come and go piece by piece. For TLS listeners, where clients may choose HTTP/2 for the JSON
 * gateway, health and metrics.
 *
 * What arrives of a body before anybody reads it, or while reading is paused, waits here: the client is granted
 * nothing then, so that is one window at most.
 */
import type { ClientPeer } from "../ports/client-peer.ts";
import type {
  HttpBodyHandler,
  HttpField,
  HttpHeaders,
  HttpResponseStream,
  HttpServerRequest,
  HttpStreamHandler,
} from "../ports/http.ts";
import { assert } from "../stdx/assert.ts";
import { writeFrameHeader, writeHeaderBlock } from "./frame-writer.ts";
import type { ServerCallScope } from "./grpc-server-call.ts";
import { type HeaderField, isPseudo } from "./header-field.ts";
import { ErrorCode, FLAG_END_STREAM, FRAME_HEADER_BYTES, FrameType } from "./protocol.ts";
import type { RequestHead } from "./request-head.ts";
import type { Http2Stream, StreamOwner } from "./stream.ts";

export class PlainExchange implements HttpServerRequest, HttpResponseStream, StreamOwner {
  readonly deadlineMs = Number.POSITIVE_INFINITY;
  readonly protocol = "HTTP/2.0";
  onGone: (() => void) | undefined = undefined;
  readonly #scope: ServerCallScope;
  readonly #stream: Http2Stream;
  readonly #head: RequestHead;
  readonly #dateOf: (() => string) | undefined;
  /** False after the end of the response, a reset or the loss of the connection. */
  #open = true;
  /** Body that nobody has taken yet. */
  #pieces: Uint8Array[] = [];
  #bytesWaiting = 0;
  #reader: HttpBodyHandler | undefined = undefined;
  #paused = false;
  #bodyOver = false;
  #started = false;
  #streamHandler: HttpStreamHandler | undefined = undefined;
  readonly #preset: Record<string, string> = {};

  /** `dateOf` gives the value of the header "date". */
  constructor(
    scope: ServerCallScope,
    stream: Http2Stream,
    head: RequestHead,
    dateOf: (() => string) | undefined,
  ) {
    this.#scope = scope;
    this.#stream = stream;
    this.#head = head;
    this.#dateOf = dateOf;
    stream.grantsHeld = true;
  }

  // --- What handlers use -------------------------------------------------------------------------------

  get method(): string {
    return this.#head.method;
  }

  get path(): string {
    const { path } = this.#head;
    const mark = path.indexOf("?");
    return mark < 0 ? path : path.slice(0, mark);
  }

  get query(): string {
    const { path } = this.#head;
    const mark = path.indexOf("?");
    return mark < 0 ? "" : path.slice(mark + 1);
  }

  get host(): string {
    return this.#head.authority;
  }

  get secure(): boolean {
    return this.#head.scheme === "https";
  }

  get peer(): ClientPeer {
    return this.#scope.peer;
  }

  header = (name: string): string => {
    const values = this.#head.fields.filter((field) => field.name === name && isRegular(field));
    return values.map(({ value }) => value).join(", ");
  };

  headers(): readonly HttpField[] {
    return this.#head.fields.filter(isRegular);
  }

  setHeader(name: string, value: string): void {
    this.#preset[name] = value;
  }

  readBody(handler: HttpBodyHandler): void {
    assert(this.#reader === undefined, "A body is read once");
    this.#reader = handler;
    this.#deliver();
  }

  pause(): void {
    this.#paused = true;
    this.#stream.grantsHeld = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  respond(status: number, headers: HttpHeaders, body: Uint8Array): void {
    if (!this.#open) return;
    const isHead = this.#head.method === "HEAD";
    const isBodiless = status === 204 || status === 304 || (isHead && body.length === 0);
    const length = isBodiless ? {} : { "content-length": String(body.length) };
    this.#start(status, { ...headers, ...length });
    this.write([body]);
    this.#end();
  }

  stream(status: number, headers: HttpHeaders, handler: HttpStreamHandler): HttpResponseStream {
    if (this.#open) this.#start(status, headers);
    this.#streamHandler = handler;
    return this;
  }

  upgrade(): undefined {
    return undefined;
  }

  write(pieces: readonly Uint8Array[]): boolean {
    if (!this.#open || this.#head.method === "HEAD") return true;
    let hasRoom = true;
    for (const piece of pieces) {
      if (piece.length > 0) hasRoom = this.#scope.connection.enqueue(this.#stream, piece);
    }
    return hasRoom;
  }

  end(): void {
    if (this.#open) this.#end();
  }

  destroy(): void {
    if (!this.#open) return;
    this.#forget();
    this.#scope.connection.resetStream(this.#stream, ErrorCode.INTERNAL_ERROR);
  }

  // --- What the stream tells -----------------------------------------------------------------------------

  /** Trailers of a client: nothing but the end of the body. */
  onHeaders(): void {
    if (this.#stream.remoteClosed) {
      this.#deliver();
      return;
    }
    this.#violate(ErrorCode.PROTOCOL_ERROR, "HEADERS in the middle of a stream");
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#open) return;
    const { connection } = this.#scope;
    const count = end - start;
    if (connection.assemblyBytes + count > connection.assemblyBytesMax) {
      this.#violate(ErrorCode.ENHANCE_YOUR_CALM, "too many bytes wait for those who read them");
      return;
    }
    if (count > 0) this.#keep([bytes.slice(start, end)]);
    this.#deliver();
  }

  onReset(): void {
    this.#lose("stream was reset");
  }

  onViolation(text: string): void {
    this.#lose(text);
  }

  onLost(reason: string): void {
    this.#lose(reason);
  }

  onDeadline(): void {}

  onWritable(): void {
    this.#scope.connection.grantStream(this.#stream);
    if (this.#open) this.#streamHandler?.onWritable();
  }

  /** Everything is written: an empty frame ends the stream. */
  onTrailersDue(): void {
    const { connection } = this.#scope;
    const stream = this.#stream;
    connection.out.reserve(FRAME_HEADER_BYTES);
    writeFrameHeader(connection.out, 0, FrameType.DATA, FLAG_END_STREAM, stream.id);
    stream.localClosed = true;
    if (stream.remoteClosed) connection.closeStream(stream);
    else connection.resetStream(stream, ErrorCode.NO_ERROR);
    connection.wroteMessage();
  }

  // --- Inside --------------------------------------------------------------------------------------------

  /** Gives the reader what waits, and grants the client more. */
  #deliver(): void {
    const reader = this.#reader;
    if (reader === undefined || this.#paused || this.#bodyOver || !this.#open) return;
    const pieces = this.#pieces;
    this.#dropBody();
    for (const [index, piece] of pieces.entries()) {
      reader.onBytes(piece);
      if (!this.#open) return;
      if (this.#paused) {
        this.#keep(pieces.slice(index + 1));
        return;
      }
    }
    if (this.#stream.remoteClosed) {
      this.#bodyOver = true;
      reader.onEnd();
      return;
    }
    this.#stream.grantsHeld = false;
    this.#scope.connection.grantStream(this.#stream);
  }

  #keep(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#bytesWaiting += piece.length;
      this.#scope.connection.assemblyBytes += piece.length;
    }
  }

  #dropBody(): void {
    this.#scope.connection.assemblyBytes -= this.#bytesWaiting;
    this.#pieces = [];
    this.#bytesWaiting = 0;
  }

  #start(status: number, headers: HttpHeaders): void {
    assert(!this.#started, "A response starts once");
    this.#started = true;
    const { connection, blocks } = this.#scope;
    const date = this.#dateOf === undefined ? {} : { date: this.#dateOf() };
    const block = blocks.plain(status, { ...this.#preset, ...headers, ...date });
    const { frameBytesMax } = connection.scheduler;
    writeHeaderBlock(connection.out, this.#stream.id, block, false, frameBytesMax);
    connection.wroteMessage();
  }

  #end(): void {
    assert(this.#started, "A response starts before it ends");
    this.#forget();
    const { queue } = this.#stream;
    if (queue === undefined) this.onTrailersDue();
    else this.#scope.connection.scheduler.endAfterQueue(queue, "trailers");
  }

  #forget(): void {
    this.#open = false;
    this.#dropBody();
  }

  #violate(code: ErrorCode, text: string): void {
    this.#scope.connection.streamError(this.#stream.id, this.#stream, code, text);
  }

  /** The client or the connection is gone. */
  #lose(reason: string): void {
    if (!this.#open) return;
    this.#forget();
    if (!this.#bodyOver) this.#reader?.onFailed(new Error("unexpected EOF"));
    if (this.#streamHandler !== undefined) this.#streamHandler.onClosed(new Error(reason));
    else this.onGone?.();
  }
}

function isRegular(field: HeaderField): boolean {
  return !isPseudo(field.kind);
}
