/**
 * Warns of requests that took long: applying an entry, a proposal from its arrival to its answer, a read. Costs a
 * few looks at the clock for each.
 *
 * Source: etcd server/etcdserver/util.go (warnOfExpensiveRequest and its like), v3_server.go and apply.go (traces),
 * api/v3rpc/interceptor.go (request stats); pkg/traceutil/trace.go (3.5).
 */
import type { FinishedRead, ReadTimer } from "../../api/context.ts";
import type { ApplyTimer } from "../../apply/apply-timer.ts";
import type { ProposalOrigin } from "../../apply/proposal-origin.ts";
import { operationText } from "../../apply/request-text.ts";
import { type ApplyResult, encodeResult } from "../../apply/result.ts";
import type { AuthInfo } from "../../auth/auth-info.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import type { InternalRaftRequestOperation } from "../../wire/gen/raft-internal.ts";
import { EMPTY_BYTES } from "../../stdx/bytes.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import { encodeOperation } from "./operation-bytes.ts";
import { proposalDetails, readDetails, traceFields } from "./request-traces.ts";
import { requestStats } from "./request-stats.ts";

/** Requests that took longer have a trace. */
const TRACE_MS = 100;

const TRACE_NUMBERS = 2 ** 31;

export interface SlowRequestsParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Counts what is applied, and what ranges take. */
  readonly metrics: ServerMetrics;
  /** Applying an entry, or a read, that takes longer is warned of. */
  readonly warningMs: number;
  /** The same for unary calls as a whole. */
  readonly warningUnaryMs: number;
}

export class SlowRequests implements ApplyTimer, ReadTimer {
  readonly #parts: SlowRequestsParts;
  /** What takes less has no line of any kind. */
  readonly #readMs: number;
  readonly #proposalMs: number;
  /** Of the entry that was applied last. */
  #applyStartMs = 0;
  #appliedMs = 0;

  constructor(parts: SlowRequestsParts) {
    this.#parts = parts;
    this.#proposalMs = Math.min(TRACE_MS, parts.warningUnaryMs);
    this.#readMs = Math.min(this.#proposalMs, parts.warningMs);
  }

  start(): number {
    return this.#parts.clock.nowMs();
  }

  applied(
    start: number,
    id: bigint,
    operation: InternalRaftRequestOperation,
    result: ApplyResult | EtcdError,
    caller?: AuthInfo,
  ): void {
    const { clock, log, warningMs, metrics } = this.#parts;
    this.#applyStartMs = start;
    this.#appliedMs = clock.nowMs();
    const tookMs = this.#appliedMs - start;
    const isRefused = result instanceof EtcdError;
    metrics.apply.applied(operation.case, result, tookMs);
    if (tookMs <= warningMs && !isRefused) return;
    const request = operationText(id, operation, caller);
    if (tookMs > warningMs) {
      this.#warn(tookMs, "", request, {
        ...(isRefused
          ? { response: "", error: result.message }
          : { response: `size:${encodeResult(result).length}` }),
      });
    }
    if (!isRefused) return;
    const took = goDurationOfMs(tookMs);
    log.warn("failed to apply request", { took, request, response: "", error: result.message });
  }

  proposalAnswered(
    origin: ProposalOrigin,
    operation: InternalRaftRequestOperation,
    result: ApplyResult | EtcdError,
  ): void {
    const tookMs = this.#appliedMs - origin.startMs;
    if (tookMs <= this.#proposalMs) return;
    const { path, remote } = origin;
    if (tookMs > TRACE_MS) this.#traceProposal(origin, operation, result, tookMs);
    const response = result instanceof EtcdError ? EMPTY_BYTES : encodeResult(result);
    this.#stats(tookMs, { path, peer: { address: remote } }, encodeOperation(operation), response);
  }

  appliedV2(start: number, method: string): void {
    const { clock, metrics } = this.#parts;
    metrics.apply.appliedV2(method, clock.nowMs() - start);
    // What stands in the v2 store of etcd is part of the membership here.
    if (method === "PUT") metrics.storeV2.writes.child("set").inc();
  }

  isSlow(start: number): boolean {
    return this.#parts.clock.nowMs() - start > this.#readMs;
  }

  ranged(start: number, succeeded: boolean): boolean {
    const { clock, metrics } = this.#parts;
    const tookMs = clock.nowMs() - start;
    const { succeededSeconds, failedSeconds } = metrics.ranges;
    (succeeded ? succeededSeconds : failedSeconds).observe(tookMs / 1000);
    return tookMs > this.#readMs;
  }

  answered(
    start: number,
    { call, kind, text, responseText, request, response, error }: FinishedRead,
  ): void {
    const { clock, warningMs } = this.#parts;
    const tookMs = clock.nowMs() - start;
    if (tookMs > warningMs) {
      this.#warn(tookMs, `read-only ${kind} `, text, {
        response: responseText,
        ...(error === undefined ? {} : { error: error.message }),
      });
    }
    if (tookMs > TRACE_MS) {
      const { operation, detail } = readDetails(call.path, request, response);
      this.#trace(operation, detail, tookMs, []);
    }
    this.#stats(tookMs, call, request, response);
  }

  #traceProposal(
    { startMs }: ProposalOrigin,
    operation: InternalRaftRequestOperation,
    result: ApplyResult | EtcdError,
    tookMs: number,
  ): void {
    const details = proposalDetails(operation, result);
    if (details === undefined) return;
    this.#trace(details.operation, details.detail, tookMs, [
      { name: "process raft request", tookMs: this.#applyStartMs - startMs },
      { name: "apply request", tookMs: this.#appliedMs - this.#applyStartMs },
    ]);
  }

  #trace(
    operation: string,
    detail: string,
    tookMs: number,
    steps: readonly { readonly name: string; readonly tookMs: number }[],
  ): void {
    const { clock, log, random } = this.#parts;
    const number = random.below(TRACE_NUMBERS);
    const endWallMs = clock.wallMs();
    const thresholdMs = TRACE_MS / (steps.length + 1);
    const told = steps.filter((step) => step.tookMs > thresholdMs);
    log.info(
      `trace[${number}] ${operation}`,
      traceFields({ number, detail, tookMs, endWallMs, steps: told }),
    );
  }

  #stats(
    tookMs: number,
    call: { readonly path: string; readonly peer: { readonly address: string } },
    request: Uint8Array,
    response: Uint8Array,
  ): void {
    const { clock, log, warningUnaryMs } = this.#parts;
    // At level debug every call has such a line anyway.
    if (tookMs <= warningUnaryMs || log.enabled("debug")) return;
    const { path, peer } = call;
    const startWallMs = clock.wallMs() - tookMs;
    const remote = peer.address;
    log.warn(
      "request stats",
      requestStats({ path, remote, startWallMs, tookMs, request, response }),
    );
  }

  #warn(tookMs: number, prefix: string, request: string, outcome: LogFields): void {
    this.#parts.metrics.slowApplies.inc();
    this.#parts.log.warn("apply request took too long", {
      took: goDurationOfMs(tookMs),
      "expected-duration": goDurationOfMs(this.#parts.warningMs),
      prefix,
      request,
      ...outcome,
    });
  }
}
