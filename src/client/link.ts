/**
 * The way to one endpoint: connects, stays connected, and connects again with growing pauses after failures.
 *
 *   connecting -> ready -> (connection lost) -> connecting
 *   connecting -> failed -> (pause) -> failed, trying -> ready
 *
 * A link that failed stays failed until an attempt succeeds, so that callers learn the reason instead of
 * seeing it "connecting" for ever.
 *
 * Source: grpc-go balancer/base (state of a sub-connection), grpc doc/connection-backoff.md.
 */
import type { GrpcClient } from "../http2/grpc-client-types.ts";
import type { ClientConnectionOptions } from "../http2/options.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { ByteStream } from "../ports/network.ts";
import type { Random } from "../ports/random.ts";
import { goQuoteText } from "../stdx/go-url.ts";
import type { Connector } from "./connector.ts";
import type { ClientEndpoint } from "./endpoint.ts";
import { jitteredMs } from "./jitter.ts";
import {
  CONNECT_TIMEOUT_MS,
  LEADERLESS_SERVER_MS,
  RECONNECT_BACKOFF_FACTOR,
  RECONNECT_BACKOFF_JITTER,
  RECONNECT_BACKOFF_MAX_MS,
  RECONNECT_BACKOFF_MS,
  SILENCE_NOTICED_MS,
  SILENT_SERVER_MS,
} from "./limits.ts";
import { Transport } from "./transport.ts";

export type LinkState = "connecting" | "ready" | "failed";

/** Milliseconds between attempts to connect. */
export interface ReconnectPauses {
  /** Behind the first failure. */
  readonly firstMs: number;
  /** The longest, which the others grow up to. */
  readonly longestMs: number;
}

/** As long as grpc-go pauses. */
export const RECONNECT_PAUSES: ReconnectPauses = {
  firstMs: RECONNECT_BACKOFF_MS,
  longestMs: RECONNECT_BACKOFF_MAX_MS,
};

export interface LinkSettings {
  readonly connector: Connector;
  readonly clock: Clock;
  readonly random: Random;
  readonly endpoint: ClientEndpoint;
  readonly secure: boolean;
  readonly limits: ClientConnectionOptions;
  readonly pauses: ReconnectPauses;
  /** The link became ready or failed (again). Never called from inside a method of the link. */
  readonly onChange: (link: Link) => void;
}

