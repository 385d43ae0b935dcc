/**
 * One gRPC call on the server's side: messages in, headers, messages and status out.
 *
 *   request   open -> remote end (half-closed)
 *   response  nothing -> headers -> messages -> trailers, or trailers only
 *
 * The call is over when its status was given, or by reset, deadline or loss; then `open` is false and all
 * methods do nothing. Texts are grpc-go's, because clients show them.
 *
 * Source: gRPC over HTTP/2; grpc-go server.go, stream.go, rpc_util.go.
 */
import { GrpcCode } from "../errors/codes.ts";
import type { ClientPeer } from "../ports/client-peer.ts";
import { goQuote } from "../stdx/go-quote.ts";
import type { Connection } from "./connection.ts";
import { writeFrameHeader, writeHeaderBlock } from "./frame-writer.ts";
import {
  decodeBinaryValue,
  EMPTY_METADATA,
  type GrpcMetadata,
  visibleMetadata,
} from "./grpc-metadata.ts";
import type { CallCounts, GrpcMethodHandler, GrpcServerCall } from "./grpc-server-types.ts";
import { FieldKind } from "./header-field.ts";
import {
  dropAssembly,
  MESSAGE_PREFIX_BYTES,
  type MessageAssembly,
  type MessageSink,
  readMessages,
} from "./message-reader.ts";
import type { GrpcTraffic, Inflate } from "./options.ts";
import { copyBytes } from "./out-buffer.ts";
import {
  ErrorCode,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  FrameType,
  writeUint32,
} from "./protocol.ts";
import type { RequestHead } from "./request-head.ts";
import type { ResponseBlocks } from "./response-blocks.ts";
import type { Http2Stream, StreamOwner } from "./stream.ts";

/** What all calls of a connection share. */
export interface ServerCallScope {
  readonly connection: Connection;
  readonly blocks: ResponseBlocks;
  readonly inflate: Inflate | undefined;
  readonly peer: ClientPeer;
  readonly traffic: GrpcTraffic;
}

/** Status that waits behind queued messages. */
interface PendingStatus {
  readonly code: number;
  readonly message: string;
  readonly trailers: GrpcMetadata;
}

const TOO_MANY_REQUESTS =
  "cardinality violation: received multiple request messages for non-client-streaming RPC";
const NO_REQUEST =
  "cardinality violation: received no request message from non-client-streaming RPC";

export class ServerCall implements GrpcServerCall, StreamOwner, MessageSink {
  context: unknown = undefined;
  assembly: MessageAssembly | undefined = undefined;
  open = true;
  readonly deadlineMs: number;
  readonly #scope: ServerCallScope;
  readonly #stream: Http2Stream;
  readonly #head: RequestHead;
  readonly #handler: GrpcMethodHandler;
  #headersSent = false;
  /** Unary: the request that waits for the end of the stream. */
  #held: Uint8Array | undefined = undefined;
  /** Unary: how many requests arrived. */
  #messages = 0;
  #pendingStatus: PendingStatus | undefined = undefined;
  #counts: CallCounts | undefined = undefined;
  #startedMs = 0;

  constructor(
    scope: ServerCallScope,
    stream: Http2Stream,
    head: RequestHead,
    handler: GrpcMethodHandler,
    timeoutMs: number,
  ) {
    this.#scope = scope;
    this.#stream = stream;
    this.#head = head;
    this.#handler = handler;
    this.deadlineMs = scope.connection.nowMs + timeoutMs;
  }

  // --- What handlers use -------------------------------------------------------------------------------

  get path(): string {
    return this.#head.path;
  }

  get peer(): ClientPeer {
    return this.#scope.peer;
  }

  get unsentBytes(): number {
    return this.#scope.connection.unsentBytes;
  }

  countWith(counts: CallCounts, startedMs: number): void {
    this.#counts = counts;
    this.#startedMs = startedMs;
  }

  get(name: string): string | undefined {
    if (name === ":authority") return this.#head.authority;
    for (const field of this.#head.fields) {
      if (field.name === name && isVisibleText(field.kind)) return field.value;
    }
    return undefined;
  }

  getAll(name: string): string[] {
    const values: string[] = [];
    for (const field of this.#head.fields) {
      if (field.name === name && isVisibleText(field.kind)) values.push(field.value);
    }
    return values;
  }

