/**
 * DATA that could not be written at once: queues per stream, and a fair turn for each.
 *
 * A queue is ready while its stream's window is open. Ready queues form a ring; each turn of a queue
 * writes one frame. The connection's window and the room in the output stop the whole ring.
 *
 *   enqueue -> ready ring <-> blocked (window of the stream closed) -> drained: END_STREAM or trailers
 */
import { assert } from "../stdx/assert.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import type { FloodGuard } from "./flood-guard.ts";
import { writeFrameHeader } from "./frame-writer.ts";
import type { PingPolicy } from "./keepalive.ts";
import { OUTPUT_BYTES_HIGH, STREAM_QUEUE_BYTES_HIGH, STREAM_QUEUE_BYTES_LOW } from "./limits.ts";
import type { OutBuffer } from "./out-buffer.ts";
import {
  DEFAULT_FRAME_BYTES_MAX,
  DEFAULT_WINDOW_BYTES,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  FrameType,
} from "./protocol.ts";
import type { Http2Stream } from "./stream.ts";

/** What follows the last queued byte. */
export type QueueEnd = "open" | "end-stream" | "trailers";

/** Bytes that each queued piece counts on top of its own: what keeping it costs. */
const PIECE_OVERHEAD_BYTES = 128;

/** What one stream has waiting. Exists only while something waits. */
export class SendQueue {
  readonly stream: Http2Stream;
  readonly pieces: Uint8Array[] = [];
  /** Index of the first piece not yet written whole, and how much of it is written. */
  first = 0;
  firstOffset = 0;
  /** Bytes to write. */
  bytes = 0;
  end: QueueEnd = "open";
  /** In the ready ring. */
  ready = false;
  next: SendQueue | undefined = undefined;
  /** Somebody was told that the queue is too long, and waits. */
  writableWanted = false;
  /** Last time a byte left the queue; -1 until the clock has looked at it. */
  progressMs = -1;

  constructor(stream: Http2Stream) {
    this.stream = stream;
  }

  /** What the queue costs to keep. */
  get kept(): number {
    return this.bytes + PIECE_OVERHEAD_BYTES * (this.pieces.length - this.first);
  }
}

export class SendScheduler {
  /** The connection's window: bytes of DATA we may send on all streams. */
  window = DEFAULT_WINDOW_BYTES;
  /** Largest payload of a frame we send. */
  frameBytesMax = DEFAULT_FRAME_BYTES_MAX;
  /** What all queues cost to keep. */
  keptBytes = 0;
  readonly #out: OutBuffer;
  readonly #flood: FloodGuard;
  readonly #pings: PingPolicy;
  #head: SendQueue | undefined = undefined;
  #tail: SendQueue | undefined = undefined;
  #writable: Http2Stream[] = [];

  constructor(out: OutBuffer, flood: FloodGuard, pings: PingPolicy) {
    this.#out = out;
    this.#flood = flood;
    this.#pings = pings;
  }

  /**
   * Whether `count` bytes of DATA can be written for `stream` now, as one frame. Not while others wait for
   * their turn: what is new does not overtake them.
   */
  canWrite(stream: Http2Stream, count: number): boolean {
    return (
      stream.queue === undefined &&
      this.#head === undefined &&
      count <= stream.sendWindow &&
      count <= this.window &&
      count <= this.frameBytesMax &&
      this.#out.length < OUTPUT_BYTES_HIGH
    );
  }

  /** Accounts for a DATA frame of `count` bytes that the caller writes itself after `canWrite`. */
  wrote(stream: Http2Stream, count: number): void {
    stream.sendWindow -= count;
    this.window -= count;
    this.#flood.dataFramesSent++;
    this.#pings.forgiven = true;
  }

  /** Queues `piece` (kept); false when the queue is now above the high-water mark. */
  enqueue(stream: Http2Stream, piece: Uint8Array): boolean {
    const queue = stream.queue ?? new SendQueue(stream);
    stream.queue = queue;
    assert(queue.end === "open", "Nothing follows the end of a stream");
    assert(piece.length > 0, "Nothing cannot wait");
    queue.pieces.push(piece);
    queue.bytes += piece.length;
    this.keptBytes += piece.length + PIECE_OVERHEAD_BYTES;
    this.#makeReady(queue);
    if (queue.bytes <= STREAM_QUEUE_BYTES_HIGH) return true;
    queue.writableWanted = true;
    return false;
  }

