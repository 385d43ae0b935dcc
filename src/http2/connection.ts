/**
 * The core that both sides share: streams, windows, output, and the end of a connection. What a stream
 * means is its owner's business (`StreamOwner`), what a side does is the role's (`ConnectionRole`); bytes
 * come in through `FrameReader`, time through `ConnectionTimers`.
 *
 *   receive -> FrameReader -> stream owners -> out (at once) or send queues -> takeOutput
 *
 * Life: start -> open -> draining (GOAWAY sent) -> ended. A violation by the peer is a connection error
 * (`fail`: GOAWAY, everything ends) or a stream error (`streamError`: RST_STREAM), as RFC 9113 says.
 *
 * Source: RFC 9113; grpc-go internal/transport for the graceful end.
 */
import { assert } from "../stdx/assert.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import type { ConnectionRole } from "./connection-role.ts";
import type { EndpointEvents } from "./endpoint.ts";
import { Flood, FloodGuard, floodText } from "./flood-guard.ts";
import { writeGoAway, writePing, writeRstStream, writeWindowUpdate } from "./frame-writer.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { PingPolicy } from "./keepalive.ts";
import {
  CONNECTION_QUEUE_BYTES_MAX,
  CROWDED_CONNECTION_BYTES_MAX,
  INPUT_PAUSE_BYTES,
  OUTPUT_BYTES_HIGH,
  OUTPUT_BYTES_MAX,
  SEND_FRAME_BYTES_MAX,
  STREAM_ID_MAX,
  STREAM_QUEUE_BYTES_HIGH,
} from "./limits.ts";
import { OutBuffer } from "./out-buffer.ts";
import { PeerSettings } from "./peer-settings.ts";
import { DEFAULT_WINDOW_BYTES, ErrorCode, WINDOW_BYTES_MAX } from "./protocol.ts";
import { SendScheduler } from "./send-scheduler.ts";
import { SharedMemory } from "./shared-memory.ts";
import { Http2Stream, ResetHistory, type StreamOwner } from "./stream.ts";

/** The PING between the two GOAWAYs of a graceful end; its answer says that the first one was read. */
export const DRAIN_PING: Uint8Array = bytesFromLatin1("draining");

/** How far a graceful end has got: both GOAWAYs have to be out before the last stream may end it. */
export type DrainState = "none" | "announced" | "final";

export class Connection {
  readonly role: ConnectionRole;
  readonly limits: ConnectionLimits;
  readonly peerSettings = new PeerSettings();
  readonly encoder = new HpackEncoder();
  readonly out = new OutBuffer();
  readonly flood = new FloodGuard();
  readonly scheduler: SendScheduler;
  readonly pingPolicy: PingPolicy;
  /** Open streams by number. */
  readonly streams = new Map<number, Http2Stream>();
  readonly resets = new ResetHistory();
  readonly events: EndpointEvents;

  /** The shell's clock as of the last call that told it. */
  nowMs = 0;
  /** Highest stream number that the peer has used. */
  lastPeerStreamId = 0;
  /** Next stream number of ours. */
  nextStreamId = 1;
  /** Bytes of incomplete messages of all streams. */
  assemblyBytes = 0;
  drainState: DrainState = "none";
  /** When the PING of the graceful end was sent. */
  drainPingMs = 0;
  /** Earliest deadline of an open stream, or earlier; `Infinity` for none. */
  earliestDeadlineMs = Number.POSITIVE_INFINITY;
  /** Since when output waits; -1 when none does, or until the clock has looked at it. */
  outputSinceMs = -1;

  readonly #shared: SharedMemory;
  /** What `#shared` knows of. */
  #sharedBytes = 0;
  #ended = false;
  #endReason = "";
  #signaled = false;
  #inputPaused = false;
  /** The stream that the last GOAWAY of a graceful end named: later ones name no higher one. */
  #finalStreamId = STREAM_ID_MAX;
  #receiveWindow = DEFAULT_WINDOW_BYTES;
  #ungranted = 0;
  #lastStream: Http2Stream | undefined = undefined;

