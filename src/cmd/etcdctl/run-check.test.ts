import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemoryClients } from "../../../test/harness/memory-client.ts";
import type { Answer } from "../../../test/harness/memory-grpc.ts";
import { runInMemory } from "../../../test/harness/memory-io.ts";
import { Errors } from "../../errors/table.ts";
import { Prng } from "../../stdx/prng.ts";
import {
  createDeleteRangeResponse,
  createPutResponse,
  createRangeResponse,
  decodePutRequest,
  encodeDeleteRangeResponse,
  encodePutResponse,
  encodeRangeResponse,
} from "../../wire/gen/rpc.ts";
import { KVService } from "../../wire/gen/services.ts";
import { runEtcdctl } from "./main.ts";

let clients: MemoryClients;
let keys: Uint8Array[];
let connections: () => number;

beforeEach(() => {
  clients = new MemoryClients();
  keys = [];
});

afterEach(() => clients.close());

/** A server on which a put takes what `latencyMs` says, or fails. */
function serve(latencyMs: (put: number) => number | "fails"): void {
  const put: Answer = (call, request) => {
    const latency = latencyMs(keys.length);
    keys.push(decodePutRequest(request).key);
    const { code, message } = Errors.NoSpace;
    if (latency === "fails") call.sendStatus(code, message);
    else {
      clients.clock.after(latency, () => call.sendUnary(encodePutResponse(createPutResponse({}))));
    }
  };
  const server = clients.serve("one:1", {
    [KVService.range.path]: (call) => call.sendUnary(encodeRangeResponse(createRangeResponse({}))),
    [KVService.put.path]: put,
    [KVService.deleteRange.path]: (call) =>
      call.sendUnary(encodeDeleteRangeResponse(createDeleteRangeResponse({}))),
  });
  connections = () => server.connections;
}

/** Runs `check perf` while its minute goes by. */
async function checkPerf(...words: string[]): Promise<{ code: number; stdout: string }> {
  let outcome: { code: number; stdout: string } | undefined;
  const running = runInMemory(["--endpoints=one:1", "check", "perf", ...words], {}, (io) =>
    runEtcdctl({
      io,
      clock: clients.clock,
      random: new Prng(1),
      openConnector: () => Promise.resolve(clients.network),
      openFiles: () => Promise.reject(new Error("A check has no files")),
      cleanups: [],
    }),
  );
  void running.then(({ code, stdout }) => {
    outcome = { code, stdout: stdout.toString() };
  });
  for (let i = 0; i < 200_000 && outcome === undefined; i++) await clients.turns(1, 2);
  if (outcome === undefined) throw new Error("The check does not end");
  return outcome;
}

describe("check perf", () => {
  test("passes a server that keeps up, with as many clients and puts as the load has", async () => {
    serve(() => 4);
    const { code, stdout } = await checkPerf();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^PASS: Throughput is 1(49|50|51) writes\/s\nPASS: Slowest request took 0\.0\d{5}s\nPASS: Stddev is 0\.0\d{5}s\nPASS\n$/,
    );
    expect(connections()).toBe(50);
    expect(Math.abs(keys.length - 9000)).toBeLessThan(60);
    const prefix = "/etcdctl-check-perf/";
    expect(keys[0].length).toBe(prefix.length + 256);
    expect(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(keys.length);
  }, 60_000);

  test("fails one that is slow now and then, and one that is always", async () => {
    serve((put) => (put % 100 === 0 ? 900 : 4));
    const uneven = await checkPerf("--load=small");
    expect(uneven.code).toBe(1);
    expect(uneven.stdout).toMatch(
      /^PASS: Throughput is \d+ writes\/s\nSlowest request took too long: 0\.9\d{5}s\nPASS: Stddev is 0\.0\d{5}s\nFAIL\n$/,
    );
    serve(() => 450);
    const slow = await checkPerf();
    expect(slow.code).toBe(1);
    // Fifty clients, each with a put in 450 ms.
    expect(slow.stdout).toMatch(/^FAIL: Throughput too low: 11\d writes\/s\n/);
    expect(slow.stdout).toMatch(/\nFAIL\n$/);
  }, 60_000);

  test("tells the errors, each with how often it came", async () => {
    serve((put) => (put < 12 ? "fails" : 4));
    const { code, stdout } = await checkPerf();
    expect(code).toBe(1);
    expect(stdout).toContain(
      "FAIL: too many errors\nFAIL: ERROR(etcdserver: mvcc: database space exceeded) -> 12\nPASS: ",
    );
  }, 60_000);
});
