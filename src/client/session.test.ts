import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryClients } from "../../test/harness/memory-client.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import { LeaseService } from "../wire/gen/services.ts";
import type { Client } from "./client.ts";
import { Election } from "./election.ts";
import { openSession } from "./session.ts";

const { leaseGrant, leaseRevoke, leaseKeepAlive } = LeaseService;

let clients: MemoryClients;
let client: Client;
let granted: number[];
let revoked: bigint[];
/** What renewals are answered with. */
let ttl: number;

beforeEach(async () => {
  clients = new MemoryClients();
  [granted, revoked, ttl] = [[], [], 3];
  clients.serve(
    "one:1",
    {
      [leaseGrant.path]: (call, bytes) => {
        const request = leaseGrant.request.decode(bytes);
        granted.push(request.ttl);
        const answer = leaseGrant.response.create({ id: 7n, ttl: request.ttl });
        call.sendUnary(leaseGrant.response.encode(answer));
      },
      [leaseRevoke.path]: (call, bytes) => {
        revoked.push(leaseRevoke.request.decode(bytes).id);
        call.sendUnary(leaseRevoke.response.encode(leaseRevoke.response.create()));
      },
    },
    {
      [leaseKeepAlive.path]: {
        kind: "stream",
        onMessage: (call, bytes) => {
          const { id } = leaseKeepAlive.request.decode(bytes);
          const answer = leaseKeepAlive.response.create({ id, ttl });
          call.sendMessage(leaseKeepAlive.response.encode(answer));
        },
        onHalfClose: () => undefined,
        onCancel: () => undefined,
      },
    },
  );
  client = await clients.open();
});

afterEach(() => clients.close());

/** What has become of `promise` so far. */
async function stateOf<T>(promise: Promise<T>): Promise<T | "pending"> {
  return Promise.race([promise, Promise.resolve("pending" as const)]);
}

test("openSession grants a lease, keeps it alive, and tells when it is lost", async () => {
  const session = await clients.untilSettled(openSession(client));
  expect(granted).toEqual([60]);
  for (let turn = 0; turn < 50; turn++) await clients.turns(1, 100);
  expect(session.isLost).toBe(false);
  expect(await stateOf(session.lost)).toBe("pending");
  ttl = 0;
  expect(await clients.untilSettled(session.lost, 10)).toBe(Errors.LeaseNotFound);
  expect(session.isLost).toBe(true);
});

test("openSession takes a lease that is there; close ends it, orphan leaves it", async () => {
  const given = await openSession(client, { leaseId: 9n, ttlSeconds: 5 });
  expect([granted, given.leaseId]).toEqual([[], 9n]);
  given.orphan();
  const own = await clients.untilSettled(openSession(client, { ttlSeconds: 5 }));
  await clients.untilSettled(own.close());
  expect([granted, revoked]).toEqual([[5], [7n]]);
  expect(await stateOf(given.lost)).toBe("pending");
});

test("an election that was not won has nothing to tell and nothing to give up", async () => {
  const election = new Election(client, { leaseId: 9n }, bytesFromUtf8("e"));
  await expect(election.proclaim(bytesFromUtf8("v"))).rejects.toBe(Errors.ElectionNotLeader);
  await election.resign();
  await expect(election.campaign(bytesFromUtf8("v"), { deadlineMs: 0 })).rejects.toThrow();
});
