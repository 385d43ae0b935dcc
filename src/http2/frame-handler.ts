/**
 * What frames do. Every rule of RFC 9113 about what a peer may send in which state is checked here, in the order:
 * state of the connection, state of the stream.
 *
 * Source: RFC 9113 sections 5.1 and 6.
 */
import { latin1FromBytes } from "../stdx/bytes.ts";
import { goQuote } from "../stdx/go-quote.ts";
import { DRAIN_PING, type Connection } from "./connection.ts";
import { Flood } from "./flood-guard.ts";
import { writePing, writeSettingsAck } from "./frame-writer.ts";
import { HeaderAssembly } from "./header-assembly.ts";
import type { HeaderBlock } from "./header-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { CONCURRENT_STREAMS_HARD_MAX } from "./limits.ts";
import {
  ErrorCode,
  errorCodeName,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_HEADER_BYTES,
  FrameType,
  readUint32,
} from "./protocol.ts";
import { type Http2Stream, NO_OWNER, SkippedStreams } from "./stream.ts";

const PRIORITY_BYTES = 5;
const PING_BYTES = 8;
const STREAM_ID_MASK = 0x7fff_ffff;

/** One for a connection, from its start. */
export class FrameHandler {
  readonly #connection: Connection;
  readonly #decoder: HpackDecoder;
  readonly #headers = new HeaderAssembly();
  readonly #skipped = new SkippedStreams();
  #settingsSeen = false;
  /** SETTINGS of ours that the peer has not acknowledged yet. */
  #settingsUnacked = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#decoder = new HpackDecoder(connection.limits.headerListBytesMax);
  }

  /** The peer's first SETTINGS have arrived. */
  get handshakeDone(): boolean {
    return this.#settingsSeen;
  }

  get settingsAcked(): boolean {
    return this.#settingsUnacked === 0;
  }

  sentSettings(): void {
    this.#settingsUnacked++;
  }

  /** Since when a header block is incomplete; `Infinity` when none is. */
  get incompleteSinceMs(): number {
    return this.#headers.active ? this.#headers.sinceMs : Number.POSITIVE_INFINITY;
  }

  /** One frame: its header at `at`, then `length` bytes of payload, which are borrowed. */
  onFrame(bytes: Uint8Array, at: number, length: number): void {
    const type = bytes[at + 3];
    const flags = bytes[at + 4];
    const streamId = readUint32(bytes, at + 5) & STREAM_ID_MASK;
    const start = at + FRAME_HEADER_BYTES;
    const end = start + length;
    if (!this.#settingsSeen && (type !== FrameType.SETTINGS || (flags & FLAG_ACK) !== 0)) {
      this.#protocolError("the first frame is not SETTINGS");
      return;
    }
    if (this.#headers.active && type !== FrameType.CONTINUATION) {
      this.#protocolError("a header block was not continued");
      return;
    }
    switch (type) {
      case FrameType.DATA:
        return this.#onData(bytes, start, end, flags, streamId);
      case FrameType.HEADERS:
        return this.#onHeaders(bytes, start, end, flags, streamId);
      case FrameType.PRIORITY:
        return this.#onPriority(length, streamId);
      case FrameType.RST_STREAM:
        return this.#onRstStream(bytes, start, length, streamId);
      case FrameType.SETTINGS:
        return this.#onSettings(bytes, start, end, flags, streamId);
      case FrameType.PUSH_PROMISE:
        return this.#protocolError("PUSH_PROMISE though push is disabled");
      case FrameType.PING:
        return this.#onPing(bytes, start, length, flags, streamId);
      case FrameType.GOAWAY:
        return this.#onGoAway(bytes, start, end, streamId);
      case FrameType.WINDOW_UPDATE:
        return this.#onWindowUpdate(bytes, start, length, streamId);
      case FrameType.CONTINUATION:
        return this.#onContinuation(bytes, start, end, flags, streamId);
      default:
        this.#connection.countFlood(Flood.UNKNOWN);
    }
  }

  #protocolError(text: string): void {
    this.#connection.fail(ErrorCode.PROTOCOL_ERROR, text);
  }

  #frameSizeError(text: string): void {
    this.#connection.fail(ErrorCode.FRAME_SIZE_ERROR, text);
  }

  // --- DATA --------------------------------------------------------------------------------------------

  #onData(
    bytes: Uint8Array,
    payloadStart: number,
    payloadEnd: number,
    flags: number,
    streamId: number,
  ): void {
    const connection = this.#connection;
    const length = payloadEnd - payloadStart;
    let start = payloadStart;
    let end = payloadEnd;
    if (streamId === 0) return this.#protocolError("DATA on stream 0");
    if ((flags & FLAG_PADDED) !== 0) {
      if (length === 0) return this.#frameSizeError("padded DATA without a pad length");
      end -= bytes[start++];
      if (end < start) return this.#protocolError("DATA padding longer than its frame");
    }
    const stream = connection.find(streamId);
    if (stream === undefined && connection.isIdle(streamId)) {
      return this.#protocolError("DATA on an idle stream");
    }
    if (!connection.consumeConnectionWindow(length)) return;
    if (stream === undefined) {
      if (!connection.resets.has(streamId) && connection.role.isServer) {
        connection.streamError(streamId, undefined, ErrorCode.STREAM_CLOSED, "");
      }
      return;
    }
    const ends = (flags & FLAG_END_STREAM) !== 0;
    if (!this.#checkData(stream, start, end, length, ends)) return;
    if (ends) stream.remoteClosed = true;
    else stream.ungranted += length;
    stream.owner.onData(bytes, start, end);
    if (!ends) connection.grantStream(stream);
  }

  /** Whether the stream may receive this DATA; otherwise the error has been dealt with. */
  #checkData(
    stream: Http2Stream,
    start: number,
    end: number,
    length: number,
    ends: boolean,
  ): boolean {
    const connection = this.#connection;
    if (stream.remoteClosed) {
      this.#streamError(stream, ErrorCode.STREAM_CLOSED, "DATA after END_STREAM");
      return false;
    }
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) {
      this.#streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, "more DATA than the stream's window");
      return false;
    }
    if (start === end && !ends && connection.countFlood(Flood.EMPTY_DATA)) return false;
    if (stream.bodyBytesLeft >= 0) {
      stream.bodyBytesLeft -= end - start;
      if (stream.bodyBytesLeft < 0 || (ends && stream.bodyBytesLeft > 0)) {
        this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, "body differs from content-length");
        return false;
      }
    }
    return true;
  }

  #streamError(stream: Http2Stream, code: ErrorCode, text: string): void {
    this.#connection.streamError(stream.id, stream, code, text);
  }

  // --- HEADERS -----------------------------------------------------------------------------------------

  #onHeaders(
    bytes: Uint8Array,
    payloadStart: number,
    payloadEnd: number,
    flags: number,
    streamId: number,
  ): void {
    let start = payloadStart;
    let end = payloadEnd;
    if (streamId === 0) return this.#protocolError("HEADERS on stream 0");
    if ((flags & FLAG_PADDED) !== 0) {
      if (start === end) return this.#frameSizeError("padded HEADERS without a pad length");
      end -= bytes[start++];
    }
    if ((flags & FLAG_PRIORITY) !== 0) {
      if (payloadEnd - start < PRIORITY_BYTES) return this.#frameSizeError("HEADERS too short");
      start += PRIORITY_BYTES;
    }
    if (end < start) return this.#protocolError("HEADERS padding longer than its frame");
    const endStream = (flags & FLAG_END_STREAM) !== 0;
    if ((flags & FLAG_END_HEADERS) !== 0) {
      this.#onHeaderBlock(bytes, start, end, streamId, endStream);
      return;
    }
    this.#headers.begin(streamId, endStream, this.#connection.nowMs);
    this.#headers.add(bytes, start, end);
  }

  #onContinuation(
    bytes: Uint8Array,
    start: number,
    end: number,
    flags: number,
    streamId: number,
  ): void {
    const headers = this.#headers;
    if (!headers.active) return this.#protocolError("CONTINUATION without HEADERS");
    if (headers.streamId !== streamId) {
      return this.#protocolError("CONTINUATION on another stream than its HEADERS");
    }
    if (!headers.add(bytes, start, end)) {
      this.#connection.fail(ErrorCode.ENHANCE_YOUR_CALM, "header block too long");
      return;
    }
    if ((flags & FLAG_END_HEADERS) === 0) return;
    const { endStream } = headers;
    const block = headers.finish();
    this.#onHeaderBlock(block, 0, block.length, streamId, endStream);
  }

  #onHeaderBlock(
    bytes: Uint8Array,
    start: number,
    end: number,
    streamId: number,
    endStream: boolean,
  ): void {
    const connection = this.#connection;
    // Decoded whatever becomes of it: the tables of both sides have to stay in step.
    const block = this.#decoder.decode(bytes, start, end);
    if (block === undefined) {
      connection.fail(ErrorCode.COMPRESSION_ERROR, "header block cannot be decoded");
      return;
    }
    const stream = connection.find(streamId);
    if (stream === undefined) {
      if (connection.role.isServer) this.#onNewStream(block, streamId, endStream);
      else if (connection.isIdle(streamId)) this.#protocolError("HEADERS on an idle stream");
      return;
    }
    if (stream.remoteClosed) {
      this.#streamError(stream, ErrorCode.STREAM_CLOSED, "HEADERS after END_STREAM");
      return;
    }
    if (endStream) {
      stream.remoteClosed = true;
      if (stream.bodyBytesLeft > 0) {
        this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, "body differs from content-length");
        return;
      }
    }
    stream.owner.onHeaders(block);
  }

  /** HEADERS of a client on a stream that is not open. */
  #onNewStream(block: HeaderBlock, streamId: number, endStream: boolean): void {
    const connection = this.#connection;
    if ((streamId & 1) === 0) return this.#protocolError("a client opened an even stream");
    if (streamId <= connection.lastPeerStreamId) {
      if (connection.resets.has(streamId)) return;
      if (this.#skipped.has(streamId)) return this.#protocolError("stream numbers went back");
      connection.fail(ErrorCode.STREAM_CLOSED, "HEADERS on a closed stream");
      return;
    }
    this.#skipped.passed(connection.lastPeerStreamId, streamId);
    connection.lastPeerStreamId = streamId;
    const { size } = connection.streams;
    if (
      size >= connection.limits.maxConcurrentStreams ||
      size >= CONCURRENT_STREAMS_HARD_MAX ||
      connection.scheduler.keptBytes > connection.queueBytesMax ||
      connection.drainState === "final"
    ) {
      connection.streamError(streamId, undefined, ErrorCode.REFUSED_STREAM, "");
      return;
    }
    const stream = connection.openStream(streamId, NO_OWNER);
    stream.remoteClosed = endStream;
    connection.role.onRequest(stream, block);
  }

  // --- Frames about streams ------------------------------------------------------------------------------

  #onPriority(length: number, streamId: number): void {
    const connection = this.#connection;
    if (streamId === 0) return this.#protocolError("PRIORITY on stream 0");
    if (connection.countFlood(Flood.PRIORITY) || length === PRIORITY_BYTES) return;
    // An idle stream cannot be reset (section 5.1), so there it takes the connection.
    if (connection.isIdle(streamId)) return this.#frameSizeError("PRIORITY of a broken length");
    const stream = connection.find(streamId);
    connection.streamError(streamId, stream, ErrorCode.FRAME_SIZE_ERROR, "PRIORITY too short");
  }

  #onRstStream(bytes: Uint8Array, start: number, length: number, streamId: number): void {
    const connection = this.#connection;
    if (streamId === 0) return this.#protocolError("RST_STREAM on stream 0");
    if (length !== 4) return this.#frameSizeError("RST_STREAM of a broken length");
    const stream = connection.find(streamId);
    if (stream === undefined) {
      if (connection.isIdle(streamId)) this.#protocolError("RST_STREAM on an idle stream");
      else if (connection.role.isServer) connection.countFlood(Flood.RESET);
      return;
    }
    connection.closeStream(stream);
    stream.owner.onReset(readUint32(bytes, start));
    if (connection.role.isServer) connection.countFlood(Flood.RESET);
  }

  #onWindowUpdate(bytes: Uint8Array, start: number, length: number, streamId: number): void {
    const connection = this.#connection;
    if (length !== 4) return this.#frameSizeError("WINDOW_UPDATE of a broken length");
    if (connection.countFlood(Flood.WINDOW_UPDATE)) return;
    const increment = readUint32(bytes, start) & STREAM_ID_MASK;
    if (streamId === 0) {
      if (increment === 0) this.#protocolError("WINDOW_UPDATE by 0");
      else if (!connection.growSendWindow(increment)) {
        connection.fail(ErrorCode.FLOW_CONTROL_ERROR, "window of the connection overflows");
      }
      return;
    }
    const stream = connection.find(streamId);
    if (stream === undefined) {
      if (connection.isIdle(streamId)) this.#protocolError("WINDOW_UPDATE on an idle stream");
      return;
    }
    if (increment === 0) {
      this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by 0");
    } else if (!connection.growStreamWindow(stream, increment)) {
      this.#streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, "window of the stream overflows");
    }
  }

  // --- Frames about the connection -----------------------------------------------------------------------

  #onSettings(
    bytes: Uint8Array,
    start: number,
    end: number,
    flags: number,
    streamId: number,
  ): void {
    const connection = this.#connection;
    if (streamId !== 0) return this.#protocolError("SETTINGS on a stream");
    if ((flags & FLAG_ACK) !== 0) {
      if (start !== end) return this.#frameSizeError("acknowledgement of SETTINGS with a payload");
      if (this.#settingsUnacked > 0) this.#settingsUnacked--;
      return;
    }
    if (connection.countFlood(Flood.SETTINGS)) return;
    const { peerSettings, role } = connection;
    const before = peerSettings.initialWindowBytes;
    const fault = peerSettings.apply(bytes, start, end, !role.isServer);
    if (fault !== undefined) {
      connection.fail(fault.code, fault.text);
      return;
    }
    if (!connection.adoptPeerSettings(before)) {
      connection.fail(ErrorCode.FLOW_CONTROL_ERROR, "SETTINGS overflow the window of a stream");
      return;
    }
    const first = !this.#settingsSeen;
    this.#settingsSeen = true;
    writeSettingsAck(connection.out);
    connection.signalOutput();
    if (first) connection.events.onReady?.();
    role.onPeerSettings();
  }

  #onPing(bytes: Uint8Array, start: number, length: number, flags: number, streamId: number): void {
    const connection = this.#connection;
    if (streamId !== 0) return this.#protocolError("PING on a stream");
    if (length !== PING_BYTES) return this.#frameSizeError("PING of a broken length");
    if ((flags & FLAG_ACK) !== 0) {
      if (isDrainPing(bytes, start)) connection.finishDrainAnnouncement();
      else connection.countFlood(Flood.PING);
      return;
    }
    if (connection.countFlood(Flood.PING)) return;
    writePing(connection.out, true, bytes, start);
    connection.signalOutput();
    if (!connection.role.isServer) return;
    if (!connection.pingPolicy.accepts(connection.nowMs, connection.streams.size)) {
      connection.fail(ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings");
    }
  }

  #onGoAway(bytes: Uint8Array, start: number, end: number, streamId: number): void {
    if (streamId !== 0) return this.#protocolError("GOAWAY on a stream");
    if (end - start < 8) return this.#frameSizeError("GOAWAY of a broken length");
    if (this.#connection.countFlood(Flood.UNKNOWN)) return;
    const lastStreamId = readUint32(bytes, start) & STREAM_ID_MASK;
    const errorCode = readUint32(bytes, start + 4);
    const debugText = latin1FromBytes(bytes, start + 8, end);
    const code = `code: ${errorCodeName(errorCode)}`;
    const detail = debugText === "" ? code : `${code}, debug data: ${goQuote(debugText)}`;
    this.#connection.events.onGoAway?.(detail);
    this.#connection.role.onGoAway(lastStreamId, detail);
  }
}

function isDrainPing(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < PING_BYTES; i++) {
    if (bytes[start + i] !== DRAIN_PING[i]) return false;
  }
  return true;
}
