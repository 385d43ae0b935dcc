import { expect, test } from "vitest";
import type { Answer } from "../../client/channel.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../../http2/grpc-server-types.ts";
import { unprovenPeer } from "../../ports/client-peer.ts";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import { MetricsRegistry } from "../../stdx/metrics/registry.ts";
import {
  createRangeResponse,
  createWatchCreateRequest,
  createWatchRequest,
  decodeWatchResponse,
  encodeRangeResponse,
  encodeWatchRequest,
  type WatchResponse,
} from "../../wire/gen/rpc.ts";
import { QUIET_LOG } from "../../../test/harness/quiet-log.ts";
import { ProxyMetrics } from "./metrics.ts";
import { Namespace } from "./namespace.ts";
import type { Upstream } from "./upstream.ts";
import { watchMethods } from "./watch.ts";

const header = { clusterId: 1n, memberId: 2n, revision: 7, raftTerm: 3 };
const allowed: Answer = {
  code: 0,
  message: "",
  body: encodeRangeResponse(createRangeResponse({ header })),
};
const denied: Answer = { code: 7, message: "etcdserver: permission denied", body: undefined };

/** A stream of a client, whose permissions the test answers one by one. */
function open() {
  const checks: ((answer: Answer) => void)[] = [];
  const upstream = {
    metadataOf: () => [],
    channel: {
      forward: () => new Promise<Answer>((resolve) => checks.push(resolve)),
      openStream: () => new Promise(() => undefined),
    },
  } as unknown as Upstream;
  const clock = { nowMs: () => 0, wallMs: () => 0, defer() {}, after: () => ({ cancel() {} }) };
  const parts = {
    upstream,
    namespace: new Namespace(""),
    metrics: new ProxyMetrics(new MetricsRegistry()),
    clock,
    log: QUIET_LOG,
  };
  const [[, handler]] = watchMethods(parts);
  const sent: WatchResponse[] = [];
  const call = {
    open: true,
    context: undefined,
    peer: unprovenPeer(""),
    get: () => undefined,
    sendMessage(bytes: Uint8Array) {
      sent.push(decodeWatchResponse(bytes.slice()));
      return true;
    },
    sendStatus() {
      call.open = false;
    },
  };
  const served = call as unknown as GrpcServerCall;
  handler.onCall?.(served);
  return { handler, call: served, checks, sent };
}

function create(handler: GrpcMethodHandler, call: GrpcServerCall, key: string, watchId = 0n): void {
  const value = createWatchCreateRequest({ key: bytesFromUtf8(key), watchId });
  const requestUnion = { case: "createRequest", value } as const;
  handler.onMessage(call, encodeWatchRequest(createWatchRequest({ requestUnion })));
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("watchers are answered in the order in which they were asked for", async () => {
  const { handler, call, checks, sent } = open();
  for (const key of ["a", "b", "c"]) create(handler, call, key);
  await settled();
  expect(checks).toHaveLength(1);
  checks[0](allowed);
  await settled();
  checks[1](denied);
  await settled();
  checks[2](allowed);
  await settled();
  expect(sent).toMatchObject([
    { watchId: 0n, created: true, canceled: false, header },
    { watchId: -1n, created: true, canceled: true, cancelReason: denied.message },
    { watchId: 1n, created: true, canceled: false, header },
  ]);
});

test("ids are the client's where it chooses them, and each is taken once", async () => {
  const { handler, call, checks, sent } = open();
  for (const id of [5n, 5n, 0n]) create(handler, call, "a", id);
  for (let at = 0; at < 3; at++) {
    await settled();
    checks[at](allowed);
  }
  await settled();
  expect(sent.map(({ watchId }) => watchId)).toEqual([5n, -1n, 0n]);
  expect(sent[1].cancelReason).toBe("mvcc: duplicate watch ID provided on the WatchStream");
});

test("a client that goes away while it is checked costs nothing", async () => {
  const { handler, call, checks, sent } = open();
  create(handler, call, "a");
  await settled();
  (call as { open: boolean }).open = false;
  handler.onCancel(call);
  checks[0](allowed);
  await settled();
  expect(sent).toEqual([]);
});
