import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryClients } from "../../test/harness/memory-client.ts";
import { Canceller } from "../client/cancel-signal.ts";
import type { Clock } from "../ports/clock.ts";
import { LeaseService } from "../wire/gen/services.ts";
import { Deadlines } from "./call-bounds.ts";
import {
  grantLease,
  type LeaseOptions,
  type LeaseParts,
  takeLease,
  throwIfLost,
} from "./lease-handle.ts";

const { leaseGrant, leaseKeepAlive, leaseTimeToLive, leaseRevoke } = LeaseService;

let clients: MemoryClients;
let parts: LeaseParts;
let closing: Canceller;
/** How much longer the machine slept than its monotonic clock knows of. */
let sleptMs: number;
let isAnswering: boolean;

beforeEach(async () => {
  clients = new MemoryClients();
  [sleptMs, isAnswering] = [0, true];
  clients.serve(
    "one:1",
    {
      [leaseGrant.path]: (call) => {
        const { response } = leaseGrant;
        call.sendUnary(response.encode(response.create({ id: 7n, ttl: 10 })));
      },
      [leaseTimeToLive.path]: (call) => {
        const { response } = leaseTimeToLive;
        call.sendUnary(response.encode(response.create({ id: 7n, ttl: 6, grantedTtl: 10 })));
      },
      [leaseRevoke.path]: () => undefined,
    },
    {
      [leaseKeepAlive.path]: {
        kind: "stream",
        onMessage: (call) => {
          const { response } = leaseKeepAlive;
          if (isAnswering) call.sendMessage(response.encode(response.create({ id: 7n, ttl: 10 })));
        },
        onHalfClose: () => undefined,
        onCancel: () => undefined,
      },
    },
  );
  const { lease } = await clients.open();
  const { clock: manual } = clients;
  const clock: Clock = {
    nowMs: () => manual.nowMs(),
    wallMs: () => manual.wallMs() + sleptMs,
    after: (delayMs, run) => manual.after(delayMs, run),
    defer: (run) => manual.defer(run),
  };
  closing = new Canceller();
  parts = { lease, clock, deadlines: new Deadlines(clock, 30_000), closing };
});

afterEach(() => clients.close());

/** Milliseconds from the grant of a lease that nobody renews until it counts as lost. */
async function lifeOf(options: LeaseOptions): Promise<number> {
  isAnswering = false;
  const startMs = clients.clock.nowMs();
  const lease = await clients.untilSettled(grantLease(parts, options), 0);
  while (!lease.isLost) {
    expect(lease.signal.aborted).toBe(false);
    await clients.turns(1, 50);
  }
  const lifeMs = clients.clock.nowMs() - startMs;
  await clients.turns(1);
  expect(lease.signal.aborted).toBe(true);
  return lifeMs;
}

test.each([
  [undefined, 9000],
  [3000, 7000],
  [0, 10_000],
])("a lease with a margin of %s ms counts as lost after %i ms", async (marginMs, lifeMs) => {
  const lived = await lifeOf({ marginMs });
  expect(lived).toBeGreaterThanOrEqual(lifeMs);
  expect(lived).toBeLessThanOrEqual(lifeMs + 50);
});

test("a lease is lost at once when the machine slept longer than it lives, until it is renewed", async () => {
  const lease = await clients.untilSettled(grantLease(parts), 0);
  await clients.turns(50, 10);
  expect(lease.isLost).toBe(false);
  sleptMs = 20_000;
  expect([lease.isLost, lease.signal.aborted]).toEqual([true, false]);
  expect(() => throwIfLost(lease)).toThrow("the time of the lease ran out");
  await clients.turns(500, 10);
  expect(lease.isLost).toBe(false);
  sleptMs = 0;
  expect(lease.isLost).toBe(false);
  throwIfLost(lease);
});

test("a lease that is taken over lives as long as is left of it, and then as it was granted", async () => {
  const left = await clients.untilSettled(takeLease(parts, 7n, { keepAlive: false }), 0);
  expect(left.ttlSeconds).toBe(10);
  await clients.turns(100, 49);
  expect(left.isLost).toBe(false);
  await clients.turns(10, 49);
  expect(left.isLost).toBe(true);
  const kept = await clients.untilSettled(takeLease(parts, 7n), 0);
  await clients.turns(400, 50);
  expect(kept.isLost).toBe(false);
  closing.abort();
  expect(() => throwIfLost(kept)).toThrow("the client that kept the lease alive was closed");
  expect(kept.signal.reason).toMatchObject({ name: "LeaseLostError", leaseId: 7n });
});

test("who comes later with a larger margin has it before the next renewal, too", async () => {
  const first = await clients.untilSettled(grantLease(parts, { marginMs: 0 }), 0);
  isAnswering = false;
  const second = await clients.untilSettled(takeLease(parts, 7n, { marginMs: 3000 }), 0);
  await clients.turns(58, 50);
  expect([first.signal.aborted, second.signal.aborted]).toEqual([false, false]);
  await clients.turns(4, 50);
  expect(second.isLost).toBe(true);
  expect([first.signal.aborted, second.signal.aborted]).toEqual([true, true]);
});

test("the end of its block waits for a server that is silent no longer than the lease lives", async () => {
  const lease = await clients.untilSettled(grantLease(parts), 0);
  const startMs = clients.clock.nowMs();
  await clients.untilSettled(lease[Symbol.asyncDispose](), 50);
  const waitedMs = clients.clock.nowMs() - startMs;
  expect(waitedMs).toBeGreaterThan(9000);
  expect(waitedMs).toBeLessThan(11_000);
});
