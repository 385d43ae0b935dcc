import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemoryClients } from "../../test/harness/memory-client.ts";
import type { Answer, MemoryServer } from "../../test/harness/memory-grpc.ts";
import { GrpcCode } from "../errors/codes.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { MethodInfo } from "../wire/codec.ts";
import { LeaseService } from "../wire/gen/services.ts";
import type { Client } from "./client.ts";

const { leaseGrant, leaseRevoke, leaseTimeToLive, leaseLeases, leaseKeepAlive } = LeaseService;

let clients: MemoryClients;
let client: Client;
let server: MemoryServer;
let seen: unknown[];
/** When each keep-alive came, and for which lease. */
let beats: { atMs: number; id: bigint }[];
/** Time to live that keep-alives are answered with; no answer when absent. */
let ttl: number | undefined;
let call: GrpcServerCall | undefined;
let cancelled: number;

function answering<Request extends object, Response extends object>(
  { request, response }: MethodInfo<Request, Response>,
  answer: Partial<Response>,
): Answer {
  return (asked, bytes) => {
    seen.push(request.decode(bytes));
    asked.sendUnary(response.encode(response.create(answer)));
  };
}

beforeEach(async () => {
  clients = new MemoryClients();
  seen = [];
  beats = [];
  ttl = 3;
  cancelled = 0;
  server = clients.serve(
    "one:1",
    {
      [leaseGrant.path]: answering(leaseGrant, { id: 7n, ttl: 10 }),
      [leaseRevoke.path]: answering(leaseRevoke, {}),
      [leaseTimeToLive.path]: answering(leaseTimeToLive, { ttl: -1 }),
      [leaseLeases.path]: answering(leaseLeases, { leases: [{ id: 7n }] }),
    },
    {
      [leaseKeepAlive.path]: {
        kind: "stream",
        onCall: (opened) => {
          call = opened;
        },
        onMessage: (asked, message) => {
          const { request, response } = leaseKeepAlive;
          const { id } = request.decode(message);
          beats.push({ atMs: clients.clock.nowMs(), id });
          if (ttl !== undefined) asked.sendMessage(response.encode(response.create({ id, ttl })));
        },
        onHalfClose: () => undefined,
        onCancel: () => cancelled++,
      },
    },
  );
  client = await clients.open();
});

afterEach(() => clients.close());

/** Lets `totalMs` go by in small steps. */
async function pass(totalMs: number): Promise<void> {
  for (let ms = 0; ms < totalMs; ms += 10) await clients.turns(1, 10);
}

describe("Lease", () => {
  test("sends every request as it is meant", async () => {
    const { lease } = client;
    expect(await clients.untilSettled(lease.grant({ ttl: 5, id: 9n }))).toMatchObject({ id: 7n });
    await clients.untilSettled(lease.revoke(7n));
    const left = await clients.untilSettled(lease.timeToLive({ id: 7n, keys: true }));
    expect(left.ttl).toBe(-1);
    expect((await clients.untilSettled(lease.leases())).leases).toEqual([{ id: 7n }]);
    expect(seen).toEqual([{ ttl: 5, id: 9n }, { id: 7n }, { id: 7n, keys: true }, {}]);
  });

  test("renews once, or tells that there is no such lease", async () => {
    const { lease } = client;
    expect(await clients.untilSettled(lease.keepAliveOnce(7n))).toMatchObject({ id: 7n, ttl: 3 });
    await clients.turns(10);
    expect(cancelled).toBe(1);
    ttl = 0;
    await expect(clients.untilSettled(lease.keepAliveOnce(8n))).rejects.toBe(Errors.LeaseNotFound);
    ttl = undefined;
    const late = lease.keepAliveOnce(8n, { deadlineMs: clients.clock.nowMs() + 50 });
    await expect(clients.untilSettled(late)).rejects.toThrow("context deadline exceeded");
  });
});

