/**
 * Keepalive, both directions: our PINGs on a silent connection, and the policy for the peer's.
 *
 * Source: gRPC proposals A8 (client side) and A9 (server side); grpc-go internal/transport/http2_server.go.
 */
import type { ConnectionLimits } from "./connection-limits.ts";
import { KEEPALIVE_IDLE_MIN_TIME_MS, PING_STRIKES_MAX } from "./limits.ts";

/** Our PINGs. Anything read counts as a sign of life, not only the answer. */
export class Keepalive {
  readonly #timeMs: number;
  readonly #timeoutMs: number;
  #readMs = 0;
  /** When the unanswered PING was sent; -1 when there is none. */
  #pingMs = -1;

  constructor(limits: ConnectionLimits) {
    this.#timeMs = limits.keepaliveTimeMs;
    this.#timeoutMs = limits.keepaliveTimeoutMs;
  }

  onRead(nowMs: number): void {
    this.#readMs = nowMs;
    this.#pingMs = -1;
  }

  /** What is due: a PING, which is then taken as sent, or the end. `active`: whether PINGs are wanted now. */
  tick(nowMs: number, active: boolean): "nothing" | "ping" | "dead" {
    if (this.#timeMs === 0) return "nothing";
    if (this.#pingMs >= 0) {
      return nowMs - this.#pingMs >= this.#timeoutMs ? "dead" : "nothing";
    }
    if (!active || nowMs - this.#readMs < this.#timeMs) return "nothing";
    this.#pingMs = nowMs;
    return "ping";
  }

  nextTickMs(active: boolean): number {
    if (this.#timeMs === 0) return Number.POSITIVE_INFINITY;
    if (this.#pingMs >= 0) return this.#pingMs + this.#timeoutMs;
    return active ? this.#readMs + this.#timeMs : Number.POSITIVE_INFINITY;
  }

  /** For the log. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }
}

/**
 * The peer's PINGs: those that come too early are strikes, and more than PING_STRIKES_MAX strikes end the
 * connection. Answers that we send forgive, because a client measures bandwidth with PINGs while it reads.
 */
export class PingPolicy {
  readonly #minTimeMs: number;
  readonly #permitWithoutStream: boolean;
  #lastMs = Number.NEGATIVE_INFINITY;
  #strikes = 0;
  /** Set by whoever sends HEADERS or DATA. */
  forgiven = false;

  constructor(limits: ConnectionLimits) {
    this.#minTimeMs = limits.keepaliveMinTimeMs;
    this.#permitWithoutStream = limits.keepalivePermitWithoutStream;
  }

  /** Judges one PING; false when the connection has to end with ENHANCE_YOUR_CALM "too_many_pings". */
  accepts(nowMs: number, openStreams: number): boolean {
    const sinceMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (this.forgiven) {
      this.forgiven = false;
      this.#strikes = 0;
      return true;
    }
    const idle = openStreams === 0 && !this.#permitWithoutStream;
    if (sinceMs < (idle ? KEEPALIVE_IDLE_MIN_TIME_MS : this.#minTimeMs)) this.#strikes++;
    return this.#strikes <= PING_STRIKES_MAX;
  }
}
