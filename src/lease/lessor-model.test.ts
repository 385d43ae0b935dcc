/**
 * The lessor against a model that keeps one expiry per lease in a plain map: grants, renewals, attachments,
 * time, changes of leader, revocations that succeed and that fail, and checkpoints.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Errors } from "../errors/table.ts";
import type { Lease } from "./lease.ts";
import { Lessor, NO_LEASE } from "./lessor.ts";

const TTL_MIN = 2;
const CHECKPOINT_SECONDS = 30;
const EXTEND_MS = 15_000;

interface ModelLease {
  readonly ttl: number;
  remaining: number;
  expiryMs: number;
  readonly keys: Set<string>;
  /** When the next checkpoint is due at the earliest. */
  checkpointMs: number;
  /** Taken, and neither gone nor brought back. */
  isTaken: boolean;
  retryMs: number;
}

const ID = fc.integer({ min: 1, max: 6 }).map(BigInt);
const KEY = fc.constantFrom("a", "b", "c", "d");

const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("grant" as const), id: ID, ttl: fc.nat(100) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("renew" as const), id: ID }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("attach" as const), id: ID, key: KEY }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("detach" as const), key: KEY }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(40_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), id: ID }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("take" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("settle" as const), fails: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("promote" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("demote" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("checkpoint" as const) }) },
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

const RETRY_MS = 7000;

class Run {
  readonly lessor = new Lessor({ ttlSecondsMin: TTL_MIN, checkpointSeconds: CHECKPOINT_SECONDS });
  readonly #leases = new Map<bigint, ModelLease>();
  readonly #taken: { readonly record: Lease; readonly lease: ModelLease }[] = [];
  #nowMs = 0;
  #isPrimary = false;