  /** Ends a stream behind its queue, which must exist. */
  endAfterQueue(queue: SendQueue, end: "end-stream" | "trailers"): void {
    queue.end = end;
    queue.writableWanted = false;
  }

  /** Forgets what is queued: the stream is over. */
  discard(stream: Http2Stream): void {
    const { queue } = stream;
    if (queue === undefined) return;
    this.keptBytes -= queue.kept;
    // A queue in the ring is skipped when its turn comes.
    queue.pieces.length = 0;
    queue.first = 0;
    queue.bytes = 0;
    stream.queue = undefined;
  }

  /** The window of `stream` has grown. */
  windowOpened(stream: Http2Stream): void {
    if (stream.queue !== undefined) this.#makeReady(stream.queue);
  }

  /** Whether `pump` would write something into an empty output. */
  get hasWork(): boolean {
    return this.#head !== undefined && this.window > 0;
  }

  /** Writes queued DATA until windows, the room in the output or the queues are exhausted. */
  pump(nowMs: number): void {
    for (;;) {
      // One allocation for what is about to be written, instead of growing through all sizes.
      this.#out.reserve(Math.min(this.keptBytes, this.window, OUTPUT_BYTES_HIGH));
      while (this.#head !== undefined && this.window > 0 && this.#out.length < OUTPUT_BYTES_HIGH) {
        this.#turn(this.#shift(), nowMs);
      }
      if (this.#writable.length === 0) return;
      const writable = this.#writable;
      this.#writable = [];
      for (const stream of writable) {
        if (!stream.closed) stream.owner.onWritable();
      }
    }
  }

  #makeReady(queue: SendQueue): void {
    if (queue.ready || queue.stream.sendWindow <= 0) return;
    queue.ready = true;
    queue.next = undefined;
    if (this.#tail === undefined) this.#head = queue;
    else this.#tail.next = queue;
    this.#tail = queue;
  }

  #shift(): SendQueue {
    const queue = this.#head;
    assert(queue !== undefined, "The ring must not be empty");
    this.#head = queue.next;
    if (this.#head === undefined) this.#tail = undefined;
    queue.next = undefined;
    queue.ready = false;
    return queue;
  }

  /** Writes one frame of `queue` and puts it where it belongs afterwards. */
  #turn(queue: SendQueue, nowMs: number): void {
    const { stream } = queue;
    if (stream.queue !== queue || stream.sendWindow <= 0) return;
    const count = Math.min(queue.bytes, stream.sendWindow, this.window, this.frameBytesMax);
    const drained = count === queue.bytes;
    if (count > 0 || queue.end === "end-stream") {
      const ends = drained && queue.end === "end-stream";
      const out = this.#out;
      out.reserve(FRAME_HEADER_BYTES + count);
      writeFrameHeader(out, count, FrameType.DATA, ends ? FLAG_END_STREAM : 0, stream.id);
      this.#writePieces(queue, count);
      this.wrote(stream, count);
      queue.progressMs = nowMs;
    }
    if (drained) {
      stream.queue = undefined;
      if (queue.end === "end-stream") stream.localClosed = true;
      else if (queue.end === "trailers") stream.owner.onTrailersDue();
    } else {
      this.#makeReady(queue);
    }
    if (queue.writableWanted && queue.bytes <= STREAM_QUEUE_BYTES_LOW) {
      queue.writableWanted = false;
      this.#writable.push(stream);
    }
  }

  #writePieces(queue: SendQueue, count: number): void {
    let left = count;
    while (left > 0) {
      const piece = queue.pieces[queue.first];
      const part = Math.min(left, piece.length - queue.firstOffset);
      this.#out.append(piece, queue.firstOffset, queue.firstOffset + part);
      queue.firstOffset += part;
      left -= part;
      if (queue.firstOffset === piece.length) this.#dropFirst(queue);
    }
    queue.bytes -= count;
    this.keptBytes -= count;
  }

  #dropFirst(queue: SendQueue): void {
    queue.pieces[queue.first] = EMPTY_BYTES;
    queue.first++;
    queue.firstOffset = 0;
    this.keptBytes -= PIECE_OVERHEAD_BYTES;
    if (queue.first >= 64 && 2 * queue.first >= queue.pieces.length) {
      queue.pieces.splice(0, queue.first);
      queue.first = 0;
    }
  }
}