/** Connects as soon as it is made; ends with `close`. */
export class Link {
  readonly #settings: LinkSettings;
  #state: LinkState = "connecting";
  #error = "";
  #transport: Transport | undefined;
  #failures = 0;
  /** Counts attempts, so that a late answer to an abandoned one is recognized. */
  #attempt = 0;
  #timer: Timer | undefined;
  /** Until when calls go elsewhere because the server cannot reach a leader. */
  #leaderlessUntilMs = Number.NEGATIVE_INFINITY;
  /** When the server was noticed to be silent. */
  #silentMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
    this.#connect();
  }

  get endpoint(): ClientEndpoint {
    return this.#settings.endpoint;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Why the last attempt failed, for people. */
  get error(): string {
    return this.#error;
  }

  /** Where calls go now; `undefined` when the link is not ready. */
  get grpc(): GrpcClient | undefined {
    const transport = this.#state === "ready" ? this.#transport : undefined;
    if (transport === undefined || transport.grpc.acceptsCalls) return transport?.grpc;
    // The server says goodbye: what is open ends there, what is new goes to a new connection.
    this.#lost();
    return undefined;
  }

  /** Whether calls had better go elsewhere. */
  get isAvoided(): boolean {
    return this.#isSilent || this.#settings.clock.nowMs() < this.#leaderlessUntilMs;
  }

  /** The server of `grpc` said that it cannot reach a leader: it may be cut off from the others. */
  noteLeaderless(grpc: GrpcClient): void {
    if (this.#transport?.grpc !== grpc) return;
    this.#leaderlessUntilMs = this.#settings.clock.nowMs() + LEADERLESS_SERVER_MS;
  }

  /**
   * Whether the server of this connection left calls without an answer and has sent nothing since: it may be frozen, or
   * cut off. After a while it is asked again.
   */
  get #isSilent(): boolean {
    const receivedMs = this.#transport?.lastReceivedMs ?? Number.POSITIVE_INFINITY;
    const untilMs = this.#silentMs + SILENT_SERVER_MS;
    return receivedMs < this.#silentMs && this.#settings.clock.nowMs() < untilMs;
  }

  /**
   * A call that was sent on `grpc` at `sentMs` has no answer. Returns whether nothing at all has come since, by which the
   * link is silent from now on.
   */
  noteSilence(grpc: GrpcClient, sentMs: number): boolean {
    const nowMs = this.#settings.clock.nowMs();
    const transport = this.#transport;
    if (transport?.grpc !== grpc || transport.lastReceivedMs > sentMs) return false;
    if (nowMs - sentMs < SILENCE_NOTICED_MS) return false;
    this.#silentMs = nowMs;
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#attempt++;
    this.#timer?.cancel();
    this.#transport?.close("");
    this.#transport = undefined;
  }

  /** As `close`, but calls that are open go on to their end. */
  retire(): void {
    this.#isClosed = true;
    this.#attempt++;
    this.#timer?.cancel();
    this.#transport?.drain();
    this.#transport = undefined;
  }

  #connect(): void {
    const { connector, endpoint, secure, clock } = this.#settings;
    const attempt = ++this.#attempt;
    this.#timer = clock.after(CONNECT_TIMEOUT_MS, () => {
      this.#failed("transport: Error while dialing: context deadline exceeded");
    });
    const target = { address: endpoint.address, secure, serverName: endpoint.serverName };
    connector.connect(target).then(
      (stream) => this.#connected(attempt, stream),
      (error: unknown) => {
        if (attempt !== this.#attempt) return;
        this.#failed(error instanceof Error ? error.message : String(error));
      },
    );
  }

  #connected(attempt: number, stream: ByteStream): void {
    if (attempt !== this.#attempt) {
      stream.destroy();
      return;
    }
    const { endpoint, secure, limits, clock } = this.#settings;
    const authority = endpoint.serverName;
    const transport = new Transport(
      stream,
      { authority, secure, limits, clock },
      {
        onReady: () => this.#becameReady(attempt),
        onClosed: (reason) => {
          if (attempt !== this.#attempt) return;
          if (this.#state === "ready") this.#lost();
          else this.#failed(prefaceFailure(reason));
        },
      },
    );
    this.#transport = transport;
  }

  #becameReady(attempt: number): void {
    if (attempt !== this.#attempt) return;
    this.#timer?.cancel();
    this.#state = "ready";
    this.#failures = 0;
    this.#settings.onChange(this);
  }

  /** A connection that worked is gone: the next one is tried at once. */
  #lost(): void {
    this.#transport = undefined;
    this.#state = "connecting";
    this.#connect();
  }

  #failed(reason: string): void {
    if (this.#isClosed) return;
    this.#attempt++;
    this.#timer?.cancel();
    this.#transport?.close("");
    this.#transport = undefined;
    this.#state = "failed";
    this.#error = `connection error: desc = ${goQuoteText(reason)}`;
    const { clock, random, onChange, pauses } = this.#settings;
    const pauseMs = Math.min(
      pauses.firstMs * RECONNECT_BACKOFF_FACTOR ** this.#failures++,
      pauses.longestMs,
    );
    const waitMs = jitteredMs(pauseMs, RECONNECT_BACKOFF_JITTER, random);
    this.#timer = clock.after(waitMs, () => this.#connect());
    onChange(this);
  }
}

/** What is said when a server hangs up before it has spoken HTTP/2. */
function prefaceFailure(reason: string): string {
  const cause = reason.replace(/^error reading from server: /, "");
  return `error reading server preface: ${cause === "" ? "EOF" : cause}`;
}
