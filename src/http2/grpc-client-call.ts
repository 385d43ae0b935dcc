/**
 * One gRPC call on the client's side, unary or streaming.
 *
 *   waiting (for a stream) -> started -> response headers -> messages -> trailers: status
 *
 * The call ends exactly once, by `#finish`: with the server's status, or with one of our own in grpc-go's
 * words. What is said about it then goes to `done` (unary) or `handlers` (streaming).
 *
 * Source: gRPC over HTTP/2; grpc-go internal/transport/http2_client.go, stream.go, call.go.
 */
import { GrpcCode } from "../errors/codes.ts";
import { assert } from "../stdx/assert.ts";
import { goQuote } from "../stdx/go-quote.ts";
import type { Connection } from "./connection.ts";
import { writeFrameHeader, writeHeaderBlock } from "./frame-writer.ts";
import type {
  GrpcClientCall,
  GrpcStatus,
  GrpcStreamHandlers,
  UnaryDone,
} from "./grpc-client-types.ts";
import { EMPTY_METADATA, type GrpcMetadata } from "./grpc-metadata.ts";
import type { HeaderBlock } from "./header-block.ts";
import {
  dropAssembly,
  MESSAGE_PREFIX_BYTES,
  type MessageAssembly,
  type MessageSink,
  readMessages,
} from "./message-reader.ts";
import { copyBytes } from "./out-buffer.ts";
import {
  ErrorCode,
  errorCodeName,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  FrameType,
  writeUint32,
} from "./protocol.ts";
import type { RequestBlocks } from "./request-blocks.ts";
import { ResponseHead } from "./response-head.ts";
import type { Http2Stream, StreamOwner } from "./stream.ts";

/** What all calls of a connection share. */
export interface ClientCallScope {
  readonly connection: Connection;
  readonly blocks: RequestBlocks;
  /** The call holds a view of the input: it is told to copy before the view becomes invalid. */
  borrow(call: ClientCall): void;
  /** A call ended while it waited for a stream. */
  abandoned(): void;
  /** What to tell of a lost connection. */
  lostText(reason: string): string;
}

const STRAY_MESSAGE =
  "cardinality violation: expected <EOF> for non server-streaming RPCs, but received another message";
const NO_MESSAGE =
  "cardinality violation: received no response message from non-server-streaming RPC";

/** gRPC codes of RST_STREAM codes. */
const CODE_OF_RESET: readonly number[] = [
  GrpcCode.Internal,
  GrpcCode.Internal,
  GrpcCode.Internal,
  GrpcCode.ResourceExhausted,
  GrpcCode.Internal,
  GrpcCode.Internal,
  GrpcCode.Internal,
  GrpcCode.Unavailable,
  GrpcCode.Canceled,
  GrpcCode.Internal,
  GrpcCode.Internal,
  GrpcCode.ResourceExhausted,
  GrpcCode.PermissionDenied,
  GrpcCode.Internal,
];

export class ClientCall implements GrpcClientCall, StreamOwner, MessageSink {
  context: unknown = undefined;
  assembly: MessageAssembly | undefined = undefined;
  open = true;
  readonly path: string;
  readonly deadlineMs: number;
  readonly metadata: GrpcMetadata;
  readonly #scope: ClientCallScope;
  /** Unary only. */
  readonly #done: UnaryDone | undefined;
  /** Streaming only. */
  readonly #handlers: GrpcStreamHandlers | undefined;
  /** `undefined` while the call waits. */
  #stream: Http2Stream | undefined = undefined;
  /** Messages that wait for a stream, or the body of a unary call. */
  #early: Uint8Array[] | undefined = undefined;
  #halfClosed = false;
  #head: ResponseHead | undefined = undefined;
  /** Unary: the response that waits for its status. */
  #message: Uint8Array | undefined = undefined;

  constructor(
    scope: ClientCallScope,
    path: string,
    metadata: GrpcMetadata,
    deadlineMs: number,
    done: UnaryDone | undefined,
    handlers: GrpcStreamHandlers | undefined,
  ) {
    this.#scope = scope;
    this.path = path;
    this.metadata = metadata;
    this.deadlineMs = deadlineMs;
    this.#done = done;
    this.#handlers = handlers;
  }

  get headers(): GrpcMetadata {
    return this.#head === undefined ? EMPTY_METADATA : this.#head.metadata;
  }

  // --- Requests out --------------------------------------------------------------------------------------

  /** Keeps the body of a unary call that has to wait. */
  keepBody(body: Uint8Array): void {
    this.#early = [body];
    this.#halfClosed = true;
  }

