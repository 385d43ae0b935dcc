/**
 * Spreads calls over the endpoints: in turn over those that are connected, waiting while none is.
 *
 * Source: grpc-go balancer/roundrobin, picker_wrapper.go (texts of calls that never found a connection).
 */
import { GrpcCode } from "../errors/codes.ts";
import type { GrpcClient } from "../http2/grpc-client-types.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import { type CancelSignal, onAbort } from "./cancel-signal.ts";
import { DEADLINE_TIMER_MS_MAX } from "./limits.ts";
import type { Link } from "./link.ts";
import { CLOSING, type RpcStatus } from "./rpc-status.ts";

/** Bounds of one wait. */
export interface WaitLimits {
  /** Absolute, in milliseconds of the clock; `undefined` for no end. */
  readonly deadlineMs: number | undefined;
  readonly signal: CancelSignal | undefined;
}

/** Told once, with a connection or with the reason why there is none. */
export type Picked = (picked: GrpcClient | RpcStatus) => void;

/** A call without a connection. Settles once. */
class Waiter {
  /** The latest reason why nothing is connected; kept while links try again. */
  lastError: string;
  readonly #picked: Picked;
  readonly #unlisten: () => void;
  #timer: Timer | undefined;

  constructor(lastError: string, signal: CancelSignal | undefined, picked: Picked) {
    this.lastError = lastError;
    this.#picked = picked;
    this.#unlisten = onAbort(signal, () => this.settle(waitEnded("Canceled", this.lastError)));
  }

  startTimer(clock: Clock, delayMs: number): void {
    if (delayMs > DEADLINE_TIMER_MS_MAX) return;
    this.#timer = clock.after(delayMs, () =>
      this.settle(waitEnded("DeadlineExceeded", this.lastError)),
    );
  }

  settle(result: GrpcClient | RpcStatus): void {
    this.#timer?.cancel();
    this.#unlisten();
    this.#picked(result);
  }
}

export class Balancer {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  #links: readonly Link[] = [];
  #next = 0;
  #lastError = "";
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  setLinks(links: readonly Link[]): void {
    this.#links = links;
  }

  /** The next connection in turn, if any is ready now; a server that is to be avoided only where there is no other. */
  pickNow(): GrpcClient | undefined {
    return this.#nextOf((link) => !link.isAvoided) ?? this.#nextOf(() => true);
  }

  /** The next connection in turn that is ready, to another server than that of `grpc`, and not to one that is to be avoided. */
  pickOther(grpc: GrpcClient): GrpcClient | undefined {
    return this.#nextOf((link) => !link.isAvoided && link.grpc !== grpc);
  }

  /** A call that was sent on `grpc` at `sentMs` has no answer: is nothing heard of its server? It is avoided then. */
  noteSilence(grpc: GrpcClient, sentMs: number): boolean {
    return this.#links.some((link) => link.noteSilence(grpc, sentMs));
  }

  /** The server of `grpc` said that it cannot reach a leader. */
  noteLeaderless(grpc: GrpcClient): void {
    for (const link of this.#links) link.noteLeaderless(grpc);
  }

  #nextOf(isFit: (link: Link) => boolean): GrpcClient | undefined {
    for (let tried = 0; tried < this.#links.length; tried++) {
      const link = this.#links[this.#next % this.#links.length];
      this.#next = (this.#next + 1) % this.#links.length;
      const { grpc } = link;
      if (grpc !== undefined && isFit(link)) return grpc;
    }
    return undefined;
  }

  /** Hands over the next connection in turn, as soon as there is one, within `limits`. */
  pick(limits: WaitLimits, picked: Picked): void {
    const { deadlineMs, signal } = limits;
    if (this.#isClosed) return picked(CLOSING);
    if (signal?.aborted === true) return picked(contextEnded("Canceled"));
    if (deadlineMs !== undefined && deadlineMs <= this.#clock.nowMs()) {
      return picked(contextEnded("DeadlineExceeded"));
    }
    const now = this.pickNow();
    if (now !== undefined) return picked(now);
    const waiter: Waiter = new Waiter(this.#reason(), signal, (result) => {
      this.#waiting.delete(waiter);
      picked(result);
    });
    this.#waiting.add(waiter);
    if (deadlineMs !== undefined) waiter.startTimer(this.#clock, deadlineMs - this.#clock.nowMs());
  }

  /** The state or error of `link` changed: whoever waits may go on, or learns why not. */
  linkChanged(link: Link): void {
    if (link.state === "failed") this.#lastError = link.error;
    const reason = this.#reason();
    for (const waiter of this.#waiting) {
      const grpc = this.pickNow();
      if (grpc !== undefined) waiter.settle(grpc);
      else if (reason !== "") waiter.lastError = reason;
    }
  }

  /** Ends every wait; there are no others from now on. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiting) waiter.settle(CLOSING);
  }

  /** Why there is no connection, once every endpoint has failed. */
  #reason(): string {
    const isHopeless = this.#links.every((link) => link.state === "failed");
    return isHopeless ? `latest balancer error: last connection error: ${this.#lastError}` : "";
  }
}

function contextEnded(name: "Canceled" | "DeadlineExceeded"): RpcStatus {
  const message = name === "Canceled" ? "context canceled" : "context deadline exceeded";
  return { code: GrpcCode[name], message };
}

/** How a wait for a connection ends: with the reason why there is none, or with none known so far. */
function waitEnded(name: "Canceled" | "DeadlineExceeded", reason: string): RpcStatus {
  const { code, message } = contextEnded(name);
  const waiting = "received context error while waiting for new LB policy update";
  return { code, message: reason === "" ? `${waiting}: ${message}` : reason };
}
