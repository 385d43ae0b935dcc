/**
 * Bodies of calls with changed bytes, to every method of a running server: each is answered, with a code that has a
 * text, and the server serves on. What would take the cluster its quorum, or lock everybody out, is decoded alone.
 */
import fs from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import {
  createCompare,
  createDeleteRangeRequest,
  createLeaseGrantRequest,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  createWatchCreateRequest,
  createWatchRequest,
  encodeDeleteRangeRequest,
  encodeLeaseGrantRequest,
  encodePutRequest,
  encodeRangeRequest,
  encodeTxnRequest,
  encodeWatchRequest,
} from "../../src/wire/gen/rpc.ts";
import { METHODS } from "../../src/wire/gen/services.ts";
import { WireError } from "../../src/wire/wire-error.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { fuzz, FUZZ_TIMEOUT_MS, MANY_INPUTS, mutated } from "../harness/fuzz.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller, type RawCaller } from "../harness/raw-calls.ts";

const A = bytesFromUtf8("a");
const Z = bytesFromUtf8("z");
const PUT = createPutRequest({ key: A, value: Z, prevKv: true });
const RANGE = createRangeRequest({ key: A, rangeEnd: Z, limit: 10, sortOrder: 1 });
const WATCH = createWatchCreateRequest({ key: A, rangeEnd: Z, watchId: 7n });

/** Whole requests; any of them is a start for any method. */
const BODIES: readonly Uint8Array[] = [
  encodePutRequest(PUT),
  encodeRangeRequest(RANGE),
  encodeDeleteRangeRequest(createDeleteRangeRequest({ key: A, rangeEnd: Z, prevKv: true })),
  encodeTxnRequest(
    createTxnRequest({
      compare: [createCompare({ key: A, targetUnion: { case: "version", value: 0 } })],
      success: [createRequestOp({ request: { case: "requestPut", value: PUT } })],
      failure: [createRequestOp({ request: { case: "requestRange", value: RANGE } })],
    }),
  ),
  encodeLeaseGrantRequest(createLeaseGrantRequest({ ttl: 60, id: 5n })),
  encodeWatchRequest(createWatchRequest({ requestUnion: { case: "createRequest", value: WATCH } })),
  new Uint8Array(0),
];

/** Changes what the server is to be asked next, or takes it away. */
const LEFT_OUT =
  /MemberAdd|MemberRemove|MemberUpdate|AuthEnable|Alarm|Downgrade|Campaign|Lock\/Lock/;

const RESIDENT_MB_MAX = 700;

const methods = METHODS.filter(({ path }) => !LEFT_OUT.test(path));
const unary = methods.filter((each) => !each.clientStreaming && !each.serverStreaming);
const streams = methods.filter((each) => each.clientStreaming);

let server: EtcdProcess;
let caller: RawCaller;

beforeAll(async () => {
  server = await startEtcd({ command: OUR_ETCD });
  caller = await openRawCaller(server.endpoint);
}, 60_000);

afterAll(async () => {
  caller.close();
  await server.remove();
});

function someBody(random: Prng): Uint8Array {
  return mutated(BODIES[random.below(BODIES.length)], random);
}

test(
  "calls with changed bodies are answered, and the server serves on",
  async () => {
    const codes = new Set<number>();
    const count = await fuzz(async (random) => {
      const calls = Array.from({ length: 20 }, () =>
        caller.call(unary[random.below(unary.length)].path, someBody(random)),
      );
      for (const { code, text } of await Promise.all(calls)) {
        codes.add(code);
        if (code !== 0) expect(text).not.toBe("");
      }
    });
    if (count >= MANY_INPUTS) expect([...codes]).toEqual(expect.arrayContaining([0, 3]));
    expect(server.process.exitCode).toBeNull();
    expect(await caller.call("/etcdserverpb.KV/Put", encodePutRequest(PUT))).toMatchObject({
      code: 0,
    });
    expect(residentMb()).toBeLessThan(RESIDENT_MB_MAX);
  },
  FUZZ_TIMEOUT_MS,
);

test(
  "streams of changed messages end or go on, and the server serves on",
  async () => {
    await fuzz(async (random) => {
      const { path } = streams[random.below(streams.length)];
      await new Promise<void>((resolve) => {
        const stream = caller.open(path, { onMessage: () => undefined, onEnd: () => resolve() });
        for (let left = random.between(1, 10); left > 0; left--) stream.send(someBody(random));
        stream.halfClose();
        setTimeout(() => {
          stream.cancel();
          resolve();
        }, 20);
      });
    });
    expect(await caller.call("/etcdserverpb.KV/Put", encodePutRequest(PUT))).toMatchObject({
      code: 0,
    });
    expect(residentMb()).toBeLessThan(RESIDENT_MB_MAX);
  },
  FUZZ_TIMEOUT_MS,
);

test(
  "every message of every service is decoded, or refused",
  async () => {
    await fuzz((random) => {
      const body = someBody(random);
      for (const { request, response } of METHODS) {
        for (const codec of [request, response]) {
          try {
            const message = codec.decode(body);
            // What was understood can be written, and is understood again.
            codec.decode(codec.encode(message));
          } catch (error) {
            if (!(error instanceof WireError)) throw error;
          }
        }
      }
    });
  },
  FUZZ_TIMEOUT_MS,
);

function residentMb(): number {
  const status = fs.readFileSync(`/proc/${server.process.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1000;
}