  /** Starts the call on `stream`, with the header block of the request; `body` of a unary call. */
  start(stream: Http2Stream, block: Uint8Array, body: Uint8Array | undefined): void {
    const { connection } = this.#scope;
    this.#stream = stream;
    if (this.deadlineMs < Number.POSITIVE_INFINITY) connection.noteDeadline(this.deadlineMs);
    writeHeaderBlock(connection.out, stream.id, block, false, connection.scheduler.frameBytesMax);
    if (body !== undefined) {
      this.#halfClosed = true;
      this.#write(stream, body, true);
    } else {
      const early = this.#early;
      this.#early = undefined;
      if (early !== undefined) this.#writeEarly(stream, early);
      else if (this.#halfClosed) this.#writeEnd(stream);
    }
    connection.wroteMessage();
  }

  sendMessage(message: Uint8Array): boolean {
    if (!this.open) return true;
    assert(!this.#halfClosed, "Nothing is sent after the half-close");
    if (this.#stream !== undefined) return this.#write(this.#stream, message, false);
    this.#early ??= [];
    this.#early.push(message);
    return true;
  }

  halfClose(): void {
    if (!this.open || this.#halfClosed) return;
    this.#halfClosed = true;
    if (this.#stream !== undefined) this.#writeEnd(this.#stream);
  }

  cancel(): void {
    this.abort(GrpcCode.Canceled, "context canceled");
  }

  setReceiving(receiving: boolean): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    stream.grantsHeld = !receiving;
    if (receiving) this.#scope.connection.grantStream(stream);
  }

  /** Ends the call with a status of ours and tells the server. */
  abort(code: number, message: string): void {
    if (!this.open) return;
    const stream = this.#stream;
    if (stream !== undefined) this.#scope.connection.resetStream(stream, ErrorCode.CANCEL);
    const unprocessed = stream === undefined;
    this.#finish({ code, message, trailers: EMPTY_METADATA, unprocessed });
    if (unprocessed) this.#scope.abandoned();
  }

  #writeEarly(stream: Http2Stream, early: readonly Uint8Array[]): void {
    const last = early.length - 1;
    for (let i = 0; i < last; i++) this.#write(stream, early[i], false);
    this.#write(stream, early[last], this.#halfClosed);
  }

  #write(stream: Http2Stream, message: Uint8Array, ends: boolean): boolean {
    const { connection } = this.#scope;
    const { scheduler, out } = connection;
    const framed = MESSAGE_PREFIX_BYTES + message.length;
    if (!scheduler.canWrite(stream, framed)) {
      const prefix = new Uint8Array(MESSAGE_PREFIX_BYTES);
      writeUint32(prefix, 1, message.length);
      let room = connection.enqueue(stream, prefix);
      if (message.length > 0) room = connection.enqueue(stream, message);
      if (ends) this.#writeEnd(stream);
      return room;
    }
    out.reserve(FRAME_HEADER_BYTES + framed);
    writeFrameHeader(out, framed, FrameType.DATA, ends ? FLAG_END_STREAM : 0, stream.id);
    out.bytes[out.at] = 0;
    writeUint32(out.bytes, out.at + 1, message.length);
    copyBytes(message, 0, message.length, out.bytes, out.at + MESSAGE_PREFIX_BYTES);
    out.at += framed;
    scheduler.wrote(stream, framed);
    if (ends) stream.localClosed = true;
    connection.wroteMessage();
    return true;
  }

  #writeEnd(stream: Http2Stream): void {
    const { connection } = this.#scope;
    if (stream.queue !== undefined) {
      connection.scheduler.endAfterQueue(stream.queue, "end-stream");
      return;
    }
    connection.out.reserve(FRAME_HEADER_BYTES);
    writeFrameHeader(connection.out, 0, FrameType.DATA, FLAG_END_STREAM, stream.id);
    stream.localClosed = true;
    connection.wroteMessage();
  }

  // --- Responses in ----------------------------------------------------------------------------------------

  onHeaders(block: HeaderBlock): void {
    const stream = this.#stream;
    if (!this.open || stream === undefined) return;
    const head = ResponseHead.of(block);
    if (block.truncated) {
      this.#reject(ErrorCode.FRAME_SIZE_ERROR, internal("peer header list size exceeded limit"));
    } else if (this.#head === undefined) {
      // Interim responses (1xx) say nothing about the call.
      if (head.httpStatus >= 100 && head.httpStatus < 200 && !stream.remoteClosed) return;
      const fault = head.fault();
      if (fault !== undefined) this.#reject(ErrorCode.PROTOCOL_ERROR, fault);
      else if (stream.remoteClosed) this.#onTrailers(stream, head);
      else {
        this.#head = head;
        this.#handlers?.onHeaders?.(this, head.metadata);
      }
    } else if (stream.remoteClosed) {
      this.#onTrailers(stream, head);
    } else {
      const text = "a HEADERS frame cannot appear in the middle of a stream";
      this.#reject(ErrorCode.PROTOCOL_ERROR, internal(text));
    }
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    const stream = this.#stream;
    if (!this.open || stream === undefined) return;
    if (this.#head === undefined) {
      this.#reject(ErrorCode.PROTOCOL_ERROR, internal("received DATA before response headers"));
      return;
    }
    readMessages(this, this.#scope.connection, bytes, start, end);
    if (!this.open || !stream.remoteClosed) return;
    this.#scope.connection.closeStream(stream);
    this.#finish(internal("server closed the stream without sending trailers"));
  }

  get messageBytesMax(): number {
    return this.#scope.connection.limits.receiveMessageBytesMax;
  }

  onWholeMessage(flag: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (flag !== 0) {
      this.#reject(ErrorCode.CANCEL, this.#payloadFault(flag));
      return false;
    }
    const message = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
    if (this.#handlers !== undefined) {
      this.#handlers.onMessage(this, message);
      return this.open;
    }
    if (this.#message !== undefined) {
      this.#reject(ErrorCode.CANCEL, internal(STRAY_MESSAGE));
      return false;
    }
    this.#message = message;
    this.#scope.borrow(this);
    return true;
  }

  /** The input that a held message is part of becomes invalid. */
  keepMessage(): void {
    if (this.#message !== undefined) this.#message = this.#message.slice();
  }

  onMessageTooLarge(length: number): void {
    const text = `grpc: received message larger than max (${length} vs. ${this.messageBytesMax})`;
    this.#reject(ErrorCode.CANCEL, ownStatus(GrpcCode.ResourceExhausted, text));
  }

  onAssemblyFull(): void {
    const text = "grpc: too many incomplete messages on the connection";
    this.#reject(ErrorCode.CANCEL, ownStatus(GrpcCode.ResourceExhausted, text));
  }

  #payloadFault(flag: number): GrpcStatus {
    if (flag !== 1) return internal(`grpc: received unexpected payload format ${flag}`);
    const encoding = this.#head?.encoding ?? "";
    if (encoding === "" || encoding === "identity") {
      return internal("grpc: compressed flag set with identity or empty encoding");
    }
    const text = `grpc: Decompressor is not installed for grpc-encoding ${goQuote(encoding)}`;
    return ownStatus(GrpcCode.Unimplemented, text);
  }

  // --- The end -----------------------------------------------------------------------------------------------

  #onTrailers(stream: Http2Stream, head: ResponseHead): void {
    const { connection } = this.#scope;
    if (stream.localClosed) connection.closeStream(stream);
    else connection.resetStream(stream, ErrorCode.NO_ERROR);
    const { status } = head;
    if (this.assembly !== undefined && status.code === GrpcCode.OK) {
      this.#finish(internal("unexpected EOF"));
    } else if (
      this.#done !== undefined &&
      status.code === GrpcCode.OK &&
      this.#message === undefined
    ) {
      this.#finish(internal(NO_MESSAGE));
    } else {
      this.#finish(status);
    }
  }

  /** Ends the call because the response is of no use. */
  #reject(code: ErrorCode, status: GrpcStatus): void {
    const stream = this.#stream;
    if (stream !== undefined) this.#scope.connection.resetStream(stream, code);
    this.#finish(status);
  }