  /** `shared` is one for all connections of a server. */
  constructor(
    role: ConnectionRole,
    limits: ConnectionLimits,
    events: EndpointEvents,
    shared: SharedMemory = new SharedMemory(),
  ) {
    this.role = role;
    this.limits = limits;
    this.#shared = shared;
    this.events = events;
    this.pingPolicy = new PingPolicy(limits);
    this.scheduler = new SendScheduler(this.out, this.flood, this.pingPolicy);
  }

  get ended(): boolean {
    return this.#ended;
  }

  get endReason(): string {
    return this.#endReason;
  }

  /** Bytes of incomplete messages that this connection may keep now. */
  get assemblyBytesMax(): number {
    const { assemblyBytesMax, receiveMessageBytesMax } = this.limits;
    if (!this.#shared.isShort || !this.role.isServer) return assemblyBytesMax;
    return Math.min(
      assemblyBytesMax,
      Math.max(receiveMessageBytesMax, CROWDED_CONNECTION_BYTES_MAX),
    );
  }

  /** Bytes that may wait in all queues when the peer opens a stream. */
  get queueBytesMax(): number {
    return this.#shared.isShort ? CROWDED_CONNECTION_BYTES_MAX : CONNECTION_QUEUE_BYTES_MAX;
  }

  get bufferedBytes(): number {
    return this.out.length + this.scheduler.keptBytes + this.assemblyBytes;
  }

  get unsentBytes(): number {
    return this.out.length + this.scheduler.keptBytes;
  }

  get wantsInput(): boolean {
    return !this.#inputPaused;
  }

  // --- Output ------------------------------------------------------------------------------------------

  /** To be called after anything was written to `out` or became ready in the scheduler. */
  signalOutput(): void {
    if (this.#signaled) return;
    this.#signaled = true;
    this.events.onOutput();
  }

  /** To be called after HEADERS or DATA were written. */
  wroteMessage(): void {
    this.pingPolicy.forgiven = true;
    if (!this.#signaled) this.signalOutput();
  }

  takeOutput(): Uint8Array | undefined {
    if (!this.#ended && this.scheduler.hasWork) this.scheduler.pump(this.nowMs);
    const bytes = this.out.take();
    this.#shareMemory();
    this.outputSinceMs = -1;
    const more = !this.#ended && this.scheduler.hasWork;
    if (!more) this.#signaled = false;
    if (this.#inputPaused && (!more || this.scheduler.keptBytes < INPUT_PAUSE_BYTES / 2)) {
      this.#setInputPaused(false);
    }
    return bytes;
  }

  /** Looks whether the peer lets output pile up; to be called after input was handled. */
  checkOutput(): void {
    if (this.#ended) return;
    this.#shareMemory();
    const written = this.out.length;
    const { scheduler } = this;
    if (written > OUTPUT_BYTES_MAX) {
      this.fail(ErrorCode.ENHANCE_YOUR_CALM, "the peer does not read what it asks for");
    } else if (
      written > 2 * OUTPUT_BYTES_HIGH ||
      (scheduler.hasWork && written + scheduler.keptBytes > INPUT_PAUSE_BYTES)
    ) {
      this.#setInputPaused(true);
    }
  }

  #shareMemory(): void {
    const bytes = this.#ended ? 0 : this.scheduler.keptBytes + this.assemblyBytes;
    this.#shared.changedBy(bytes - this.#sharedBytes);
    this.#sharedBytes = bytes;
  }

  #setInputPaused(paused: boolean): void {
    if (this.#inputPaused === paused) return;
    this.#inputPaused = paused;
    this.events.onInputWanted?.(!paused);
  }

  // --- Streams -----------------------------------------------------------------------------------------

  find(streamId: number): Http2Stream | undefined {
    const last = this.#lastStream;
    if (last !== undefined && last.id === streamId) return last;
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.#lastStream = stream;
    return stream;
  }

  openStream(streamId: number, owner: StreamOwner): Http2Stream {
    const stream = new Http2Stream(
      streamId,
      this.peerSettings.initialWindowBytes,
      this.limits.streamWindowBytes,
      owner,
    );
    this.streams.set(streamId, stream);
    this.#lastStream = stream;
    return stream;
  }

  /** Notes that a stream has a deadline. */
  noteDeadline(deadlineMs: number): void {
    if (deadlineMs < this.earliestDeadlineMs) this.earliestDeadlineMs = deadlineMs;
  }

  /** Whether the peer names a stream that does not exist yet. */
  isIdle(streamId: number): boolean {
    const byClient = (streamId & 1) === 1;
    if (this.role.isServer) return byClient ? streamId > this.lastPeerStreamId : true;
    return byClient ? streamId >= this.nextStreamId : true;
  }

  /** Forgets a stream whose end both sides know of. Its owner is not told. */
  closeStream(stream: Http2Stream): void {
    if (stream.closed) return;
    stream.closed = true;
    this.streams.delete(stream.id);
    if (this.#lastStream === stream) this.#lastStream = undefined;
    if (stream.queue !== undefined) this.scheduler.discard(stream);
    if (this.#ended) return;
    this.role.onStreamClosed();
    if (this.drainState !== "none") this.maybeFinishDrain();
  }

  /** Ends a stream with RST_STREAM. Its owner is not told. */
  resetStream(stream: Http2Stream, code: ErrorCode): void {
    if (stream.closed) return;
    this.resets.add(stream.id);
    writeRstStream(this.out, stream.id, code);
    this.closeStream(stream);
    this.signalOutput();
  }

  /** A stream error by the peer's doing; `stream` is undefined where none is open under that number. */
  streamError(
    streamId: number,
    stream: Http2Stream | undefined,
    code: ErrorCode,
    text: string,
  ): void {
    if (this.countFlood(Flood.RESET)) return;
    if (stream === undefined) {
      this.resets.add(streamId);
      writeRstStream(this.out, streamId, code);
      this.signalOutput();
      return;
    }
    this.resetStream(stream, code);
    stream.owner.onViolation(text);
  }

  /** Counts a frame that may be part of a flood; true when that ended the connection. */
  countFlood(kind: Flood): boolean {
    if (!this.flood.exceeded(kind, this.nowMs)) return false;
    this.fail(ErrorCode.ENHANCE_YOUR_CALM, floodText(kind));
    return true;
  }

  // --- Windows -----------------------------------------------------------------------------------------

  /** What the peer may send at the start, on top of the protocol's default. */
  grantInitialWindow(): void {
    const more = this.limits.connectionWindowBytes - DEFAULT_WINDOW_BYTES;
    if (more <= 0) return;
    this.#receiveWindow += more;
    writeWindowUpdate(this.out, 0, more);
  }

  /** Accounts for `count` bytes of DATA on any stream; false when they ended the connection. */
  consumeConnectionWindow(count: number): boolean {
    this.#receiveWindow -= count;
    if (this.#receiveWindow < 0) {
      this.fail(ErrorCode.FLOW_CONTROL_ERROR, "more DATA than the connection's window");
      return false;
    }
    this.#ungranted += count;
    if (2 * this.#ungranted >= this.limits.connectionWindowBytes) {
      writeWindowUpdate(this.out, 0, this.#ungranted);
      this.#receiveWindow += this.#ungranted;
      this.#ungranted = 0;
      this.signalOutput();
    }
    return true;
  }

  /**
   * Grants a stream again what it has consumed, once that is worth a frame. Nothing while the owner does not
   * want more, or while a client does not read what was sent in answer. A client reads answers whatever it
   * has still to send: if both sides waited for the other to read first, nothing would ever move.
   */
  grantStream(stream: Http2Stream): void {
    if (2 * stream.ungranted < this.limits.streamWindowBytes) return;
    if (stream.grantsHeld || stream.closed || stream.remoteClosed) return;
    const waiting = stream.queue?.bytes ?? 0;
    if (this.role.isServer && waiting > STREAM_QUEUE_BYTES_HIGH) return;
    writeWindowUpdate(this.out, stream.id, stream.ungranted);
    stream.receiveWindow += stream.ungranted;
    stream.ungranted = 0;
    this.signalOutput();
  }

  /** WINDOW_UPDATE on the connection; false on overflow. */
  growSendWindow(increment: number): boolean {
    this.scheduler.window += increment;
    if (this.scheduler.window > WINDOW_BYTES_MAX) return false;
    if (this.scheduler.hasWork) this.signalOutput();
    return true;
  }

  /** WINDOW_UPDATE on a stream; false on overflow. */
  growStreamWindow(stream: Http2Stream, increment: number): boolean {
    stream.sendWindow += increment;
    if (stream.sendWindow > WINDOW_BYTES_MAX) return false;
    if (stream.queue !== undefined) {
      this.scheduler.windowOpened(stream);
      if (this.scheduler.hasWork) this.signalOutput();
    }
    return true;
  }

  /** Takes over the peer's settings after they were read into `peerSettings`; false on overflow. */
  adoptPeerSettings(initialWindowBefore: number): boolean {
    const { peerSettings } = this;
    this.encoder.setPeerTableBytes(peerSettings.headerTableBytes);
    this.scheduler.frameBytesMax = Math.min(peerSettings.frameBytesMax, SEND_FRAME_BYTES_MAX);
    const delta = peerSettings.initialWindowBytes - initialWindowBefore;
    if (delta !== 0) {
      for (const stream of this.streams.values()) {
        if (!this.growStreamWindow(stream, delta)) return false;
      }
    }
    return true;
  }

  // --- Sending DATA ------------------------------------------------------------------------------------

  /** Queues `piece` (kept) on `stream`; false above the high-water mark. */
  enqueue(stream: Http2Stream, piece: Uint8Array): boolean {
    const room = this.scheduler.enqueue(stream, piece);
    if (this.scheduler.hasWork) this.signalOutput();
    return room;
  }

  // --- The end -----------------------------------------------------------------------------------------

  /** Graceful: the first GOAWAY names no stream, so that calls on their way here are still served. */
  drain(): void {
    if (this.#ended || this.drainState !== "none") return;
    if (!this.role.isServer) {
      this.drainState = "final";
      this.maybeFinishDrain();
      return;
    }
    this.drainState = "announced";
    this.drainPingMs = this.nowMs;
    writeGoAway(this.out, STREAM_ID_MAX, ErrorCode.NO_ERROR, bytesFromLatin1("graceful_stop"));
    writePing(this.out, false, DRAIN_PING, 0);
    this.signalOutput();
  }

  /** The second GOAWAY: the peer has read the first one, so no further stream is on its way. */
  finishDrainAnnouncement(): void {
    if (this.#ended || this.drainState !== "announced") return;
    this.drainState = "final";
    this.#finalStreamId = this.lastPeerStreamId;
    const debugData = bytesFromLatin1("graceful_stop");
    writeGoAway(this.out, this.#finalStreamId, ErrorCode.NO_ERROR, debugData);
    this.signalOutput();
    this.maybeFinishDrain();
  }

  /** Ends a draining connection whose last call is over. */
  maybeFinishDrain(): void {
    if (this.drainState !== "final" || this.streams.size > 0 || this.role.waitingCalls > 0) return;
    if (!this.role.isServer) this.close("graceful close");
    else this.end("graceful stop");
  }

  /** A connection error: tells the peer and ends everything. */
  fail(code: ErrorCode, text: string): void {
    if (this.#ended) return;
    const lastStreamId = Math.min(this.lastPeerStreamId, this.#finalStreamId);
    writeGoAway(this.out, lastStreamId, code, bytesFromLatin1(text));
    this.end(text);
  }

  /** Ends everything without blame. */
  close(reason: string): void {
    this.fail(ErrorCode.NO_ERROR, reason);
  }

  /** Ends everything; what is in `out` may still be written. */
  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endReason = reason;
    const streams = [...this.streams.values()];
    for (const stream of streams) this.closeStream(stream);
    for (const stream of streams) stream.owner.onLost(reason, false);
    assert(this.streams.size === 0, "An ended connection has no streams");
    this.#shareMemory();
    this.role.onEnded(reason);
    if (this.out.length > 0) this.signalOutput();
    this.events.onClosed(reason);
  }

  socketClosed(reason: string): void {
    this.end(reason);
    this.out.release();
  }
}
