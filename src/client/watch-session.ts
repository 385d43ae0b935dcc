/**
 * Watches that share one stream: creates them on it, hands out what comes, and when the stream is lost opens
 * another one and creates each watch again where it stood.
 *
 *   idle -> opening -> streaming -> (lost) -> pause -> opening
 *                                -> (no watch left) -> idle
 *
 * A server answers requests for watches in the order of the requests, with the ids that it chose: that is how
 * an id finds its watch. A watch whose reader falls behind is cancelled on the server ("parked") and created
 * again when the reader has caught up, so that it costs no memory and delays no other.
 *
 * Source: etcd client/v3/watch.go (watchGrpcStream).
 */
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Clock } from "../ports/clock.ts";
import type { Event } from "../wire/gen/kv.ts";
import type { WatchRequest, WatchResponse } from "../wire/gen/rpc.ts";
import { WatchService } from "../wire/gen/services.ts";
import type { CallStream } from "./call-stream.ts";
import { Canceller } from "./cancel-signal.ts";
import type { Channel } from "./channel.ts";
import {
  RESPONSE_BYTES_MAX,
  WATCH_LEADERLESS_PAUSE_MS,
  WATCH_RESUME_PAUSE_MS,
  WATCH_RESUME_PAUSE_MS_MAX,
  WATCH_WAITING_BYTES_HIGH,
  WATCH_WAITING_BYTES_LOW,
} from "./limits.ts";
import { Pause } from "./pause.ts";
import { isClosing } from "./rpc-status.ts";
import { responseBytes, WatchCanceledError, type WatchEntry } from "./watch-entry.ts";

type WatchCallStream = CallStream<WatchRequest, WatchResponse>;

/** What has come of an answer in pieces. */
interface Pieces {
  readonly events: Event[];
  bytes: number;
}

/** The id in an answer that is about every watch of a stream, or about none. */
const NO_WATCH_ID = -1n;

/** Where streams are opened. */
export type StreamOpener = Pick<Channel, "openStream" | "noteLeaderless">;

/** What becomes of watches whose server has lost its leader: they stay, end, or move to another server. */
export type WhenLeaderless = "stay" | "end" | "move";

export class WatchSession {
  readonly #channel: StreamOpener;
  readonly #clock: Clock;
  readonly #whenLeaderless: WhenLeaderless;
  readonly #entries = new Set<WatchEntry>();
  readonly #pause = new Pause();
  #isRunning = false;
  #canceller = new Canceller();
  /** What follows is about the present stream, if there is one. */
  #stream: WatchCallStream | undefined;
  /** Watches whose creation the server has not answered yet, in the order of the requests. */
  #creating: WatchEntry[] = [];
  readonly #byId = new Map<bigint, WatchEntry>();
  /** Pieces of answers whose last piece has not come. */
  readonly #pieces = new Map<bigint, Pieces>();
  #isProgressWanted = false;

  constructor(channel: StreamOpener, clock: Clock, whenLeaderless: WhenLeaderless) {
    this.#channel = channel;
    this.#clock = clock;
    this.#whenLeaderless = whenLeaderless;
  }

