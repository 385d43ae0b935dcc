import { beforeEach, describe, expect, test } from "vitest";
import { MemoryLog } from "../../sim/memory-log.ts";
import { DONE } from "../apply/result.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { Lessor } from "../lease/lessor.ts";
import { Counter } from "../stdx/metrics/counter.ts";
import {
  decodeInternalRaftRequest,
  InternalRaftRequestOperationField as Operation,
} from "../wire/gen/raft-internal.ts";
import { decodeLeaseCheckpointRequest, decodeLeaseRevokeRequest } from "../wire/gen/rpc.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import {
  LEASE_CHECKPOINTS_PER_ENTRY_MAX,
  LEASE_REVOKES_IN_FLIGHT_MAX,
  REVOKE_BATCH_BYTES_MAX,
  REVOKE_BATCH_KEYS_FIRST,
  REVOKE_BATCH_KEYS_MAX,
  REVOKE_BATCH_LEASES_PER_KEY,
} from "./limits.ts";
import type { ProposalWaiter, RenewalWaiter } from "./ready.ts";

const RETRY_MS = 7000;
const TTL_MS = 10_000;

/** A proposal of the keeper that is not applied yet. */
interface Proposal {
  /** The leases it revokes. */
  readonly revokes: readonly bigint[];
  /** Keys that its transaction deletes; undefined for a plain revocation. */
  readonly keys: number | undefined;
  /** Id and seconds. */
  readonly checkpoints: readonly (readonly [bigint, number])[];
  readonly waiter: ProposalWaiter;
}

class Renewals implements RenewalWaiter {
  readonly told: (number | EtcdError)[] = [];

  onRenewed(ttlSeconds: number): void {
    this.told.push(ttlSeconds);
  }

  onFailed(error: EtcdError): void {
    this.told.push(error);
  }
}

