/**
 * Expired leases that we end many at a time, read from our log by the real etcd: it finds the same keys and
 * revisions, and ends the leases that its replay leaves without keys itself.
 */
import { describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";
import type { LeaseLeasesResponse } from "../../src/wire/gen/rpc.ts";
import { KVService, LeaseService, MaintenanceService } from "../../src/wire/gen/services.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";
import { readAgain, readContent } from "../harness/store-content.ts";

const SHORT_LEASES = 600;
const TTL_SECONDS = 6;
const LONG_LEASE = 9999n;

/** Nothing but the log has what was written last, so that the next program must replay it. */
const LOG_ONLY = ["--backend-batch-interval=1h", "--backend-batch-limit=10000000"];

const ADVERTISED = "--advertise-client-urls=http://127.0.0.1:2379";

async function ask<Response extends object>(
  caller: RawCaller,
  method: MethodInfo<object, Response>,
  request: object,
): Promise<Response> {
  const bytes = method.request.encode(method.request.create(request));
  const { code, text, body } = await caller.call(method.path, bytes);
  if (code !== 0 || body === undefined) throw new Error(text);
  return method.response.decode(body);
}

async function leaseIds(caller: RawCaller): Promise<bigint[]> {
  const { leases } = await ask<LeaseLeasesResponse>(caller, LeaseService.leaseLeases, {});
  return leases.map(({ id }) => id);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function turn<T>(
  server: EtcdProcess,
  use: (caller: RawCaller) => Promise<T>,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<T> {
  const caller = await openRawCaller(server.endpoint);
  try {
    return await use(caller);
  } finally {
    caller.close();
    await server.stop(signal);
  }
}

/** Grants leases, some without keys, some with several, and writes and moves keys. */
async function fill(caller: RawCaller): Promise<void> {
  await ask(caller, LeaseService.leaseGrant, { id: LONG_LEASE, ttl: 1000 });
  const ids = Array.from({ length: SHORT_LEASES }, (_, index) => BigInt(index + 1));
  await Promise.all(
    ids.map((id) => ask(caller, LeaseService.leaseGrant, { id, ttl: TTL_SECONDS })),
  );
  const put = (key: string, lease: bigint): Promise<unknown> =>
    ask(caller, KVService.put, { key: bytesFromLatin1(key), value: bytesFromLatin1(key), lease });
  const keys = ids.flatMap((id) =>
    Array.from({ length: Number(id % 4n) }, (_, at) => [id, at] as const),
  );
  await Promise.all(keys.map(([id, at]) => put(`short${id}-${at}`, id)));
  const moved = ids.filter((id) => id % 10n === 1n);
  await Promise.all(moved.map((id) => put(`short${id}-0`, id % 20n === 1n ? 0n : LONG_LEASE)));
}

const hashKv = async (caller: RawCaller): Promise<number> =>
  (await ask(caller, MaintenanceService.hashKV, {})).hash;

describe.skipIf(REFERENCE === undefined)("leases that expire in batches", () => {
  test("leave a log from which the real etcd makes the same keys", async () => {
    const ours = await startEtcd({ command: OUR_ETCD, flags: [ADVERTISED, ...LOG_ONLY] });
    const { dataDir } = ours;
    const before = await turn(
      ours,
      async (caller) => {
        await fill(caller);
        await until(async () => (await leaseIds(caller)).length === 1);
        const content = await readContent(ours);
        expect(content.keys).toHaveLength(SHORT_LEASES / 10);
        // Far fewer revisions than leases: the puts, and some batches.
        const puts = (SHORT_LEASES / 4) * 6 + SHORT_LEASES / 10;
        expect(content.revision).toBeGreaterThan(1 + puts);
        expect(content.revision).toBeLessThan(1 + puts + 60);
        return { content, hash: await hashKv(caller) };
      },
      "SIGKILL",
    );
    const real = await startEtcd({ dataDir, flags: [ADVERTISED] });
    await turn(real, async (caller) => {
      // It has not heard of the end of the leases, and has all the rest.
      expect(await leaseIds(caller)).toHaveLength(SHORT_LEASES + 1);
      expect(await readAgain(real, before.content)).toEqual(before.content);
      expect(await hashKv(caller)).toBe(before.hash);
      await until(async () => (await leaseIds(caller)).length === 1);
      expect(await readAgain(real, before.content)).toEqual(before.content);
    });
    const again = await startEtcd({ dataDir, command: OUR_ETCD, flags: [ADVERTISED] });
    await turn(again, async (caller) => {
      expect(await leaseIds(caller)).toEqual([LONG_LEASE]);
      expect(await readAgain(again, before.content)).toEqual(before.content);
      expect(await hashKv(caller)).toBe(before.hash);
      await ask(caller, LeaseService.leaseRevoke, { id: LONG_LEASE });
      expect((await readContent(again, [])).keys).toHaveLength(SHORT_LEASES / 20);
    });
    await again.remove();
  }, 60_000);
});
