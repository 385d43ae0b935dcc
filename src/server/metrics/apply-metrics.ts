/**
 * How long entries take to be applied, by what they ask for and whether that succeeded.
 *
 * Source: etcd server/etcdserver/apply.go, apply_v2.go, metrics.go (3.5).
 */
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { Family } from "../../stdx/metrics/family.ts";
import { exponentialBounds, type Histogram } from "../../stdx/metrics/histogram.ts";
import type { MetricsRegistry } from "../../stdx/metrics/registry.ts";
import type { InternalRaftRequestOperation } from "../../wire/gen/raft-internal.ts";

type OperationName = InternalRaftRequestOperation["case"];

/** The histograms of one operation, each made when it is needed first. */
interface Outcomes {
  succeeded: Histogram | undefined;
  failed: Histogram | undefined;
}

export class ApplyMetrics {
  readonly #seconds: Family<Histogram>;
  readonly #operations = new Map<OperationName, Outcomes>();

  constructor(registry: MetricsRegistry) {
    this.#seconds = registry.histograms(
      "etcd_server_apply_duration_seconds",
      "The latency distributions of v2 apply called by backend.",
      ["version", "op", "success"],
      exponentialBounds(0.0001, 2, 20),
    );
  }

  /** An operation was applied. That there was nothing left to compact counts as success, as in etcd. */
  applied(operation: OperationName, result: unknown, tookMs: number): void {
    let outcomes = this.#operations.get(operation);
    if (outcomes === undefined) {
      outcomes = { succeeded: undefined, failed: undefined };
      this.#operations.set(operation, outcomes);
    }
    if (result instanceof EtcdError && result !== Errors.Compacted) {
      outcomes.failed ??= this.#seconds.child("v3", labelOf(operation), "false");
      outcomes.failed.observe(tookMs / 1000);
    } else {
      outcomes.succeeded ??= this.#seconds.child("v3", labelOf(operation), "true");
      outcomes.succeeded.observe(tookMs / 1000);
    }
  }

  /** A request of the v2 API was applied. */
  appliedV2(method: string, tookMs: number): void {
    this.#seconds.child("v2", method, "true").observe(tookMs / 1000);
  }
}

/** As etcd names it. */
function labelOf(operation: OperationName): string {
  if (operation === "authStatus") return "unknown";
  return operation.charAt(0).toUpperCase() + operation.slice(1);
}