describe("LeaseKeeper", () => {
  let lessor: Lessor;
  let keeper: LeaseKeeper;
  let log: MemoryLog;
  let expired: Counter;
  let proposals: Proposal[];
  let mayBatch: boolean;
  let isRefusing: boolean;

  beforeEach(() => {
    expired = new Counter();
    lessor = new Lessor({ ttlSecondsMin: 2, checkpointSeconds: 300 });
    lessor.promote(0, 0);
    log = new MemoryLog();
    proposals = [];
    mayBatch = true;
    isRefusing = false;
    keeper = new LeaseKeeper(lessor, {
      retryMs: RETRY_MS,
      caller: () => undefined,
      mayBatch: () => mayBatch,
      expired,
      log,
      propose: (field, body, waiter) => {
        if (isRefusing) {
          waiter.onApplied(Errors.TooManyRequests);
          return;
        }
        const isRevoke = field === Operation.leaseRevoke;
        const revokes = isRevoke ? [decodeLeaseRevokeRequest(body).id] : [];
        const checkpoints = isRevoke
          ? []
          : decodeLeaseCheckpointRequest(body).checkpoints.map(
              ({ id, remainingTtl }) => [id, remainingTtl] as const,
            );
        proposals.push({ revokes, keys: undefined, checkpoints, waiter });
      },
      proposeRaw: (makeData, waiter) => {
        if (isRefusing) {
          waiter.onApplied(Errors.TooManyRequests);
          return;
        }
        const { leaseRevokeBatch, operation } = decodeInternalRaftRequest(makeData(1n));
        const revokes = leaseRevokeBatch?.ids ?? [];
        const keys = operation?.case === "txn" ? operation.value.success.length : -1;
        proposals.push({ revokes, keys, checkpoints: [], waiter });
      },
    });
  });

  const grant = (from: number, to: number, ttlSeconds = TTL_MS / 1000): void => {
    for (let id = from; id <= to; id++) lessor.grant(BigInt(id), ttlSeconds, 0);
  };

  /** Applies the oldest proposal, or refuses it. */
  const settle = (error?: EtcdError): Proposal => {
    const proposal = proposals.shift();
    if (proposal === undefined) throw new Error("Nothing is proposed");
    if (error === undefined) for (const id of proposal.revokes) lessor.remove(id);
    proposal.waiter.onApplied(error ?? DONE);
    return proposal;
  };

  test("revokes in batches, one at a time, the first ones small, each of bounded size", () => {
    const first = REVOKE_BATCH_KEYS_FIRST * REVOKE_BATCH_LEASES_PER_KEY;
    const most = REVOKE_BATCH_KEYS_MAX * REVOKE_BATCH_LEASES_PER_KEY;
    const growing: number[] = [];
    for (let size = first; size < most; size *= 2) growing.push(size);
    const count = growing.reduce((sum, size) => sum + size, 0) + 2 * most + 1;
    grant(1, count);
    keeper.tick(TTL_MS - 1);
    expect(proposals).toEqual([]);
    keeper.tick(TTL_MS);
    const sizes: number[] = [];
    while (proposals.length > 0) {
      expect(proposals).toHaveLength(1);
      keeper.tick(TTL_MS + 100);
      expect(proposals).toHaveLength(1);
      sizes.push(settle().revokes.length);
    }
    expect(growing.length).toBeGreaterThan(1);
    expect(sizes).toEqual([...growing, most, most, 1]);
    expect(lessor.size).toBe(0);
    lessor.grant(1n, 10, TTL_MS);
    for (let id = 2; id <= first + 1; id++) lessor.grant(BigInt(id), 10, TTL_MS);
    keeper.tick(2 * TTL_MS);
    expect(settle().revokes).toHaveLength(first);
  });

  test("a batch has no more keys and bytes than it may; a lease that has more is alone", () => {
    grant(1, 5);
    const attach = (id: bigint, count: number, prefix = ""): void => {
      for (let at = 0; at < count; at++) lessor.attach(id, `${prefix}${id}-${at}`);
    };
    attach(1n, 1);
    attach(2n, REVOKE_BATCH_KEYS_MAX - 1);
    attach(3n, REVOKE_BATCH_KEYS_MAX + 1);
    attach(4n, 1, "long".repeat(REVOKE_BATCH_BYTES_MAX / 8));
    attach(5n, 1);
    keeper.tick(TTL_MS);
    const made: [bigint[], number | undefined][] = [];
    while (proposals.length > 0) {
      const { revokes, keys } = settle();
      made.push([[...revokes], keys]);
    }
    expect(made.flatMap(([ids]) => ids).sort()).toEqual([1n, 2n, 3n, 4n, 5n]);
    for (const [ids, keys] of made) {
      expect(keys ?? 0).toBeLessThanOrEqual(REVOKE_BATCH_KEYS_MAX);
      if (ids.includes(3n) || ids.includes(4n)) expect([ids.length, keys]).toEqual([1, undefined]);
    }
  });

  test("without batches a few leases are revoked at once, and the next as soon as one is", () => {
    mayBatch = false;
    grant(1, LEASE_REVOKES_IN_FLIGHT_MAX + 5);
    keeper.tick(TTL_MS);
    expect(proposals).toHaveLength(LEASE_REVOKES_IN_FLIGHT_MAX);
    for (const { revokes, keys } of proposals)
      expect([revokes.length, keys]).toEqual([1, undefined]);
    settle();
    expect(proposals).toHaveLength(LEASE_REVOKES_IN_FLIGHT_MAX);
    while (proposals.length > 0) settle();
    expect(lessor.size).toBe(0);
  });

  test.each([true, false])(
    "a revocation that failed is tried again later; batches: %s",
    (batch) => {
      mayBatch = batch;
      grant(1, 3);
      keeper.tick(TTL_MS);
      while (proposals.length > 0) settle(Errors.Timeout);
      expect(log.lines.map(({ message, fields }) => [message, fields["error"]])).toEqual(
        [1, 2, 3].map(() => ["failed to revoke lease", "etcdserver: request timed out"]),
      );
      keeper.tick(TTL_MS + RETRY_MS - 1);
      expect(proposals).toEqual([]);
      keeper.tick(TTL_MS + RETRY_MS);
      while (proposals.length > 0) settle();
      expect(lessor.size).toBe(0);
    },
  );

  test.each([true, false])(
    "where proposals are refused at once, one is tried a tick; batches: %s",
    (batch) => {
      mayBatch = batch;
      isRefusing = true;
      grant(1, 200);
      keeper.tick(TTL_MS);
      const refused = log.lines.length;
      expect(refused).toBeLessThanOrEqual(
        batch ? REVOKE_BATCH_KEYS_FIRST * REVOKE_BATCH_LEASES_PER_KEY : 1,
      );
      keeper.tick(TTL_MS + 100);
      expect(log.lines.length).toBeGreaterThan(refused);
      isRefusing = false;
      keeper.tick(TTL_MS + 200);
      while (proposals.length > 0) settle();
      expect(lessor.size).toBe(0);
    },
  );

  test("a lease that was revoked meanwhile does not hold up the others", () => {
    mayBatch = false;
    const count = LEASE_REVOKES_IN_FLIGHT_MAX + 2;
    grant(1, count);
    keeper.tick(TTL_MS);
    lessor.remove(proposals[0].revokes[0]);
    settle(Errors.LeaseNotFound);
    while (proposals.length > 0) settle();
    expect([lessor.size, log.lines]).toEqual([0, []]);
  });

  test("what a batch leaves is revoked alone, unless it is another lease by then", () => {
    grant(1, 4);
    keeper.tick(TTL_MS);
    const [{ waiter }] = proposals.splice(0);
    lessor.remove(1n);
    lessor.remove(2n);
    lessor.grant(2n, 10, TTL_MS);
    waiter.onApplied(DONE);
    expect([settle().revokes[0], settle().revokes[0]].sort()).toEqual([3n, 4n]);
    expect(proposals).toEqual([]);
    expect(lessor.exists(2n)).toBe(true);
  });

  test("what a batch left is not revoked after a new leader has counted it anew", () => {
    grant(1, 3);
    keeper.tick(TTL_MS);
    const [{ waiter }] = proposals.splice(0);
    lessor.demote();
    lessor.promote(TTL_MS + 1, 0);
    waiter.onApplied(DONE);
    keeper.tick(2 * TTL_MS);
    expect(proposals).toEqual([]);
    keeper.tick(2 * TTL_MS + 1);
    expect([...settle().revokes].sort()).toEqual([1n, 2n, 3n]);
  });

  test("a batch that is too large is given up for single revocations", () => {
    grant(1, 3);
    keeper.tick(TTL_MS);
    settle(Errors.RequestTooLarge);
    while (proposals.length > 0) expect(settle().revokes).toHaveLength(1);
    expect(lessor.size).toBe(0);
    expect(log.lines).toEqual([]);
  });

  test("writes checkpoints of long leases, so many in one entry, one entry at a time", () => {
    const count = LEASE_CHECKPOINTS_PER_ENTRY_MAX + 1;
    grant(1, count, 1000);
    grant(count + 1, count + 2, 300);
    keeper.tick(299_999);
    expect(proposals).toHaveLength(0);
    keeper.tick(300_000);
    keeper.tick(300_100);
    // The two short ones are revoked meanwhile.
    const [revocation, checkpoints] = proposals.splice(0);
    expect(revocation.revokes).toHaveLength(2);
    expect(checkpoints.checkpoints).toHaveLength(LEASE_CHECKPOINTS_PER_ENTRY_MAX);
    expect(checkpoints.checkpoints.every(([, seconds]) => seconds === 700)).toBe(true);
    checkpoints.waiter.onApplied(Errors.Timeout);
    keeper.tick(300_200);
    const [last] = proposals.splice(0);
    expect(last.checkpoints).toHaveLength(1);
    last.waiter.onApplied(DONE);
    // What failed is tried again when it is due the next time.
    keeper.tick(600_200);
    expect(proposals.splice(0)[0].checkpoints).toHaveLength(LEASE_CHECKPOINTS_PER_ENTRY_MAX);
  });

  test("a renewal clears a checkpoint through the log first, or fails with it", () => {
    grant(1, 1, 1000);
    const lease = lessor.lease(1n);
    if (lease === undefined) throw new Error("No lease");
    lessor.checkpoint(lease, 400, 0);
    const renewals = new Renewals();
    keeper.renew(1n, 1000, renewals);
    keeper.renew(1n, 1000, renewals);
    expect(renewals.told).toEqual([]);
    expect(proposals.map(({ checkpoints }) => checkpoints)).toEqual([[[1n, 0]], [[1n, 0]]]);
    settle(Errors.Timeout);
    expect(renewals.told).toEqual([Errors.Timeout]);
    lessor.checkpoint(lease, 0, 1000);
    settle();
    expect(renewals.told).toEqual([Errors.Timeout, 1000]);
  });

  test("renewals of an expired lease are told its end, or that there is another leader", () => {
    grant(1, 2);
    const [first, second] = [new Renewals(), new Renewals()];
    keeper.renew(1n, TTL_MS, first);
    keeper.renew(2n, TTL_MS, second);
    lessor.remove(1n);
    expect([first.told, second.told]).toEqual([[0], []]);
    lessor.demote();
    expect([first.told, second.told]).toEqual([[0], [Errors.NotPrimaryLessor]]);
    keeper.renew(2n, TTL_MS, second);
    expect(second.told).toEqual([Errors.NotPrimaryLessor, Errors.NotPrimaryLessor]);
  });
});
