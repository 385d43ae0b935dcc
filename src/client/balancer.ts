/**
 * Spreads calls over the endpoints: in turn over those that are connected, waiting while none is.
 *
 * Source: grpc-go balancer/roundrobin, picker_wrapper.go (texts of calls that never found a connection).
 */
import { GrpcCode } from "../errors/codes.ts";
import type { GrpcClient } from "../http2/grpc-client-types.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { CancelSignal } from "./cancel-signal.ts";
import { DEADLINE_TIMER_MS_MAX } from "./limits.ts";
import type { Link } from "./link.ts";
import type { RpcStatus } from "./rpc-status.ts";

/** Bounds of one wait. */
export interface WaitLimits {
  /** Absolute, in milliseconds of the clock; `undefined` for no end. */
  readonly deadlineMs: number | undefined;
  readonly signal: CancelSignal | undefined;
}

/** Told once, with a connection or with the reason why there is none. */
export type Picked = (picked: GrpcClient | RpcStatus) => void;

interface Waiter {
  /** The latest reason why nothing is connected; kept while links try again. */
  lastError: string;
  settle(picked: GrpcClient | RpcStatus): void;
}

export class Balancer {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  #links: readonly Link[] = [];
  #next = 0;
  #lastError = "";

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  setLinks(links: readonly Link[]): void {
    this.#links = links;
  }

  /** The next connection in turn, if any is ready now. */
  pickNow(): GrpcClient | undefined {
    for (let tried = 0; tried < this.#links.length; tried++) {
      const link = this.#links[this.#next % this.#links.length];
      this.#next = (this.#next + 1) % this.#links.length;
      const { grpc } = link;
      if (grpc !== undefined) return grpc;
    }
    return undefined;
  }

  /** Hands over the next connection in turn, as soon as there is one, within `limits`. */
  pick(limits: WaitLimits, picked: Picked): void {
    const { deadlineMs, signal } = limits;
    if (signal?.aborted === true) return picked(contextEnded("Canceled"));
    if (deadlineMs !== undefined && deadlineMs <= this.#clock.nowMs()) {
      return picked(contextEnded("DeadlineExceeded"));
    }
    const now = this.pickNow();
    if (now !== undefined) return picked(now);
    this.#wait(deadlineMs, signal, picked);
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

  /** Ends every wait. */
  close(): void {
    for (const waiter of this.#waiting) {
      waiter.settle({ code: GrpcCode.Canceled, message: "grpc: the client connection is closing" });
    }
  }

  /** Why there is no connection, once every endpoint has failed. */
  #reason(): string {
    const isHopeless = this.#links.every((link) => link.state === "failed");
    return isHopeless ? `latest balancer error: last connection error: ${this.#lastError}` : "";
  }

  #wait(deadlineMs: number | undefined, signal: CancelSignal | undefined, picked: Picked): void {
    const clock = this.#clock;
    let timer: Timer | undefined;
    const onAbort = (): void => waiter.settle(contextEnded("Canceled", waiter.lastError));
    const waiter: Waiter = {
      lastError: this.#reason(),
      settle: (result) => {
        this.#waiting.delete(waiter);
        timer?.cancel();
        signal?.removeEventListener("abort", onAbort);
        picked(result);
      },
    };
    this.#waiting.add(waiter);
    signal?.addEventListener("abort", onAbort);
    const delayMs = deadlineMs === undefined ? Infinity : deadlineMs - clock.nowMs();
    if (delayMs > DEADLINE_TIMER_MS_MAX) return;
    timer = clock.after(delayMs, () =>
      waiter.settle(contextEnded("DeadlineExceeded", waiter.lastError)),
    );
  }
}

function contextEnded(name: "Canceled" | "DeadlineExceeded", reason = ""): RpcStatus {
  const text = name === "Canceled" ? "context canceled" : "context deadline exceeded";
  return { code: GrpcCode[name], message: reason === "" ? text : reason };
}
