/** The health service of gRPC against the real etcd's. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeHealthCheckResponse, decodeHealthListResponse } from "../../src/wire/gen/health.ts";
import {
  HealthService,
  KVService,
  LockService,
  MaintenanceService,
} from "../../src/wire/gen/services.ts";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { openRawCaller, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";
import { type RunningServer, ServerPair } from "../harness/server-pair.ts";
import { sleep } from "../harness/sleep.ts";

const START_MS = 120_000;
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

/** Statuses that a watch of `service` has told so far. */
function watch(caller: RawCaller, service: string): number[] {
  const told: number[] = [];
  const stream = caller.open(HealthService.watch.path, {
    onMessage: (body) => told.push(decodeHealthCheckResponse(body).status),
  });
  stream.send(HealthService.watch.request.encode({ service }));
  stream.halfClose();
  return told;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

describe.skipIf(REFERENCE === undefined)("health of the service", () => {
  let pair: ServerPair;

  beforeAll(async () => {
    pair = await ServerPair.start({ flags: ["--experimental-stop-grpc-service-on-defrag"] });
  }, START_MS);

  afterAll(async () => {
    await pair.remove();
  });

  test("is told of the server as a whole, and of nothing else", async () => {
    expect(await pair.same(HealthService.check)).toEqual({ response: { status: SERVING } });
    for (const service of ["etcdserverpb.KV", "grpc.health.v1.Health", " "]) {
      const answer = await pair.same(HealthService.check, { service });
      expect(answer).toEqual({ code: 5, text: "unknown service" });
    }
  });

  test("is watched, and changes during a defragmentation", async () => {
    const seen = async ({ caller }: RunningServer): Promise<number[]> => {
      const told = watch(caller, "");
      const unknown = watch(caller, "nothing");
      await until(() => told.length === 1 && unknown.length === 1);
      await caller.call(MaintenanceService.defragment.path, new Uint8Array(0));
      await until(() => told.length === 3);
      return [...told, ...unknown];
    };
    const real = await seen(pair.real);
    expect(real).toEqual([SERVING, NOT_SERVING, SERVING, SERVICE_UNKNOWN]);
    expect(await seen(pair.ours)).toEqual(real);
  });

  test("is on the port for peers, too", async () => {
    const port = /--listen-peer-urls=http:\/\/(\S+)/;
    for (const { server } of [pair.real, pair.ours]) {
      const endpoint = port.exec(server.process.spawnargs.join(" "))?.[1] ?? "";
      const caller = await openRawCaller(endpoint);
      const answer = await caller.call(HealthService.check.path, new Uint8Array(0));
      expect(answer).toMatchObject({ code: 0, body: new Uint8Array([8, SERVING]) });
      const put = { key: bytesFromUtf8("by"), value: bytesFromUtf8("peer") };
      const { request, path } = KVService.put;
      expect(await caller.call(path, request.encode(request.create(put)))).toMatchObject({
        code: 0,
      });
      expect(await caller.call(LockService.lock.path, new Uint8Array(0))).toMatchObject({
        code: 12,
        text: "unknown service v3lockpb.Lock",
      });
      caller.close();
    }
  });

  test("is listed", async () => {
    const answer = await pair.ours.caller.call(HealthService.list.path, new Uint8Array(0));
    const { statuses } = decodeHealthListResponse(answer.body ?? new Uint8Array(0));
    expect(statuses).toEqual([{ key: "", value: { status: SERVING } }]);
  });
});
