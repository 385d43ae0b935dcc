/**
 * Warns of requests that took long: applying an entry, or a read from its arrival to its answer. Costs two
 * looks at the clock for each.
 *
 * Source: etcd server/etcdserver/util.go (warnOfExpensiveRequest and its like) (3.5).
 */
import type { ReadTimer } from "../api/context.ts";
import type { ApplyTimer } from "../apply/apply-timer.ts";
import { operationText } from "../apply/request-text.ts";
import { type ApplyResult, encodeResult } from "../apply/result.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log, LogFields } from "../ports/log.ts";
import { goDurationOfMs } from "../stdx/go-duration.ts";
import type { InternalRaftRequestOperation } from "../wire/gen/raft-internal.ts";

export class SlowRequests implements ApplyTimer, ReadTimer {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #warningMs: number;

  constructor(clock: Clock, log: Log, warningMs: number) {
    this.#clock = clock;
    this.#log = log;
    this.#warningMs = warningMs;
  }

  start(): number {
    return this.#clock.nowMs();
  }

  applied(
    start: number,
    id: bigint,
    operation: InternalRaftRequestOperation,
    result: ApplyResult | EtcdError,
  ): void {
    const tookMs = this.#clock.nowMs() - start;
    if (tookMs <= this.#warningMs) return;
    this.#warn(tookMs, "", operationText(id, operation), {
      ...(result instanceof EtcdError
        ? { response: "", error: result.message }
        : { response: `size:${encodeResult(result).length}` }),
    });
  }

  isSlow(start: number): boolean {
    return this.#clock.nowMs() - start > this.#warningMs;
  }

  answered(
    start: number,
    kind: "range" | "txn",
    request: string,
    response: string,
    error: EtcdError | undefined,
  ): void {
    this.#warn(this.#clock.nowMs() - start, `read-only ${kind} `, request, {
      response,
      ...(error === undefined ? {} : { error: error.message }),
    });
  }

  #warn(tookMs: number, prefix: string, request: string, outcome: LogFields): void {
    this.#log.warn("apply request took too long", {
      took: goDurationOfMs(tookMs),
      "expected-duration": goDurationOfMs(this.#warningMs),
      prefix,
      request,
      ...outcome,
    });
  }
}
