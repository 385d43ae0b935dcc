/**
 * One connection: an HTTP/2 endpoint and the byte stream it runs over. Bytes are handed from one to the
 * other; everything that one turn of the event loop produced is written at its end, together.
 */
import type { GrpcClient } from "../http2/grpc-client-types.ts";
import { GrpcClientConnection } from "../http2/grpc-client.ts";
import type { ClientConnectionOptions } from "../http2/options.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { ByteStream } from "../ports/network.ts";

/** What the owner of a transport is told. */
export interface TransportEvents {
  /** The server has spoken HTTP/2: calls will be understood. At most once, before `onClosed`. */
  onReady(): void;
  /** The connection is gone. Once; may come from inside `close`. */
  onClosed(reason: string): void;
}

export interface TransportSettings {
  /** The `:authority` of every call. */
  readonly authority: string;
  readonly secure: boolean;
  readonly limits: ClientConnectionOptions;
  readonly clock: Clock;
}

/** Moves bytes between `stream`, which it owns, and the HTTP/2 endpoint. */
export class Transport {
  readonly #stream: ByteStream;
  readonly #connection: GrpcClientConnection;
  readonly #clock: Clock;
  readonly #events: TransportEvents;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #lastReceivedMs = Number.NEGATIVE_INFINITY;
  #isStreamFull = false;
  #isStreamGone = false;
  #isEnded = false;
  #isClosed = false;

  constructor(stream: ByteStream, settings: TransportSettings, events: TransportEvents) {
    this.#stream = stream;
    this.#clock = settings.clock;
    this.#events = events;
    this.#connection = new GrpcClientConnection({
      authority: settings.authority,
      scheme: settings.secure ? "https" : "http",
      limits: settings.limits,
      clock: settings.clock,
      events: {
        // At the end of this turn: what all handlers of the turn have to send leaves in one write.
        onOutput: () => this.#clock.defer(() => this.#flush()),
        onReady: () => this.#events.onReady(),
        onClosed: (reason) => this.#closed(reason),
        onInputWanted: (wanted) => this.#inputWanted(wanted),
      },
    });
    stream.setHandler({
      onBytes: (bytes) => this.#received(bytes),
      onWritable: () => {
        this.#isStreamFull = false;
        this.#flush();
      },
      onClosed: (reason) => {
        this.#isStreamGone = true;
        this.#connection.socketClosed(reason === "" ? "error reading from server: EOF" : reason);
        this.#closed(reason);
      },
    });
    this.#connection.start(this.#clock.nowMs());
    this.#flush();
  }

  /** Calls go here. */
  get grpc(): GrpcClient {
    return this.#connection;
  }

  /** When something came from the server for the last time, in milliseconds of the clock. */
  get lastReceivedMs(): number {
    return this.#lastReceivedMs;
  }

  /** Ends the connection at once; open calls end as cancelled. */
  close(reason: string): void {
    this.#connection.close(reason);
    this.#flush();
  }

  /** Ends the connection when the calls that are open on it have ended; there are no new ones. */
  drain(): void {
    this.#connection.drain();
    this.#flush();
  }

  #received(bytes: Uint8Array): void {
    this.#lastReceivedMs = this.#clock.nowMs();
    this.#connection.receive(bytes, this.#lastReceivedMs);
    if (this.#connection.shouldClose) this.#flush();
    else this.#setTimer();
  }

  #inputWanted(wanted: boolean): void {
    if (this.#isStreamGone) return;
    if (wanted) this.#stream.resume();
    else this.#stream.pause();
  }

  #flush(): void {
    while (!this.#isStreamFull && !this.#isStreamGone) {
      const output = this.#connection.takeOutput();
      if (output === undefined) break;
      this.#isStreamFull = !this.#stream.write(output);
      if (this.#stream.writtenWhole) this.#connection.outputWritten();
    }
    if (this.#isStreamGone || this.#isEnded) return;
    if (this.#connection.shouldClose && !this.#isStreamFull) {
      this.#isEnded = true;
      this.#stream.end();
      this.#closed(this.#connection.closeReason);
      return;
    }
    this.#setTimer();
  }

  #closed(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#events.onClosed(reason);
  }

  /** Keeps one timer, for the earliest instant at which the endpoint has something to do. */
  #setTimer(): void {
    const dueMs = this.#connection.nextTickMs();
    if (this.#isClosed || dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.nowMs()), () => {
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      this.#connection.tick(this.#clock.nowMs());
      this.#flush();
    });
  }
}