  onReset(errorCode: number): void {
    let code: number = CODE_OF_RESET[errorCode] ?? GrpcCode.Unknown;
    if (code === GrpcCode.Canceled && this.deadlineMs <= this.#scope.connection.nowMs) {
      code = GrpcCode.DeadlineExceeded;
    }
    this.#finish({
      code,
      message: `stream terminated by RST_STREAM with error code: ${errorCodeName(errorCode)}`,
      trailers: EMPTY_METADATA,
      unprocessed: errorCode === ErrorCode.REFUSED_STREAM,
    });
  }

  onViolation(text: string): void {
    this.#finish(internal(text));
  }

  onLost(reason: string, unprocessed: boolean): void {
    this.#finish({
      code: GrpcCode.Unavailable,
      message: this.#scope.lostText(reason),
      trailers: EMPTY_METADATA,
      unprocessed: unprocessed || this.#stream === undefined,
    });
  }

  onDeadline(): void {
    this.abort(GrpcCode.DeadlineExceeded, "context deadline exceeded");
  }

  onWritable(): void {
    if (this.open) this.#handlers?.onWritable?.(this);
  }

  onTrailersDue(): void {}

  #finish(status: GrpcStatus): void {
    if (!this.open) return;
    this.open = false;
    if (this.assembly !== undefined) dropAssembly(this);
    const message = this.#message;
    this.#message = undefined;
    this.#early = undefined;
    if (this.#done !== undefined) {
      this.#done(status, status.code === GrpcCode.OK ? message : undefined, this);
    } else {
      this.#handlers?.onStatus(this, status);
    }
  }
}

function internal(message: string): GrpcStatus {
  return ownStatus(GrpcCode.Internal, message);
}

function ownStatus(code: number, message: string): GrpcStatus {
  return { code, message, trailers: EMPTY_METADATA, unprocessed: false };
}
