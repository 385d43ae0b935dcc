import { expect, test } from "vitest";
import { ManualClock } from "../../sim/manual-clock.ts";
import { GrpcCode } from "../errors/codes.ts";
import { STREAM_QUEUE_BYTES_HIGH } from "../http2/limits.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { unprovenPeer } from "../ports/client-peer.ts";
import { bytesFromUtf8, utf8FromBytes } from "../stdx/bytes.ts";
import { Counter } from "../stdx/metrics/counter.ts";
import { type CallOrigin, InnerCalls, type InnerCallEvents } from "./inner-call.ts";

const ORIGIN: CallOrigin = {
  peer: unprovenPeer("10.0.0.1:1"),
  metadata: [
    { name: "token", value: "t" },
    { name: "a", value: "1" },
    { name: "a", value: "2" },
    { name: "b-bin", value: Uint8Array.of(7) },
  ],
  deadlineMs: Number.POSITIVE_INFINITY,
};

/** One service of a test, and what the caller was told. */
class World {
  readonly clock = new ManualClock();
  readonly told: string[] = [];
  readonly service: string[] = [];
  pokes = 0;
  call: GrpcServerCall | undefined;
  readonly calls: InnerCalls;
  readonly events: InnerCallEvents = {
    onHeaders: () => this.told.push("headers"),
    onMessage: (message) => this.told.push(utf8FromBytes(message.subarray(0, 20))),
    onEnd: (code, text) => this.told.push(`${code} ${text}`),
    onWanted: () => this.told.push("wanted"),
  };

  constructor(kind: GrpcMethodHandler["kind"]) {
    const handler: GrpcMethodHandler = {
      kind,
      onCall: (call) => {
        this.call = call;
      },
      onMessage: (call, message) => {
        this.call = call;
        this.service.push(utf8FromBytes(message));
      },
      onHalfClose: () => this.service.push("half closed"),
      onCancel: () => this.service.push("cancelled"),
      onWritable: () => this.service.push("writable"),
    };
    this.calls = new InnerCalls((path) => (path === "/known" ? handler : undefined), {
      clock: this.clock,
      messageBytesMax: 100,
      poke: () => {
        this.pokes++;
      },
    });
  }
}

test("a unary call: the request when it is complete, the answer in a later turn", () => {
  const world = new World("unary");
  const call = world.calls.start("/known", ORIGIN, world.events);
  call.send(bytesFromUtf8("request"));
  expect(world.service).toEqual([]);
  call.closeSend();
  expect(world.service).toEqual(["request"]);
  expect(world.pokes).toBeGreaterThan(0);
  world.call?.sendUnary(bytesFromUtf8("answer"));
  expect(world.told).toEqual([]);
  world.clock.runDeferred();
  expect(world.told).toEqual(["headers", "answer", "0 "]);
  expect(world.call?.open).toBe(false);
});

test("a handler sees the metadata and the peer of whoever called", () => {
  const world = new World("stream");
  world.calls.start("/known", ORIGIN, world.events);
  expect(world.call?.peer).toBe(ORIGIN.peer);
  expect(world.call?.get("token")).toBe("t");
  expect(world.call?.getAll("a")).toEqual(["1", "2"]);
  expect(world.call?.getBytes("b-bin")).toEqual(Uint8Array.of(7));
  expect(world.call?.get("b-bin")).toBeUndefined();
  expect(world.call?.metadata()).toBe(ORIGIN.metadata);
});

test("a stream: what is not taken waits, and the service is told when there is room", () => {
  const world = new World("stream");
  const call = world.calls.start("/known", ORIGIN, world.events);
  call.send(bytesFromUtf8("one"));
  call.send(bytesFromUtf8("two"));
  call.closeSend();
  expect(world.service).toEqual(["one", "two", "half closed"]);
  call.pause();
  const large = bytesFromUtf8("x".repeat(STREAM_QUEUE_BYTES_HIGH));
  expect(world.call?.sendMessage(large)).toBe(true);
  expect(world.call?.sendParts(bytesFromUtf8("he."), 2, bytesFromUtf8("ad"))).toBe(false);
  world.call?.sendStatus(GrpcCode.Unknown, "late");
  world.clock.runDeferred();
  expect(world.told).toEqual([]);
  call.resume();
  world.clock.runDeferred();
  expect(world.told).toEqual(["headers", "x".repeat(20), "head", "2 late"]);
});

test("a service that has no room for answers is told of room, one that wants no requests says so", () => {
  const world = new World("stream");
  const call = world.calls.start("/known", ORIGIN, world.events);
  const large = new Uint8Array(STREAM_QUEUE_BYTES_HIGH + 1);
  expect(world.call?.sendMessage(large)).toBe(false);
  world.clock.runDeferred();
  expect(world.service).toEqual(["writable"]);
  world.call?.setReceiving(false);
  expect(call.wanted).toBe(false);
  world.call?.setReceiving(true);
  world.clock.runDeferred();
  expect(world.told.at(-1)).toBe("wanted");
});

test("who goes away is told nothing more, and the service is told that", () => {
  const world = new World("stream");
  const call = world.calls.start("/known", ORIGIN, world.events);
  world.call?.sendMessage(bytesFromUtf8("never seen"));
  call.cancel();
  call.cancel();
  world.call?.sendStatus(GrpcCode.OK, "");
  world.clock.runDeferred();
  expect(world.told).toEqual([]);
  expect(world.service).toEqual(["cancelled"]);
});

test("deadlines end calls, those that have passed before they begin", () => {
  const world = new World("unary");
  const inTime = { ...ORIGIN, deadlineMs: world.clock.nowMs() + 100 };
  const call = world.calls.start("/known", inTime, world.events);
  call.send(bytesFromUtf8("request"));
  call.closeSend();
  world.clock.advance(100);
  world.clock.runDeferred();
  expect(world.told).toEqual(["4 context deadline exceeded"]);
  expect(world.service).toEqual(["request", "cancelled"]);
  const late = { ...ORIGIN, deadlineMs: world.clock.nowMs() };
  world.calls.start("/known", late, world.events).closeSend();
  world.clock.runDeferred();
  expect(world.told.at(-1)).toBe("4 context deadline exceeded");
  expect(world.service).toHaveLength(2);
});

test("messages that are too large and methods that are not there are refused", () => {
  const world = new World("stream");
  world.calls.start("/known", ORIGIN, world.events).send(new Uint8Array(101));
  world.calls.start("/package.Service/Method", ORIGIN, world.events).closeSend();
  world.clock.runDeferred();
  expect(world.told).toEqual([
    "8 grpc: received message larger than max (101 vs. 100)",
    "12 unknown method Method for service package.Service",
  ]);
});

test("what comes of a call is counted once", () => {
  const world = new World("stream");
  const sent = new Counter();
  const ended: number[] = [];
  const counts = { sent, ended: (code: number): number => ended.push(code) };
  const counted = (): GrpcServerCall => {
    const call = world.calls.start("/known", ORIGIN, world.events);
    call.countWith(counts, 5);
    return call;
  };
  const answered = counted();
  answered.sendMessage(bytesFromUtf8("1"));
  answered.sendUnary(bytesFromUtf8("2"));
  answered.sendStatus(GrpcCode.Internal, "late");
  const left = world.calls.start("/known", ORIGIN, world.events);
  left.countWith(counts, 5);
  left.cancel();
  left.cancel();
  expect(sent.value).toBe(2);
  expect(ended).toEqual([GrpcCode.OK, GrpcCode.Canceled]);
});
