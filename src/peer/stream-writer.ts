/**
 * The sending end of one of the two streams that a peer opens to us: it comes and goes, as the peer dials.
 *
 * What a turn of the event loop sends leaves in one write. When the peer takes nothing, messages wait as they
 * are, without having been encoded, up to a bound; beyond it they are dropped, and Raft is told.
 *
 * Source: etcd server/etcdserver/api/rafthttp (streamWriter in stream.go).
 */
import type { Clock, Timer } from "../ports/clock.ts";
import type { HttpResponseStream, HttpStreamHandler } from "../ports/http.ts";
import type { Log } from "../ports/log.ts";
import type { Counter } from "../stdx/metrics/counter.ts";
import type { Message } from "../wire/gen/raft.ts";
import { formatId } from "./member-id.ts";
import { STREAM_QUEUE_BYTES_MAX, STREAM_QUEUE_MESSAGES_MAX, STREAM_WRITE_BYTES } from "./limits.ts";
import type { PeerStatus } from "./peer-status.ts";
import type { StreamEncoder } from "./stream-codec.ts";
import { STREAM_NAMES, type StreamKind } from "./stream-kind.ts";

export interface StreamWriterParts {
  readonly kind: StreamKind;
  readonly localId: bigint;
  readonly peerId: bigint;
  readonly status: PeerStatus;
  readonly clock: Clock;
  readonly log: Log;
  readonly heartbeatMs: number;
  /** Counts what is sent. */
  readonly sentBytes: Counter;
  /** A new encoder for a new connection. */
  readonly createEncoder: () => StreamEncoder;
  /** Messages were lost. Called later, never from inside a method. */
  readonly onLost: () => void;
}

export class StreamWriter implements HttpStreamHandler {
  readonly #parts: StreamWriterParts;
  #stream: HttpResponseStream | undefined;
  #encoder: StreamEncoder | undefined;
  #ticking: Timer | undefined;
  #hasRoom = true;
  /** What the next write is made of. */
  #frames: Uint8Array[] = [];
  #framesBytes = 0;
  #waiting: Message[] = [];
  #waitingBytes = 0;

  constructor(parts: StreamWriterParts) {
    this.#parts = parts;
    parts.log.info("started stream writer with remote peer", this.#ids());
  }

  /** Whether the peer has opened its stream. */
  get isAttached(): boolean {
    return this.#stream !== undefined;
  }

  /** Sends on `stream` from now on. The stream before it, if there is one, is closed. */
  attach(stream: HttpResponseStream): void {
    const { log, status, kind, localId, peerId, createEncoder } = this.#parts;
    const closed = this.#close();
    log.info("set message encoder", {
      from: formatId(localId),
      to: formatId(peerId),
      "stream-type": STREAM_NAMES[kind],
    });
    this.#stream = stream;
    this.#encoder = createEncoder();
    this.#hasRoom = true;
    status.activate();
    const fields = { "stream-writer-type": STREAM_NAMES[kind], ...this.#ids() };
    if (closed) log.warn("closed TCP streaming connection with remote peer", fields);
    log.info("established TCP streaming connection with remote peer", fields);
    this.#tick();
  }

  /**
   * Takes a message, to be sent by the next `flush` or when there is room. False when too many wait. Only
   * while attached.
   */
  send(message: Message): boolean {
    if (this.#hasRoom) {
      this.#encode(message);
      return true;
    }
    const bytes = entryBytes(message);
    const isFull = this.#waitingBytes + bytes > STREAM_QUEUE_BYTES_MAX;
    if (this.#waiting.length >= STREAM_QUEUE_MESSAGES_MAX) return false;
    if (this.#waiting.length > 0 && isFull) return false;
    this.#waiting.push(message);
    this.#waitingBytes += bytes;
    return true;
  }

  /** Sends what `send` has taken, in one write. */
  flush(): void {
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#parts.sentBytes.add(this.#framesBytes);
    this.#frames = [];
    this.#framesBytes = 0;
    this.#hasRoom = this.#stream?.write(frames) ?? true;
  }

  onWritable(): void {
    this.#hasRoom = true;
    let sent = 0;
    while (this.#hasRoom && sent < this.#waiting.length) {
      const message = this.#waiting[sent++];
      this.#waitingBytes -= entryBytes(message);
      this.#encode(message);
      if (sent === this.#waiting.length) this.flush();
    }
    this.#waiting.splice(0, sent);
  }

  onClosed(reason: Error): void {
    const { log, status, kind } = this.#parts;
    if (!this.#close()) return;
    status.deactivate(STREAM_NAMES[kind], "write", reason.message);
    log.warn("lost TCP streaming connection with remote peer", {
      "stream-writer-type": STREAM_NAMES[kind],
      ...this.#ids(),
    });
  }

  /** For good. */
  stop(): void {
    const { log, kind, peerId } = this.#parts;
    const fields = {
      "stream-writer-type": STREAM_NAMES[kind],
      "remote-peer-id": formatId(peerId),
    };
    if (this.#close()) log.warn("closed TCP streaming connection with remote peer", fields);
    log.info("stopped TCP streaming connection with remote peer", fields);
  }

  #encode(message: Message): void {
    const frame = this.#encoder?.encode(message);
    if (frame === undefined) return;
    this.#frames.push(frame);
    this.#framesBytes += frame.length;
    // A peer that takes nothing must not make us encode all that there is for it.
    if (this.#framesBytes >= STREAM_WRITE_BYTES) this.flush();
  }

  #tick(): void {
    const { clock, heartbeatMs } = this.#parts;
    this.#ticking = clock.after(heartbeatMs, () => {
      if (this.#hasRoom && this.#encoder !== undefined) {
        const heartbeat = this.#encoder.heartbeat();
        this.#parts.sentBytes.add(heartbeat.length);
        this.#hasRoom = this.#stream?.write([heartbeat]) ?? true;
      }
      this.#tick();
    });
  }

  /** Reports whether there was something to close. */
  #close(): boolean {
    if (this.#stream === undefined) return false;
    this.#stream.destroy();
    this.#stream = undefined;
    this.#encoder = undefined;
    this.#ticking?.cancel();
    this.#frames = [];
    this.#framesBytes = 0;
    if (this.#waiting.length > 0) this.#parts.clock.defer(this.#parts.onLost);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return true;
  }

  #ids(): { "local-member-id": string; "remote-peer-id": string } {
    const { localId, peerId } = this.#parts;
    return { "local-member-id": formatId(localId), "remote-peer-id": formatId(peerId) };
  }
}

function entryBytes({ entries }: Message): number {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) bytes += entries[i].data?.length ?? 0;
  return bytes;
}