  step(action: Action): void {
    switch (action.do) {
      case "grant":
        this.#grant(action.id, action.ttl);
        break;
      case "renew":
        this.#renew(action.id);
        break;
      case "attach":
        this.#attach(action.id, action.key);
        break;
      case "detach":
        this.#detach(action.key);
        break;
      case "wait":
        this.#nowMs += action.ms;
        break;
      case "remove":
        this.#leases.delete(action.id);
        this.lessor.remove(action.id);
        break;
      case "take":
        this.#take();
        break;
      case "settle":
        this.#settle(action.fails);
        break;
      case "promote":
        this.#promote();
        break;
      case "demote":
        this.lessor.demote();
        this.#isPrimary = false;
        for (const lease of this.#leases.values()) lease.expiryMs = Number.POSITIVE_INFINITY;
        break;
      case "checkpoint":
        this.#checkpoint();
    }
    this.#compare();
  }

  #grant(id: bigint, ttl: number): void {
    const result = this.lessor.grant(id, ttl, this.#nowMs);
    if (this.#leases.has(id)) {
      expect(result).toBe(Errors.LeaseExist);
      return;
    }
    const granted = Math.max(ttl, TTL_MIN);
    expect(result).toMatchObject({ id, ttlSeconds: granted });
    const lease: ModelLease = {
      ttl: granted,
      remaining: 0,
      expiryMs: Number.POSITIVE_INFINITY,
      keys: new Set(),
      checkpointMs: 0,
      isTaken: false,
      retryMs: 0,
    };
    this.#leases.set(id, lease);
    if (this.#isPrimary) this.#start(lease, 0);
  }

  #start(lease: ModelLease, extendMs: number): void {
    lease.expiryMs = this.#nowMs + extendMs + (lease.remaining || lease.ttl) * 1000;
    lease.checkpointMs = this.#nowMs + CHECKPOINT_SECONDS * 1000;
    lease.isTaken = false;
    lease.retryMs = 0;
  }

  #renew(id: bigint): void {
    const result = this.lessor.renew(id, this.#nowMs);
    const lease = this.#leases.get(id);
    if (!this.#isPrimary) expect(result).toBe(Errors.NotPrimaryLessor);
    else if (lease === undefined) expect(result).toBe(Errors.LeaseNotFound);
    else if (lease.expiryMs <= this.#nowMs) expect(result).toBe("expired");
    else if (lease.remaining > 0) expect(result).toBe("checkpointed");
    else {
      expect(result).toBe(lease.ttl);
      lease.expiryMs = this.#nowMs + lease.ttl * 1000;
    }
    if (result !== "checkpointed" || lease === undefined) return;
    const record = this.lessor.lease(id);
    if (record !== undefined) this.lessor.checkpoint(record, 0, this.#nowMs);
    lease.remaining = 0;
    this.#renew(id);
  }

  #attach(id: bigint, key: string): void {
    this.#detach(key);
    this.#leases.get(id)?.keys.add(key);
    this.lessor.attach(id, key);
  }

  #detach(key: string): void {
    const id = this.#leaseOf(key);
    if (id === NO_LEASE) return;
    this.#leases.get(id)?.keys.delete(key);
    this.lessor.detach(id, key);
  }

  /** Takes all that has expired, to be revoked. */
  #take(): void {
    const due = [...this.#leases].filter(([, { isTaken, expiryMs, retryMs }]) => {
      return !isTaken && expiryMs <= this.#nowMs && retryMs <= this.#nowMs;
    });
    const taken: bigint[] = [];
    for (;;) {
      const record = this.lessor.expired(this.#nowMs);
      if (record === undefined) break;
      this.lessor.takeExpired(record);
      taken.push(record.id);
      const lease = this.#leases.get(record.id);
      if (lease === undefined) throw new Error("Cannot expire no lease");
      lease.isTaken = true;
      this.#taken.push({ record, lease });
    }
    expect(taken.sort()).toEqual(due.map(([id]) => id).sort());
  }

  /** What was taken is revoked, or cannot be; meanwhile anything may have happened. */
  #settle(fails: boolean): void {
    for (const { record, lease } of this.#taken.splice(0)) {
      const isHeld = this.#leases.get(record.id) === lease;
      expect(this.lessor.isHeld(record)).toBe(isHeld);
      if (fails) {
        this.lessor.revokeAgain(record, this.#nowMs + RETRY_MS);
        if (!isHeld || !lease.isTaken || !this.#isPrimary) continue;
        lease.isTaken = false;
        lease.retryMs = this.#nowMs + RETRY_MS;
      } else if (isHeld) {
        this.lessor.remove(record.id);
        this.#leases.delete(record.id);
      }
    }
  }

  #promote(): void {
    this.lessor.promote(this.#nowMs, EXTEND_MS);
    this.#isPrimary = true;
    for (const lease of this.#leases.values()) this.#start(lease, EXTEND_MS);
  }

  /** What is written is true, not too early, and never more than the lease has. */
  #checkpoint(): void {
    for (const { id, remainingTtlSeconds } of this.lessor.takeCheckpoints(this.#nowMs, 3)) {
      const lease = this.#leases.get(id);
      const record = this.lessor.lease(id);
      if (lease === undefined || record === undefined) throw new Error("Cannot write no lease");
      expect(this.#isPrimary).toBe(true);
      expect(lease.checkpointMs).toBeLessThanOrEqual(this.#nowMs);
      expect(remainingTtlSeconds).toBe(Math.ceil((lease.expiryMs - this.#nowMs) / 1000));
      expect(remainingTtlSeconds).toBeGreaterThan(0);
      expect(remainingTtlSeconds).toBeLessThan(lease.ttl);
      this.lessor.checkpoint(record, remainingTtlSeconds, this.#nowMs);
      lease.remaining = remainingTtlSeconds;
      lease.checkpointMs = this.#nowMs + CHECKPOINT_SECONDS * 1000;
    }
  }

  #leaseOf(key: string): bigint {
    return [...this.#leases].find(([, { keys }]) => keys.has(key))?.[0] ?? NO_LEASE;
  }

  #compare(): void {
    const { lessor } = this;
    expect(lessor.isPrimary).toBe(this.#isPrimary);
    expect(lessor.size).toBe(this.#leases.size);
    for (const [id, { ttl, remaining, expiryMs, keys }] of this.#leases) {
      const expected = { id, ttlSeconds: ttl, remainingTtlSeconds: remaining, expiryMs };
      const lease = lessor.lease(id);
      expect(lease).toMatchObject(expected);
      expect([...(lease?.keys ?? [])].sort()).toEqual([...keys].sort());
    }
    for (const key of ["a", "b", "c", "d"]) expect(lessor.leaseOf(key)).toBe(this.#leaseOf(key));
    expect([...lessor.leases()].map(({ id }) => id)).toEqual([...this.#leases.keys()]);
  }
}

test("Lessor does what the model does", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 150 }), (actions) => {
      const run = new Run();
      for (const each of actions) run.step(each);
    }),
    { numRuns: 400 },
  );
});

test("Lessor.promote moves expiries apart where too many fall into one second, and none forward", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3000 }),
      fc.integer({ min: 2, max: 5 }),
      (count, ttlSpan) => {
        const lessor = new Lessor({ ttlSecondsMin: TTL_MIN, checkpointSeconds: 0 });
        for (let id = 1; id <= count; id++) lessor.grant(BigInt(id), 2 + (id % ttlSpan), 0);
        lessor.promote(0, EXTEND_MS);
        const perSecond = new Map<number, number>();
        for (const { expiryMs, ttlSeconds } of lessor.leases()) {
          expect(expiryMs).toBeGreaterThanOrEqual(ttlSeconds * 1000 + EXTEND_MS);
          if (count < 1000) expect(expiryMs).toBe(ttlSeconds * 1000 + EXTEND_MS);
          const second = Math.floor(expiryMs / 1000);
          perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
        }
        if (count >= 1000) expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(1500);
      },
    ),
    { numRuns: 40 },
  );
});