describe("LeaseKeeper", () => {
  test("renews at a third of the time to live, whether anybody reads or not", async () => {
    const keeper = client.lease.keepAlive(7n);
    await pass(3500);
    const gaps = beats.slice(1).map(({ atMs }, i) => atMs - beats[i].atMs);
    expect(gaps.length).toBeGreaterThanOrEqual(2);
    for (const gap of gaps) expect(Math.abs(gap - 1000)).toBeLessThan(60);
    for (let i = 0; i < 3; i++) {
      expect(await keeper.next()).toMatchObject({ id: 7n, ttl: 3 });
    }
    await pass(60_000);
    keeper.cancel();
    expect(await keeper.next()).toBeUndefined();
  });

  test("counts the time from when a renewal was sent, however late its answer", async () => {
    ttl = undefined;
    const keeper = client.lease.keepAlive(7n);
    await pass(400);
    const { response } = LeaseService.leaseKeepAlive;
    call?.sendMessage(response.encode(response.create({ id: 7n, ttl: 3 })));
    await pass(50);
    expect(keeper.deadlineMs).toBeGreaterThan(beats[0].atMs + 2900);
    expect(keeper.deadlineMs).toBeLessThanOrEqual(beats[0].atMs + 3000);
    await pass(3000);
    expect(await keeper.next()).toMatchObject({ ttl: 3 });
    await expect(keeper.next()).rejects.toThrow("etcdclient: leases keep alive halted");
  });

  test("tells when the lease is gone", async () => {
    const keeper = client.lease.keepAlive(7n);
    expect(await clients.untilSettled(keeper.next())).toMatchObject({ ttl: 3 });
    ttl = 0;
    await pass(1500);
    await expect(keeper.next()).rejects.toBe(Errors.LeaseNotFound);
    const before = beats.length;
    await pass(3000);
    expect(beats).toHaveLength(before);
  });

  test("tells when its time ran out without an answer, after asking again and again", async () => {
    const keeper = client.lease.keepAlive(7n);
    await pass(100);
    ttl = undefined;
    await pass(2800);
    expect(await keeper.next()).toMatchObject({ ttl: 3 });
    // At one second, and then every half second up to the end.
    expect(beats.length).toBeGreaterThanOrEqual(4);
    await pass(300);
    await expect(keeper.next()).rejects.toThrow("etcdclient: leases keep alive halted");
  });

  test("gives up when no server ever answers", async () => {
    const lonely = await clients.open({ endpoints: ["dead:1"], dialTimeoutMs: 2000 });
    const keeper = lonely.lease.keepAlive(7n);
    const end = keeper.next().catch((error: unknown) => error);
    await pass(2900);
    const early = await Promise.race([end, Promise.resolve("waiting")]);
    expect(early).toBe("waiting");
    await pass(200);
    expect(await end).toMatchObject({ message: "etcdclient: leases keep alive halted" });
  });

  test("goes on over another connection when the server of its own is silent", async () => {
    const { request, response } = leaseKeepAlive;
    let renewals = 0;
    clients.serve(
      "two:2",
      {},
      {
        [leaseKeepAlive.path]: {
          kind: "stream",
          onMessage: (asked, message) => {
            renewals++;
            const { id } = request.decode(message);
            asked.sendMessage(response.encode(response.create({ id, ttl: 3 })));
          },
          onHalfClose: () => undefined,
          onCancel: () => undefined,
        },
      },
    );
    ttl = undefined;
    const both = await clients.open({ endpoints: ["one:1", "two:2"] });
    await pass(50);
    const keepers = [7n, 8n].map((id) => {
      return both.lease.keepAlive(id, { knownDeadlineMs: clients.clock.nowMs() + 3000 });
    });
    await pass(10_000);
    for (const keeper of keepers) expect(await keeper.next()).toMatchObject({ ttl: 3 });
    expect(beats.length).toBeGreaterThan(0);
    expect(renewals).toBeGreaterThan(10);
  });

  test("goes on over lost connections, and shares one stream with other leases", async () => {
    const keepers = [7n, 8n, 8n].map((id) => client.lease.keepAlive(id));
    await pass(100);
    expect(server.calls.filter((path) => path === leaseKeepAlive.path)).toHaveLength(1);
    expect(beats.map(({ id }) => id)).toEqual([7n, 8n]);
    server.cut();
    await pass(4000);
    for (const keeper of keepers) {
      for (let i = 0; i < 3; i++) expect(await clients.untilSettled(keeper.next())).toBeDefined();
    }
    keepers[0].cancel();
    keepers[1].cancel();
    const from = clients.clock.nowMs();
    await pass(2500);
    const later = beats.filter(({ atMs }) => atMs > from);
    expect(new Set(later.map(({ id }) => id))).toEqual(new Set([8n]));
    const before = cancelled;
    keepers[2].cancel();
    await pass(50);
    expect(cancelled).toBe(before + 1);
  });

  test("tells why the server refused, once time has run out", async () => {
    const keeper = client.lease.keepAlive(7n);
    await pass(100);
    ttl = undefined;
    for (let i = 0; i < 8; i++) {
      call?.sendStatus(GrpcCode.PermissionDenied, Errors.PermissionDenied.message);
      await pass(400);
    }
    expect(await keeper.next()).toBeDefined();
    await expect(keeper.next()).rejects.toBe(Errors.PermissionDenied);
  });
});
