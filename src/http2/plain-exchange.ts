/**
 * One HTTP exchange that is not gRPC: the body is gathered, the request handed out, the response written.
 * For the JSON gateway, health and metrics on TLS listeners, where clients may choose HTTP/2.
 */
import type { ClientPeer } from "../ports/client-peer.ts";
import { assert } from "../stdx/assert.ts";
import { bytesFromUtf8, concatBytes, EMPTY_BYTES } from "../stdx/bytes.ts";
import { writeFrameHeader, writeHeaderBlock } from "./frame-writer.ts";
import type { ServerCallScope } from "./grpc-server-call.ts";
import type { PlainHeader, PlainRequest } from "./grpc-server-types.ts";
import { type HeaderField, isPseudo } from "./header-field.ts";
import { PLAIN_BODY_BYTES_MAX } from "./limits.ts";
import { ErrorCode, FLAG_END_STREAM, FRAME_HEADER_BYTES, FrameType } from "./protocol.ts";
import type { RequestHead } from "./request-head.ts";
import type { Http2Stream, StreamOwner } from "./stream.ts";

const TEXT_TYPE: PlainHeader = { name: "content-type", value: "text/plain; charset=utf-8" };

export class PlainExchange implements PlainRequest, StreamOwner {
  readonly deadlineMs = Number.POSITIVE_INFINITY;
  body: Uint8Array = EMPTY_BYTES;
  open = true;
  onGone: (() => void) | undefined = undefined;
  onRoom: (() => void) | undefined = undefined;
  readonly #scope: ServerCallScope;
  readonly #stream: Http2Stream;
  readonly #head: RequestHead;
  readonly #hand: (request: PlainRequest) => void;
  #pieces: Uint8Array[] = [];
  #bodyBytes = 0;
  #started = false;

  constructor(
    scope: ServerCallScope,
    stream: Http2Stream,
    head: RequestHead,
    hand: (request: PlainRequest) => void,
  ) {
    this.#scope = scope;
    this.#stream = stream;
    this.#head = head;
    this.#hand = hand;
  }

  get method(): string {
    return this.#head.method;
  }

  get path(): string {
    return this.#head.path;
  }

  get authority(): string {
    return this.#head.authority;
  }

  get scheme(): string {
    return this.#head.scheme;
  }

  get peer(): ClientPeer {
    return this.#scope.peer;
  }

  get(name: string): string | undefined {
    return this.#head.fields.find((field) => field.name === name && isRegular(field))?.value;
  }

  headers(): readonly PlainHeader[] {
    return this.#head.fields.filter(isRegular);
  }

  respond(status: number, headers: readonly PlainHeader[], body: Uint8Array): void {
    this.start(status, headers);
    this.write(body);
    this.end();
  }

  start(status: number, headers: readonly PlainHeader[]): void {
    if (!this.open) return;
    assert(!this.#started, "A response starts once");
    this.#started = true;
    const { connection, blocks } = this.#scope;
    const block = blocks.plain(status, headers);
    const { frameBytesMax } = connection.scheduler;
    writeHeaderBlock(connection.out, this.#stream.id, block, false, frameBytesMax);
    connection.wroteMessage();
  }

  write(bytes: Uint8Array): boolean {
    if (!this.open || bytes.length === 0) return true;
    assert(this.#started, "A response starts before its body");
    return this.#scope.connection.enqueue(this.#stream, bytes);
  }

  end(): void {
    if (!this.open) return;
    assert(this.#started, "A response starts before it ends");
    this.open = false;
    const { queue } = this.#stream;
    if (queue === undefined) this.onTrailersDue();
    else this.#scope.connection.scheduler.endAfterQueue(queue, "trailers");
  }

  /** The request headers have been understood; to be called once, after the stream has its owner. */
  begin(): void {
    if (this.#stream.remoteClosed) this.#handOut();
  }

  /** Trailers of a client: nothing but the end of the body. */
  onHeaders(): void {
    if (this.#stream.remoteClosed) {
      this.#handOut();
      return;
    }
    const { connection } = this.#scope;
    const text = "HEADERS in the middle of a stream";
    connection.streamError(this.#stream.id, this.#stream, ErrorCode.PROTOCOL_ERROR, text);
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    if (!this.open) return;
    const { connection } = this.#scope;
    const count = end - start;
    if (
      this.#bodyBytes + count > PLAIN_BODY_BYTES_MAX ||
      connection.assemblyBytes + count > connection.assemblyBytesMax
    ) {
      this.respond(413, [TEXT_TYPE], bytesFromUtf8("http: request body too large\n"));
      this.#dropBody();
      return;
    }
    if (count > 0) this.#pieces.push(bytes.slice(start, end));
    this.#bodyBytes += count;
    connection.assemblyBytes += count;
    if (this.#stream.remoteClosed) this.#handOut();
  }

  onReset(): void {
    this.#cancel();
  }

  onViolation(): void {
    this.#cancel();
  }

  onLost(): void {
    this.#cancel();
  }

  onDeadline(): void {}

  onWritable(): void {
    this.#scope.connection.grantStream(this.#stream);
    if (this.open) this.onRoom?.();
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

  #handOut(): void {
    if (!this.open) return;
    this.body = concatBytes(this.#pieces);
    this.#dropBody();
    this.#hand(this);
  }

  #dropBody(): void {
    this.#scope.connection.assemblyBytes -= this.#bodyBytes;
    this.#pieces = [];
    this.#bodyBytes = 0;
  }

  #cancel(): void {
    this.#dropBody();
    if (!this.open) return;
    this.open = false;
    this.onGone?.();
  }
}

function isRegular(field: HeaderField): boolean {
  return !isPseudo(field.kind);
}
