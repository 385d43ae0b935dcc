import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryClients } from "../../test/harness/memory-client.ts";
import { Canceller } from "../client/cancel-signal.ts";
import { DEADLINE_TIMER_MS_MAX } from "../client/limits.ts";
import { Errors } from "../errors/table.ts";
import type { Clock } from "../ports/clock.ts";
import { LeaseService } from "../wire/gen/services.ts";
import { Deadlines } from "./call-bounds.ts";
import { grantLease, type LeaseHandle } from "./lease-handle.ts";
import { takeTurn, type Turn, type TurnOptions } from "./turn.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

let clients: MemoryClients;
let lease: LeaseHandle;
/** Timers of turns that have neither run nor been cancelled. */
const timers = new Set<object>();
/** Whether the turn comes at once, or never. */
let comes: boolean;

beforeEach(async () => {
  clients = new MemoryClients();
  comes = false;
  timers.clear();
  const { leaseGrant } = LeaseService;
  clients.serve("one:1", {
    [leaseGrant.path]: (call) => {
      const { response } = leaseGrant;
      call.sendUnary(response.encode(response.create({ id: 7n, ttl: 1_000_000 })));
    },
  });
  const { clock } = clients;
  const deadlines = new Deadlines(clock, 30_000);
  const client = await clients.open();
  const parts = { lease: client.lease, clock, deadlines, closing: new Canceller() };
  lease = await clients.untilSettled(grantLease(parts, { keepAlive: false }), 0);
});

afterEach(() => clients.close());

/** A clock like those of machines: a longer wait is over at once. */
function machineClock(): Clock {
  const { clock } = clients;
  return {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    defer: (run) => clock.defer(run),
    after(delayMs, run) {
      const timer = clock.after(delayMs > DEADLINE_TIMER_MS_MAX ? 1 : delayMs, () => {
        timers.delete(timer);
        run();
      });
      timers.add(timer);
      const cancel = (): void => {
        timers.delete(timer);
        timer.cancel();
      };
      return { cancel };
    },
  };
}

function take(options: TurnOptions): Promise<Turn<string>> {
  const needs = { clock: machineClock(), grant: () => Promise.resolve(lease) };
  const kind = {
    wait: () => (comes ? Promise.resolve("held") : new Promise<string>(() => undefined)),
    giveUp: () => Promise.resolve(),
  };
  return takeTurn(needs, { lease, ...options }, kind);
}

test("a turn that does not come ends with its time", async () => {
  const startMs = clients.clock.nowMs();
  await expect(clients.untilSettled(take({ timeoutMs: 1000 }), 10)).rejects.toBe(
    Errors.DeadlineExceeded,
  );
  expect(clients.clock.nowMs() - startMs).toBeGreaterThanOrEqual(1000);
});

test("a turn may be waited for longer than timers count", async () => {
  const giver = new AbortController();
  let ended: unknown;
  take({ timeoutMs: 30 * DAY_MS, signal: giver.signal }).catch((error: unknown) => {
    ended = error;
  });
  await clients.turns(20, 60_000);
  expect(ended).toBeUndefined();
  giver.abort();
  await clients.turns(5, 0);
  expect(ended).toMatchObject({ message: "context canceled" });
});

test("a turn that has come leaves no timer behind", async () => {
  comes = true;
  const { held } = await clients.untilSettled(take({ timeoutMs: 60_000 }), 0);
  expect(held).toBe("held");
  expect(timers.size).toBe(0);
});
