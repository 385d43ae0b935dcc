/**
 * What a lease promises to who holds it:
 *
 * 1. It does not end before its time: what was renewed by a request of time t is there until t + TTL, on
 *    the client's clock, whatever happens to leaders. Less what clocks may differ in.
 * 2. It ends: when nobody renews it and the cluster is well, its keys are gone soon after its time.
 *
 * That all of its keys vanish at one revision is part of `checkKvHistory`.
 */
import type { History, Operation } from "../history.ts";
import { isAnswered } from "./kv-facts.ts";
import type { Revision } from "./kv-history.ts";
import { describeOperation, type Violation } from "./violation.ts";

export interface LeaseLimits {
  /** Largest relative difference of the rates of two clocks. */
  readonly clockDrift?: number;
  /** From when on nothing is wrong with the cluster; none: it is not judged whether leases end. */
  readonly healthyFromMs?: number;
  /** How long after its time a lease may still be there in a healthy cluster, and how long a call is under way. */
  readonly slackMs?: number;
}

const SLACK_MS = 15_000;

interface Lease {
  readonly id: string;
  ttlMs: number;
  /** The last request that certainly renewed it. */
  renewed: Operation | undefined;
  /** When something may have renewed it last. */
  maybeRenewedMs: number;
  /** When somebody first asked for its end, Infinity for never. */
  revokedMs: number;
  /** When it was first seen to be gone, and how. */
  gone: { readonly timeMs: number; readonly how: string } | undefined;
}

export function leaseViolation(
  history: History,
  revisions: readonly Revision[],
  seenBy: (revision: number) => number,
  limits: LeaseLimits = {},
): Violation | undefined {
  const leases = leasesOf(history);
  for (const { revision, cause } of revisions) {
    if (!("endOfLeases" in cause)) continue;
    for (const id of cause.endOfLeases) {
      const lease = leases.get(id);
      const how = `its keys are gone at revision ${revision}, which was seen at ${seenBy(revision)}`;
      if (lease !== undefined) goneBy(lease, seenBy(revision), how);
    }
  }
  for (const lease of leases.values()) {
    const violation = earlyEnd(lease, limits.clockDrift ?? 0);
    if (violation !== undefined) return violation;
  }
  return lateEnd(history, leases, limits);
}

/** From when on each lease that was certainly renewed may end: `mayEnd` of a search for an order. */
export function leaseDues(history: History, { clockDrift = 0 }: LeaseLimits): Map<string, number> {
  const dues = new Map<string, number>();
  for (const [id, { renewed, ttlMs }] of leasesOf(history)) {
    if (renewed !== undefined) dues.set(id, dueOf(renewed, ttlMs, clockDrift));
  }
  return dues;
}

function dueOf(renewed: Operation, ttlMs: number, clockDrift: number): number {
  return renewed.call + ttlMs * (1 - 2 * clockDrift);
}

function leasesOf({ operations }: History): Map<string, Lease> {
  const leases = new Map<string, Lease>();
  const byCall = [...operations].sort((a, b) => a.call - b.call);
  for (const operation of byCall) {
    const { request } = operation;
    if (request.kind === "grant") {
      leases.set(request.lease, {
        ...{ id: request.lease, ttlMs: request.ttlSeconds * 1000, renewed: undefined },
        ...{ maybeRenewedMs: operation.return, revokedMs: Infinity, gone: undefined },
      });
    }
    const lease = "lease" in request ? leases.get(request.lease ?? "") : undefined;
    if (lease !== undefined) learn(lease, operation);
  }
  return leases;
}

function learn(lease: Lease, operation: Operation): void {
  const { request, outcome } = operation;
  if (request.kind === "revoke") lease.revokedMs = Math.min(lease.revokedMs, operation.call);
  if (request.kind !== "grant" && request.kind !== "alive") return;
  if (outcome.kind !== "failed") {
    lease.maybeRenewedMs = Math.max(lease.maybeRenewedMs, operation.return);
  }
  if (!isAnswered(operation) || !("ttlSeconds" in operation.outcome.result)) return;
  const { ttlSeconds } = operation.outcome.result;
  if (ttlSeconds > 0) {
    lease.ttlMs = ttlSeconds * 1000;
    lease.renewed = operation;
  } else {
    goneBy(lease, operation.return, describeOperation(operation));
  }
}

function goneBy(lease: Lease, timeMs: number, how: string): void {
  if (lease.gone === undefined || timeMs < lease.gone.timeMs) lease.gone = { timeMs, how };
}

function earlyEnd(lease: Lease, clockDrift: number): Violation | undefined {
  const { renewed, gone, ttlMs, revokedMs } = lease;
  if (renewed === undefined || gone === undefined || gone.timeMs >= revokedMs) return undefined;
  const dueMs = dueOf(renewed, ttlMs, clockDrift);
  if (gone.timeMs >= dueMs) return undefined;
  return {
    rule: "lease: not before its time",
    summary: `lease ${lease.id} was gone at ${gone.timeMs}, and was due at ${dueMs}`,
    lines: [describeOperation(renewed), gone.how],
  };
}

function lateEnd(
  { operations }: History,
  leases: ReadonlyMap<string, Lease>,
  { healthyFromMs, slackMs = SLACK_MS }: LeaseLimits,
): Violation | undefined {
  if (healthyFromMs === undefined) return undefined;
  for (const operation of operations.filter(isAnswered)) {
    const { result } = operation.outcome;
    if (!("kvs" in result) || operation.request.kind !== "range") continue;
    if (operation.request.serializable === true || (operation.request.revision ?? 0) > 0) continue;
    for (const { lease: id } of result.kvs) {
      const lease = leases.get(id ?? "");
      if (lease === undefined) continue;
      const endMs = Math.max(lease.maybeRenewedMs, healthyFromMs) + lease.ttlMs + slackMs;
      if (operation.call <= endMs) continue;
      return {
        rule: "lease: ends",
        summary: `lease ${lease.id} should have ended before ${endMs}`,
        lines: [describeOperation(operation)],
      };
    }
  }
  return undefined;
}