  add(entry: WatchEntry): void {
    this.#entries.add(entry);
    this.#create(entry);
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Ends a watch at its reader's wish. */
  remove(entry: WatchEntry): void {
    if (!this.#entries.has(entry)) return;
    this.#forget(entry);
    this.#cancelOnServer(entry);
    this.#endIfIdle();
  }

  /** Ends every watch. */
  close(): void {
    for (const entry of [...this.#entries]) {
      this.remove(entry);
      entry.drop();
    }
  }

  /** Asks how far the watches of the stream are; every one of them is told, once all have caught up. */
  requestProgress(): void {
    this.#isProgressWanted = this.#stream === undefined && this.#entries.size > 0;
    this.#stream?.send({ requestUnion: { case: "progressRequest", value: {} } });
  }

  /** The reader of `entry` has taken something. */
  wasRead(entry: WatchEntry): void {
    if (!entry.isParked || entry.waitingBytes > WATCH_WAITING_BYTES_LOW) return;
    entry.isParked = false;
    if (this.#entries.has(entry)) this.#create(entry);
  }

  async #run(): Promise<void> {
    let pauseMs = WATCH_RESUME_PAUSE_MS;
    while (this.#entries.size > 0) {
      const canceller = new Canceller();
      this.#canceller = canceller;
      try {
        const requireLeader = this.#whenLeaderless !== "stay";
        const options = { signal: canceller, requireLeader };
        const stream = await this.#channel.openStream(WatchService.watch, options);
        this.#begin(stream);
        for await (const response of stream) {
          pauseMs = WATCH_RESUME_PAUSE_MS;
          this.#onResponse(response);
        }
      } catch (error) {
        const moves = error === Errors.NoLeader && this.#whenLeaderless === "move";
        if (moves) {
          pauseMs = WATCH_LEADERLESS_PAUSE_MS;
          if (this.#stream !== undefined) this.#channel.noteLeaderless(this.#stream);
        } else if (!canceller.aborted && this.#isFinal(error)) this.#failAll(error);
      }
      this.#stream = undefined;
      if (this.#entries.size === 0) break;
      if (canceller.aborted) continue;
      await this.#pause.wait(this.#clock, pauseMs);
      pauseMs = Math.min(pauseMs * 2, WATCH_RESUME_PAUSE_MS_MAX);
    }
    this.#isRunning = false;
  }

  /** Whether a stream that ended so is not worth opening again. */
  #isFinal(error: unknown): boolean {
    if (!(error instanceof EtcdError) || error === Errors.NoLeader) return true;
    // Getting a token took too long, because nobody can be reached: that passes.
    if (error === Errors.DeadlineExceeded) return false;
    // Those between end streams in their own ways; where watches need not end, only what is said of them ends them.
    const isInterrupted =
      error.code === GrpcCode.Canceled || error.code === GrpcCode.DeadlineExceeded;
    if (this.#whenLeaderless === "move" && isInterrupted) return isClosing(error);
    return error.code !== GrpcCode.Unavailable && error.code !== GrpcCode.Internal;
  }

  #begin(stream: WatchCallStream): void {
    this.#stream = stream;
    this.#creating = [];
    this.#byId.clear();
    this.#pieces.clear();
    for (const entry of this.#entries) {
      entry.watchId = undefined;
      this.#create(entry);
    }
    if (this.#isProgressWanted) this.requestProgress();
  }

  #create(entry: WatchEntry): void {
    if (this.#stream === undefined || entry.isParked) return;
    this.#creating.push(entry);
    const value = entry.createRequest();
    this.#stream.send({ requestUnion: { case: "createRequest", value } });
  }

  #onResponse(response: WatchResponse): void {
    if (response.created) {
      this.#onCreated(response);
    } else if (response.watchId === NO_WATCH_ID) {
      if (response.canceled) return;
      for (const entry of this.#byId.values()) entry.accept(response);
    } else {
      const entry = this.#byId.get(response.watchId);
      // Of a watch that was given up, an answer may still be under way.
      if (entry === undefined) return;
      if (response.canceled) this.#onCanceled(entry, response);
      else if (response.fragment || this.#pieces.has(response.watchId)) {
        this.#onPiece(entry, response);
      } else {
        this.#deliver(entry, response);
      }
    }
  }

  #onCreated(response: WatchResponse): void {
    const entry = this.#creating.shift();
    if (entry === undefined) return;
    if (response.canceled) {
      // The token of a stream is from its beginning: all go on, on another one.
      if (!entry.isEnded && entry.mayTryNewToken(response)) this.#canceller.abort();
      else this.#onCanceled(entry, response);
      return;
    }
    entry.watchId = response.watchId;
    if (entry.isEnded) {
      // Its reader left while the request was under way.
      this.#cancelOnServer(entry);
      return;
    }
    this.#byId.set(response.watchId, entry);
    entry.created(response);
  }

  /** Puts the pieces of an answer together. */
  #onPiece(entry: WatchEntry, response: WatchResponse): void {
    const { watchId } = response;
    const pieces = this.#pieces.get(watchId) ?? { events: [], bytes: 0 };
    pieces.bytes += responseBytes(response);
    if (pieces.bytes > RESPONSE_BYTES_MAX) {
      this.#cancelOnServer(entry);
      this.#forget(entry);
      const text = `grpc: received message larger than max (${pieces.bytes} vs. ${RESPONSE_BYTES_MAX})`;
      entry.end(new EtcdError(GrpcCode.ResourceExhausted, text));
      this.#endIfIdle();
      return;
    }
    for (const event of response.events) pieces.events.push(event);
    if (response.fragment) {
      this.#pieces.set(watchId, pieces);
    } else {
      this.#pieces.delete(watchId);
      this.#deliver(entry, { ...response, events: pieces.events });
    }
  }

  #deliver(entry: WatchEntry, response: WatchResponse): void {
    entry.accept(response);
    if (entry.waitingBytes <= WATCH_WAITING_BYTES_HIGH) return;
    entry.isParked = true;
    this.#cancelOnServer(entry);
  }

  #onCanceled(entry: WatchEntry, response: WatchResponse): void {
    this.#forget(entry);
    if (entry.watchId !== undefined) this.#byId.delete(entry.watchId);
    entry.end(new WatchCanceledError(response));
    this.#endIfIdle();
  }

  #forget(entry: WatchEntry): void {
    this.#entries.delete(entry);
    entry.isParked = false;
  }

  #cancelOnServer(entry: WatchEntry): void {
    const { watchId } = entry;
    if (watchId === undefined) return;
    entry.watchId = undefined;
    this.#byId.delete(watchId);
    this.#pieces.delete(watchId);
    this.#stream?.send({ requestUnion: { case: "cancelRequest", value: { watchId } } });
  }

  #endIfIdle(): void {
    if (this.#entries.size > 0) return;
    this.#stream = undefined;
    this.#canceller.abort();
    this.#pause.end();
  }

  #failAll(error: unknown): void {
    const shown = error instanceof Error ? error : new Error(String(error));
    for (const entry of this.#entries) entry.end(shown);
    this.#entries.clear();
  }
}
