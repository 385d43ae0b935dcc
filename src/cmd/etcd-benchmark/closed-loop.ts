/**
 * A load of unary calls: every caller makes its next call when the one before has ended, and the rate allows
 * it. Nothing is allocated for a call but the call itself and a request that is not sent again.
 */
import { NO_DEADLINE } from "../../client/raw-connection.ts";
import { errorFromStatus, type RpcStatus } from "../../client/rpc-status.ts";
import type { UnaryDone } from "../../http2/grpc-client-types.ts";
import type { Clock } from "../../ports/clock.ts";
import { assert } from "../../stdx/assert.ts";
import { EMPTY_BYTES } from "../../stdx/bytes.ts";
import { Pacer } from "../pacer.ts";
import type { LatencyReport } from "./latency-report.ts";
import { isTokenRefused, type LoadConnection } from "./load-connection.ts";

/** Milliseconds between two looks at how far a load has come. */
const PROGRESS_MS = 100;

/** The start of a call that was not sent yet. */
const NOT_STARTED = -1;

/** One who calls: has at most one call under way. */
export class Caller {
  readonly connection: LoadConnection;
  /** Where its call is counted. */
  report: LatencyReport;
  /** The request of its call. */
  body: Uint8Array = EMPTY_BYTES;
  startMs = 0;
  /** Whether its call was refused once for an old token. */
  isSecondTry = false;

  constructor(connection: LoadConnection, report: LatencyReport) {
    this.connection = connection;
    this.report = report;
  }
}

export interface Load {
  /** Of the method, as in the `:path` header. */
  readonly path: string;
  /** Calls to make. */
  readonly total: number;
  /** Calls per second at most; no limit when 0. */
  readonly perSecond: number;
  /** The request of call number `index`; may change where the call of `caller` is counted. Not changed later. */
  readonly body: (index: number, caller: Caller) => Uint8Array;
  /**
   * Whether the call goes on after `answer`, a view valid until return; then it has put the next request into
   * `caller.body`, and the time until the last answer counts.
   */
  readonly followUp?: (caller: Caller, answer: Uint8Array) => boolean;
}

export class ClosedLoop {
  readonly #load: Load;
  readonly #clock: Clock;
  readonly #pacer: Pacer | undefined;
  /** Callers without a permit. */
  readonly #idle: Caller[] = [];
  #begun = 0;
  #ended = 0;
  #isTimed = false;
  #finish: () => void = () => undefined;

  constructor(load: Load, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
    if (load.perSecond > 0) this.#pacer = new Pacer(load.perSecond, clock.nowMs());
  }

  /** Calls until all are made; resolves then. `onProgress` is told now and then how many have ended. */
  async run(callers: readonly Caller[], onProgress?: (ended: number) => void): Promise<void> {
    if (this.#load.total <= 0) return;
    if (onProgress !== undefined) this.#watch(onProgress);
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      for (const caller of callers) this.#next(caller);
    });
  }

  /** Begins no more calls; `run` does not resolve. */
  stop(): void {
    this.#begun = this.#load.total;
    this.#ended = this.#load.total;
    this.#idle.length = 0;
  }

  #next(caller: Caller): void {
    if (this.#begun >= this.#load.total) return;
    if (this.#pacer !== undefined && this.#pacer.take(this.#clock.nowMs(), 1) === 0) {
      this.#idle.push(caller);
      this.#wait(this.#pacer);
      return;
    }
    this.#begin(caller);
  }

  #begin(caller: Caller): void {
    caller.isSecondTry = false;
    caller.body = this.#load.body(this.#begun++, caller);
    caller.startMs = NOT_STARTED;
    this.#send(caller);
  }

  #send(caller: Caller): void {
    const { connection } = caller;
    if (!connection.isUsable) {
      connection.whenUsable((failure) => {
        if (failure === undefined) this.#send(caller);
        else this.#end(caller, failure);
      });
      return;
    }
    if (caller.startMs === NOT_STARTED) caller.startMs = this.#clock.nowMs();
    const { grpc, metadata } = connection;
    const call = grpc.unary(this.#load.path, metadata, caller.body, NO_DEADLINE, this.#done);
    call.context = caller;
  }

  /** One function for all calls. */
  readonly #done: UnaryDone = (status, message, { context }) => {
    assert(context instanceof Caller, "A call belongs to a caller");
    const { followUp } = this.#load;
    if (followUp !== undefined && message !== undefined && followUp(context, message)) {
      this.#send(context);
      return;
    }
    this.#end(context, status);
  };

  #end(caller: Caller, status: RpcStatus): void {
    const { report, connection } = caller;
    if (status.code === 0) {
      report.took(caller.startMs, this.#clock.nowMs());
    } else if (isTokenRefused(status) && !caller.isSecondTry) {
      caller.isSecondTry = true;
      caller.startMs = NOT_STARTED;
      connection.renewToken();
      this.#send(caller);
      return;
    } else {
      report.failed(errorFromStatus(status, undefined).message);
    }
    this.#ended++;
    if (this.#ended === this.#load.total) this.#finish();
    else if (status.code === 0) this.#next(caller);
    // A connection that has just been lost takes no call before all of its own have ended.
    else this.#clock.defer(() => this.#next(caller));
  }

  /** Lets idle callers go on when there are permits. */
  #wait(pacer: Pacer): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#clock.after(Math.max(1, pacer.waitMs), () => {
      this.#isTimed = false;
      const left = Math.min(this.#idle.length, this.#load.total - this.#begun);
      const permits = pacer.take(this.#clock.nowMs(), left);
      for (const caller of this.#idle.splice(0, permits)) this.#begin(caller);
      if (this.#idle.length > 0 && this.#begun < this.#load.total) this.#wait(pacer);
    });
  }

  #watch(onProgress: (ended: number) => void): void {
    this.#clock.after(PROGRESS_MS, () => {
      if (this.#ended >= this.#load.total) return;
      onProgress(this.#ended);
      this.#watch(onProgress);
    });
  }
}
