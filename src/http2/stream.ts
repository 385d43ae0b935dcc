/**
 * One HTTP/2 stream as the connection keeps it, and what it asks of whoever uses the stream.
 *
 *   idle -> open -> half-closed (remoteClosed or localClosed) -> closed
 *
 * A stream exists from its HEADERS until it is closed; closed streams are forgotten, but for the numbers
 * of those that we reset lately (`ResetHistory`).
 */
import type { HeaderBlock } from "./header-block.ts";
import { RECENTLY_RESET_STREAMS_MAX, SKIPPED_GAPS_MAX } from "./limits.ts";
import type { SendQueue } from "./send-scheduler.ts";

/** What a stream is used for: a gRPC call of either side, or a plain request. */
export interface StreamOwner {
  /** Absolute milliseconds; `Infinity` for none. */
  readonly deadlineMs: number;
  /** A further header list: the response or trailers. `remoteClosed` is up to date. */
  onHeaders(block: HeaderBlock): void;
  /** Payload `bytes[start, end)`, borrowed until the end of the `receive` that brought it. */
  onData(bytes: Uint8Array, start: number, end: number): void;
  /** The peer reset the stream, which is closed. */
  onReset(errorCode: number): void;
  /** We reset the stream, which is closed, for something the peer did. */
  onViolation(text: string): void;
  /** The connection is gone. `unprocessed`: the peer surely did nothing about this stream. */
  onLost(reason: string, unprocessed: boolean): void;
  /** `deadlineMs` has passed. */
  onDeadline(): void;
  /** The queue of the stream has shrunk after it was above its high-water mark. */
  onWritable(): void;
  /** Everything queued has been written, and trailers were asked for: write them and end the stream. */
  onTrailersDue(): void;
}

export class Http2Stream {
  readonly id: number;
  /** Bytes of DATA we may send; negative after the peer shrank its initial window. */
  sendWindow: number;
  /** Bytes of DATA the peer may send. */
  receiveWindow: number;
  /** Bytes received and consumed, but not yet granted again. */
  ungranted = 0;
  /** Nothing is granted while the user of the stream does not want more. */
  grantsHeld = false;
  /** The peer has sent END_STREAM. */
  remoteClosed = false;
  /** We have sent END_STREAM. */
  localClosed = false;
  closed = false;
  /** Bytes of body still to come by content-length; -1 when not announced. */
  bodyBytesLeft = -1;
  /** Data that could not be written at once. */
  queue: SendQueue | undefined = undefined;
  owner: StreamOwner;

  constructor(id: number, sendWindow: number, receiveWindow: number, owner: StreamOwner) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
    this.owner = owner;
  }
}

/** The owner of a stream before it has a real one. Nothing is ever told to it. */
export const NO_OWNER: StreamOwner = {
  deadlineMs: Number.POSITIVE_INFINITY,
  onHeaders: nothing,
  onData: nothing,
  onReset: nothing,
  onViolation: nothing,
  onLost: nothing,
  onDeadline: nothing,
  onWritable: nothing,
  onTrailersDue: nothing,
};

function nothing(): void {}

/** Numbers of streams that we reset, so that what the peer sent before it knew is ignored. */
export class ResetHistory {
  readonly #ids = new Int32Array(RECENTLY_RESET_STREAMS_MAX);
  #next = 0;

  add(streamId: number): void {
    this.#ids[this.#next] = streamId;
    this.#next = (this.#next + 1) % RECENTLY_RESET_STREAMS_MAX;
  }

  /** O(RECENTLY_RESET_STREAMS_MAX). */
  has(streamId: number): boolean {
    return this.#ids.includes(streamId);
  }
}

/**
 * Numbers that a client passed over: they were never open, and never will be. Clients count by two, so there
 * is nothing to remember but the latest gaps of odd ones.
 */
export class SkippedStreams {
  /** Pairs of the first and the last number of a gap. */
  readonly #gaps: number[] = [];

  /** A stream was opened after `last`, the highest number so far. */
  passed(last: number, streamId: number): void {
    const next = last === 0 ? 1 : last + 2;
    if (streamId === next) return;
    if (this.#gaps.length >= 2 * SKIPPED_GAPS_MAX) this.#gaps.splice(0, 2);
    this.#gaps.push(next, streamId - 2);
  }

  /** O(SKIPPED_GAPS_MAX). */
  has(streamId: number): boolean {
    for (let i = 0; i < this.#gaps.length; i += 2) {
      if (streamId >= this.#gaps[i] && streamId <= this.#gaps[i + 1]) return true;
    }
    return false;
  }
}