  getBytes(name: string): Uint8Array | undefined {
    const field = this.#head.fields.find((each) => each.name === name);
    if (field === undefined || field.kind !== FieldKind.BINARY) return undefined;
    const bytes = decodeBinaryValue(field.value);
    return typeof bytes === "number" ? undefined : bytes;
  }

  metadata(): GrpcMetadata {
    return visibleMetadata(this.#head.fields);
  }

  sendHeaders(metadata: GrpcMetadata = EMPTY_METADATA): void {
    if (!this.open || this.#headersSent) return;
    const { blocks } = this.#scope;
    const { responseType } = this.#head;
    this.#headersSent = true;
    this.#writeBlock(
      metadata.length === 0
        ? blocks.headers(responseType)
        : blocks.headersWith(responseType, metadata),
      false,
    );
    this.#scope.connection.wroteMessage();
  }

  sendMessage(message: Uint8Array): boolean {
    if (!this.open) return true;
    if (!this.#headersSent) this.sendHeaders();
    const { connection } = this.#scope;
    this.#sending(message.length);
    const framed = MESSAGE_PREFIX_BYTES + message.length;
    if (!connection.scheduler.canWrite(this.#stream, framed)) {
      connection.enqueue(this.#stream, messagePrefix(message.length));
      return message.length === 0 || connection.enqueue(this.#stream, message);
    }
    connection.out.reserve(FRAME_HEADER_BYTES + framed);
    this.#writeMessage(message, framed);
    connection.wroteMessage();
    return true;
  }

  /** Nothing is allocated where it can be written at once (bench/kinds/watch-events.mjs). */
  sendParts(head: Uint8Array, headLength: number, body: Uint8Array): boolean {
    if (!this.open) return true;
    if (!this.#headersSent) this.sendHeaders();
    const { connection } = this.#scope;
    const length = headLength + body.length;
    this.#sending(length);
    const framed = MESSAGE_PREFIX_BYTES + length;
    if (!connection.scheduler.canWrite(this.#stream, framed)) {
      const first = new Uint8Array(MESSAGE_PREFIX_BYTES + headLength);
      writeUint32(first, 1, length);
      copyBytes(head, 0, headLength, first, MESSAGE_PREFIX_BYTES);
      const hasRoom = connection.enqueue(this.#stream, first);
      return body.length === 0 ? hasRoom : connection.enqueue(this.#stream, body);
    }
    const { out } = connection;
    out.reserve(FRAME_HEADER_BYTES + framed);
    this.#writeMessageStart(length);
    copyBytes(head, 0, headLength, out.bytes, out.at);
    copyBytes(body, 0, body.length, out.bytes, out.at + headLength);
    out.at += length;
    connection.scheduler.wrote(this.#stream, framed);
    connection.wroteMessage();
    return true;
  }

  sendStatus(code: number, message: string, trailers: GrpcMetadata = EMPTY_METADATA): void {
    if (!this.open) return;
    this.#over();
    this.#counts?.ended(code, this.#startedMs);
    const { queue } = this.#stream;
    if (queue === undefined) {
      this.#writeStatus(code, message, trailers);
      return;
    }
    this.#pendingStatus = { code, message, trailers };
    this.#scope.connection.scheduler.endAfterQueue(queue, "trailers");
  }

  /** The hot path: three frames into one place, nothing allocated (bench/http2.mjs). */
  sendUnary(message: Uint8Array): void {
    if (!this.open) return;
    const { connection, blocks } = this.#scope;
    const stream = this.#stream;
    const framed = MESSAGE_PREFIX_BYTES + message.length;
    if (this.#headersSent || !connection.scheduler.canWrite(stream, framed)) {
      this.sendMessage(message);
      this.sendStatus(GrpcCode.OK, "");
      return;
    }
    this.#over();
    this.#sending(message.length);
    this.#counts?.ended(GrpcCode.OK, this.#startedMs);
    const { out } = connection;
    const headers = blocks.headers(this.#head.responseType);
    const trailers = blocks.okTrailers();
    out.reserve(3 * FRAME_HEADER_BYTES + framed + headers.length + trailers.length);
    writeFrameHeader(out, headers.length, FrameType.HEADERS, FLAG_END_HEADERS, stream.id);
    copyBytes(headers, 0, headers.length, out.bytes, out.at);
    out.at += headers.length;
    this.#writeMessage(message, framed);
    const flags = FLAG_END_HEADERS | FLAG_END_STREAM;
    writeFrameHeader(out, trailers.length, FrameType.HEADERS, flags, stream.id);
    copyBytes(trailers, 0, trailers.length, out.bytes, out.at);
    out.at += trailers.length;
    this.#finishStream();
  }

  setReceiving(receiving: boolean): void {
    this.#stream.grantsHeld = !receiving;
    if (receiving) this.#scope.connection.grantStream(this.#stream);
  }

  #sending(bytes: number): void {
    this.#scope.traffic.sentBytes.add(bytes);
    this.#counts?.sent.inc();
  }

  // --- What the stream tells -----------------------------------------------------------------------------

  /** The request headers have been understood; to be called once, after the stream has its owner. */
  begin(): void {
    this.#handler.onCall?.(this);
    if (this.open && this.#stream.remoteClosed) this.#onRemoteEnd();
  }

  /** Trailers of a client: nothing but the end of its messages. */
  onHeaders(): void {
    if (!this.#stream.remoteClosed) {
      const { connection } = this.#scope;
      const text = "HEADERS in the middle of a stream";
      connection.streamError(this.#stream.id, this.#stream, ErrorCode.PROTOCOL_ERROR, text);
    } else if (this.open) {
      this.#onRemoteEnd();
    }
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    if (!this.open) return;
    const heldBefore = this.#held;
    readMessages(this, this.#scope.connection, bytes, start, end);
    if (!this.open) return;
    if (this.#stream.remoteClosed) this.#onRemoteEnd();
    else if (this.#held !== heldBefore) this.#held = this.#held?.slice();
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

  onDeadline(): void {
    const wasOpen = this.open;
    if (this.#stream.queue === undefined) {
      this.sendStatus(GrpcCode.DeadlineExceeded, "context deadline exceeded");
    } else {
      // A message may be half written: there is no way to put a status behind it.
      this.#over();
      this.#counts?.ended(GrpcCode.DeadlineExceeded, this.#startedMs);
      this.#scope.connection.resetStream(this.#stream, ErrorCode.CANCEL);
    }
    if (wasOpen) this.#handler.onCancel(this);
  }

  onWritable(): void {
    this.#scope.connection.grantStream(this.#stream);
    if (this.open) this.#handler.onWritable?.(this);
  }

  onTrailersDue(): void {
    const status = this.#pendingStatus;
    if (status !== undefined) this.#writeStatus(status.code, status.message, status.trailers);
  }

  /** Ends a call that may have no end because the server stops; others are left to finish. */
  onServerStop(code: number, message: string): void {
    const { kind, isEndless } = this.#handler;
    if (!this.open || (kind !== "stream" && isEndless !== true)) return;
    this.sendStatus(code, message);
    this.#handler.onCancel(this);
  }

  // --- Messages in ---------------------------------------------------------------------------------------

  get messageBytesMax(): number {
    return this.#scope.connection.limits.receiveMessageBytesMax;
  }

  onWholeMessage(flag: number, bytes: Uint8Array, start: number, end: number): boolean {
    const payload = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
    const message = flag === 0 ? payload : this.#decompress(flag, payload);
    if (message === undefined) return false;
    this.#scope.traffic.receivedBytes.add(message.length);
    if (this.#handler.kind === "stream") {
      this.#handler.onMessage(this, message);
      return this.open;
    }
    this.#messages++;
    if (this.#messages > 1) {
      this.sendStatus(GrpcCode.Internal, TOO_MANY_REQUESTS);
      return false;
    }
    this.#held = message;
    return true;
  }

  onMessageTooLarge(length: number): void {
    const text = `grpc: received message larger than max (${length} vs. ${this.messageBytesMax})`;
    this.sendStatus(GrpcCode.ResourceExhausted, text);
  }

  onAssemblyFull(): void {
    const text = "grpc: too many incomplete messages on the connection";
    this.sendStatus(GrpcCode.ResourceExhausted, text);
  }

  /** `undefined` after it has ended the call. */
  #decompress(flag: number, payload: Uint8Array): Uint8Array | undefined {
    const { encoding } = this.#head;
    const { inflate } = this.#scope;
    if (flag !== 1) {
      this.sendStatus(GrpcCode.Internal, `grpc: received unexpected payload format ${flag}`);
      return undefined;
    }
    if (encoding === "" || encoding === "identity" || inflate === undefined) {
      const text = "grpc: compressed flag set with identity or empty encoding";
      this.sendStatus(GrpcCode.Internal, text);
      return undefined;
    }
    const max = this.messageBytesMax;
    const message = inflate(payload, max);
    if (message === undefined) {
      const text = `grpc: failed to decompress the received message: invalid ${goQuote(encoding)} data`;
      this.sendStatus(GrpcCode.Internal, text);
    } else if (message.length > max) {
      const sizes = `(${message.length} vs. ${max})`;
      const text = `grpc: received message after decompression larger than max ${sizes}`;
      this.sendStatus(GrpcCode.ResourceExhausted, text);
      return undefined;
    }
    return message;
  }

  #onRemoteEnd(): void {
    if (this.assembly !== undefined) {
      this.sendStatus(GrpcCode.Internal, "unexpected EOF");
    } else if (this.#handler.kind === "stream") {
      this.#handler.onHalfClose(this);
    } else if (this.#held === undefined) {
      this.sendStatus(GrpcCode.Internal, NO_REQUEST);
    } else {
      const message = this.#held;
      this.#held = undefined;
      this.#handler.onMessage(this, message);
    }
  }

  // --- Frames out ----------------------------------------------------------------------------------------

  #writeBlock(block: Uint8Array, endStream: boolean): void {
    const { connection } = this.#scope;
    const { frameBytesMax } = connection.scheduler;
    writeHeaderBlock(connection.out, this.#stream.id, block, endStream, frameBytesMax);
  }

  /** Writes one DATA frame; room for it has been reserved and its window checked. */
  #writeMessage(message: Uint8Array, framed: number): void {
    const { out, scheduler } = this.#scope.connection;
    this.#writeMessageStart(message.length);
    copyBytes(message, 0, message.length, out.bytes, out.at);
    out.at += message.length;
    scheduler.wrote(this.#stream, framed);
  }

  /** The heads of a DATA frame and of the one message in it, of `length` bytes. */
  #writeMessageStart(length: number): void {
    const { out } = this.#scope.connection;
    const framed = MESSAGE_PREFIX_BYTES + length;
    writeFrameHeader(out, framed, FrameType.DATA, 0, this.#stream.id);
    out.bytes[out.at] = 0;
    writeUint32(out.bytes, out.at + 1, length);
    out.at += MESSAGE_PREFIX_BYTES;
  }

  #writeStatus(code: number, message: string, trailers: GrpcMetadata): void {
    const { connection, blocks } = this.#scope;
    const listBytesMax = connection.peerSettings.headerListBytesMax;
    const { responseType } = this.#head;
    if (blocks.statusListBytes(responseType, message, trailers) > listBytesMax) {
      connection.resetStream(this.#stream, ErrorCode.INTERNAL_ERROR);
      return;
    }
    this.#writeBlock(
      this.#headersSent
        ? code === GrpcCode.OK && message === "" && trailers.length === 0
          ? blocks.okTrailers()
          : blocks.trailers(code, message, trailers)
        : blocks.trailersOnly(responseType, code, message, trailers),
      true,
    );
    this.#finishStream();
  }

  /** After END_STREAM of ours: a client that has not ended its side is told not to bother. */
  #finishStream(): void {
    const { connection } = this.#scope;
    this.#stream.localClosed = true;
    if (this.#stream.remoteClosed) connection.closeStream(this.#stream);
    else connection.resetStream(this.#stream, ErrorCode.NO_ERROR);
    connection.wroteMessage();
  }

  // --- The end -------------------------------------------------------------------------------------------

  #over(): void {
    this.open = false;
    this.#held = undefined;
    if (this.assembly !== undefined) dropAssembly(this);
  }

  #cancel(): void {
    if (!this.open) return;
    this.#over();
    this.#counts?.ended(GrpcCode.Canceled, this.#startedMs);
    this.#handler.onCancel(this);
  }
}

function messagePrefix(length: number): Uint8Array {
  const prefix = new Uint8Array(MESSAGE_PREFIX_BYTES);
  writeUint32(prefix, 1, length);
  return prefix;
}

/** Kinds whose value applications may read as text. */
function isVisibleText(kind: FieldKind): boolean {
  switch (kind) {
    case FieldKind.TEXT:
    case FieldKind.CONTENT_TYPE:
    case FieldKind.CONTENT_LENGTH:
    case FieldKind.USER_AGENT:
    case FieldKind.GRPC_ACCEPT_ENCODING:
      return true;
    default:
      return false;
  }
}
