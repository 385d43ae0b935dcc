import { describe, expect, test } from "vitest";
import { unprovenPeer } from "../ports/client-peer.ts";
import type { HttpServerRequest } from "../ports/http.ts";
import {
  bytesFromLatin1,
  bytesFromUtf8,
  concatBytes,
  EMPTY_BYTES,
  latin1FromBytes,
} from "../stdx/bytes.ts";
import { GrpcServerConnection } from "./grpc-server.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "./grpc-server-types.ts";
import type { GrpcServerConfig, ServerConnectionOptions } from "./options.ts";
import { FrameType } from "./protocol.ts";
import { RecordedEvents } from "./testing/memory-link.ts";
import {
  callFields,
  END_BOTH,
  END_STREAM,
  type Field,
  frame,
  grpcMessage,
  headersFrame,
  messageFrame,
  RawPeer,
  uint32,
} from "./testing/raw-peer.ts";

/** Remembers what it is told; answers by `reply`. */
class Recorder implements GrpcMethodHandler {
  readonly kind: "unary" | "stream";
  readonly log: string[] = [];
  readonly calls: GrpcServerCall[] = [];
  reply: (call: GrpcServerCall) => void = () => {};

  constructor(kind: "unary" | "stream") {
    this.kind = kind;
  }

  onCall(call: GrpcServerCall): void {
    this.calls.push(call);
    this.log.push("call");
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    this.log.push(`message ${[...message].join()}`);
    this.reply(call);
  }

  onHalfClose(): void {
    this.log.push("half-close");
  }

  onCancel(call: GrpcServerCall): void {
    this.log.push(`cancel open=${call.open}`);
  }

  onWritable(): void {
    this.log.push("writable");
  }
}

const PEER = unprovenPeer("1.2.3.4:5");

interface Setup {
  readonly peer: RawPeer;
  readonly unary: Recorder;
  readonly stream: Recorder;
  readonly events: RecordedEvents;
  readonly connection: GrpcServerConnection;
}

function setup(limits: ServerConnectionOptions = {}, more: Partial<GrpcServerConfig> = {}): Setup {
  const unary = new Recorder("unary");
  const stream = new Recorder("stream");
  unary.reply = (call) => call.sendUnary(new Uint8Array([9]));
  const events = new RecordedEvents();
  const config: GrpcServerConfig = {
    lookup: (path) => (path === "/a.B/U" ? unary : path === "/a.B/S" ? stream : undefined),
    knowsService: (service) => service === "a.B",
    limits,
    ...more,
  };
  const connection = new GrpcServerConnection({ config, events, peer: PEER });
  const peer = new RawPeer(connection);
  return { peer: peer.greetServer(), unary, stream, events, connection };
}

const OK_HEADERS = ":status=200 content-type=application/grpc";

/** The answer to a call that a server refuses: status and text. */
function refused(code: number, text: string, httpStatus = 200): string[] {
  const status = `:status=${httpStatus} content-type=application/grpc grpc-status=${code}`;
  return [`1 HEADERS ${status} grpc-message=${text} end`, "1 RST_STREAM 0"];
}

describe("unary calls", () => {
  test("headers, message, trailers; the second answer is a few bytes", () => {
    const { peer, unary } = setup();
    peer.send(headersFrame(1, callFields("/a.B/U")), messageFrame(1, [1, 2], END_STREAM));
    expect(peer.readWords()).toEqual([
      `1 HEADERS ${OK_HEADERS}`,
      "1 DATA 6",
      "1 HEADERS grpc-status=0 end",
    ]);
    peer.send(headersFrame(3, callFields("/a.B/U")), messageFrame(3, [], END_STREAM));
    const frames = peer.read();
    expect(frames.map(({ payload }) => [...payload])).toEqual([
      [0x88, 0xbf],
      [0, 0, 0, 0, 1, 9],
      [0xbe],
    ]);
    expect(unary.log).toEqual(["call", "message 1,2", "call", "message "]);
  });

  test("answers stay readable when errors and table sizes change the tables in between", () => {
    const { peer, unary } = setup();
    let id = 1;
    const ask = (code: number): string | undefined => {
      unary.reply = (call) =>
        code === 0 ? call.sendUnary(EMPTY_BYTES) : call.sendStatus(code, "");
      peer.send(headersFrame(id, callFields("/a.B/U")), messageFrame(id, [], END_STREAM));
      id += 2;
      return peer
        .readWords()
        .at(-1)
        ?.replace(/^\d+ HEADERS /, "");
    };
    const ok = "grpc-status=0 end";
    const failed = (code: number): string => `${OK_HEADERS} grpc-status=${code} end`;
    expect([0, 0, 5, 0, 0, 14, 5, 0].map(ask)).toEqual([
      ok,
      ok,
      failed(5),
      ok,
      ok,
      failed(14),
      failed(5),
      ok,
    ]);
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0, 1, ...uint32(0)]));
    expect([0, 0, 5].map(ask)).toEqual([ok, ok, failed(5)]);
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0, 1, ...uint32(4096)]));
    expect([0, 5, 0, 0].map(ask)).toEqual([ok, failed(5), ok, ok]);
  });

  test("a message in pieces over frames of any size, ended by an empty frame", () => {
    const { peer, unary } = setup();
    peer.send(headersFrame(1, callFields("/a.B/U")));
    for (const byte of grpcMessage([5, 6, 7])) peer.send(frame(FrameType.DATA, 0, 1, [byte]));
    expect(unary.log).toEqual(["call"]);
    peer.send(frame(FrameType.DATA, END_STREAM, 1));
    expect(unary.log).toEqual(["call", "message 5,6,7"]);
    expect(peer.readWords().at(-1)).toBe("1 HEADERS grpc-status=0 end");
  });

  test("the request is told only when the client has ended its side", () => {
    const { peer, unary } = setup();
    const whole = messageFrame(1, [5]);
    peer.send(headersFrame(1, callFields("/a.B/U")));
    peer.endpoint.receive(whole, peer.nowMs);
    whole.fill(0xee);
    expect(unary.log).toEqual(["call"]);
    peer.send(headersFrame(1, [["x", "y"]], END_BOTH));
    expect(unary.log).toEqual(["call", "message 5"]);
  });

  test("an answer later, when several calls are open, in another order", () => {
    const { peer, unary } = setup();
    unary.reply = () => {};
    for (const id of [1, 3, 5]) {
      peer.send(headersFrame(id, callFields("/a.B/U")), messageFrame(id, [id], END_STREAM));
    }
    expect(peer.readWords()).toEqual([]);
    for (const call of unary.calls.reverse()) call.sendUnary(EMPTY_BYTES);
    expect(peer.readWords().filter((words) => words.includes("DATA"))).toEqual([
      "5 DATA 5",
      "3 DATA 5",
      "1 DATA 5",
    ]);
    expect((peer.endpoint as GrpcServerConnection).openCalls).toBe(0);
  });

  test("an error is one frame, its text percent-encoded", () => {
    const { peer, unary } = setup();
    unary.reply = (call) => call.sendStatus(11, "naïve 100%\n");
    peer.send(headersFrame(1, callFields("/a.B/U")), messageFrame(1, [1], END_STREAM));
    expect(peer.readWords()).toEqual([
      `1 HEADERS ${OK_HEADERS} grpc-status=11 grpc-message=na%C3%AFve 100%25%0A end`,
    ]);
  });

  test("trailers carry metadata, binary as base64, reserved names left out", () => {
    const { peer, unary } = setup();
    unary.reply = (call) =>
      call.sendStatus(5, "no", [
        { name: "x-a", value: "1" },
        { name: "x-b-bin", value: new Uint8Array([1, 2, 255, 7]) },
        { name: "grpc-status", value: "0" },
        { name: ":status", value: "500" },
      ]);
    peer.send(headersFrame(1, callFields("/a.B/U")), messageFrame(1, [1], END_STREAM));
    expect(peer.readWords()).toEqual([
      `1 HEADERS ${OK_HEADERS} grpc-status=5 grpc-message=no x-a=1 x-b-bin=AQL/Bw end`,
    ]);
  });

  test("no request is Internal", () => {
    const { peer, unary } = setup();
    peer.send(headersFrame(1, callFields("/a.B/U"), END_BOTH));
    const text = "cardinality violation: received no request message from non-client-streaming RPC";
    expect(peer.readWords()).toEqual(refused(13, text).slice(0, 1));
    expect(unary.log).toEqual(["call"]);
  });

  test("two requests are Internal", () => {
    const { peer, unary } = setup();
    const two = concatBytes([grpcMessage([1]), grpcMessage([2])]);
    peer.send(headersFrame(1, callFields("/a.B/U")), frame(FrameType.DATA, END_STREAM, 1, two));
    const text =
      "cardinality violation: received multiple request messages for non-client-streaming RPC";
    expect(peer.readWords()).toEqual(refused(13, text).slice(0, 1));
    expect(unary.log).toEqual(["call"]);
  });

  test("a request cut short is Internal", () => {
    const { peer } = setup();
    const cut = grpcMessage([1, 2, 3]).subarray(0, 6);
    peer.send(headersFrame(1, callFields("/a.B/U")), frame(FrameType.DATA, END_STREAM, 1, cut));
    expect(peer.readWords()).toEqual(refused(13, "unexpected EOF").slice(0, 1));
  });

  test("a message above the limit is refused by its prefix", () => {
    const { peer } = setup({ receiveMessageBytesMax: 10 });
    peer.send(headersFrame(1, callFields("/a.B/U")));
    peer.send(frame(FrameType.DATA, 0, 1, [0, 0, 0, 0, 11]));
    const text = "grpc: received message larger than max (11 vs. 10)";
    expect(peer.readWords()).toEqual(refused(8, text));
    peer.send(headersFrame(3, callFields("/a.B/U")));
    peer.send(messageFrame(3, new Uint8Array(10), END_STREAM));
    expect(peer.readWords()[1]).toBe("3 DATA 6");
  });

  test("onOutput is fired once until everything is taken", () => {
    const { peer, events } = setup();
    const before = events.outputs;
    peer.send(headersFrame(1, callFields("/a.B/U")), messageFrame(1, [1], END_STREAM));
    peer.send(headersFrame(3, callFields("/a.B/U")), messageFrame(3, [1], END_STREAM));
    expect(events.outputs).toBe(before + 1);
    peer.read();
    peer.send(headersFrame(5, callFields("/a.B/U")), messageFrame(5, [1], END_STREAM));
    expect(events.outputs).toBe(before + 2);
  });
});

describe("streaming calls", () => {
  test("several messages in one frame, answers in between, half-close, status", () => {
    const { peer, stream } = setup();
    stream.reply = (call) => {
      call.sendMessage(new Uint8Array([1]));
    };
    const three = concatBytes([grpcMessage([1]), grpcMessage([]), grpcMessage([3])]);
    peer.send(headersFrame(1, callFields("/a.B/S")), frame(FrameType.DATA, 0, 1, three));
    peer.send(frame(FrameType.DATA, END_STREAM, 1));
    expect(stream.log).toEqual(["call", "message 1", "message ", "message 3", "half-close"]);
    stream.calls[0].sendStatus(0, "");
    expect(peer.readWords()).toEqual([
      `1 HEADERS ${OK_HEADERS}`,
      "1 DATA 6",
      "1 DATA 6",
      "1 DATA 6",
      "1 HEADERS grpc-status=0 end",
    ]);
  });

  test("a status before the client's half-close is followed by RST_STREAM NO_ERROR", () => {
    const { peer, stream } = setup();
    peer.send(headersFrame(1, callFields("/a.B/S")));
    stream.calls[0].sendHeaders([{ name: "x", value: "y" }]);
    stream.calls[0].sendStatus(0, "");
    expect(peer.readWords()).toEqual([
      `1 HEADERS ${OK_HEADERS} x=y`,
      "1 HEADERS grpc-status=0 end",
      "1 RST_STREAM 0",
    ]);
    peer.send(messageFrame(1, [1], END_STREAM));
    expect(stream.log).toEqual(["call"]);
  });

  test("a message in two parts is the same message, written at once or queued", () => {
    const { peer, stream } = setup();
    const payloadOf = (): number[] =>
      peer
        .read()
        .filter(({ type }) => type === FrameType.DATA)
        .flatMap(({ payload }) => [...payload]);
    for (const [id, headLength, bodyLength] of [
      [1, 3, 4],
      [3, 0, 100],
      [5, 7, 0],
      [7, 9, 60_000],
      [9, 2, 70_000],
    ]) {
      peer.send(headersFrame(id, callFields("/a.B/S")));
      peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(200_000)));
      const head = new Uint8Array(16).fill(id);
      const body = new Uint8Array(bodyLength).fill(id + 1);
      const hasRoom = stream.calls.at(-1)?.sendParts(head, headLength, body);
      head.fill(99);
      expect(hasRoom).toBe(bodyLength < 65_000);
      peer.send(frame(FrameType.WINDOW_UPDATE, 0, id, uint32(10_000)));
      const expected = [...new Array<number>(headLength).fill(id), ...body];
      expect(payloadOf()).toEqual([0, ...uint32(expected.length), ...expected]);
    }
  });

  test("answers beyond the window wait, the handler is told to stop and to go on", () => {
    const { peer, stream } = setup();
    peer.send(headersFrame(1, callFields("/a.B/S")));
    const [call] = stream.calls;
    const message = new Uint8Array(40_000);
    expect(call.sendMessage(message)).toBe(true);
    expect(call.sendMessage(message)).toBe(false);
    call.sendMessage(message);
    const sent = peer.read().filter(({ type }) => type === FrameType.DATA);
    expect(sent.map(({ payload }) => payload.length)).toEqual([16384, 16384, 16384, 16383]);
    expect(stream.log).toEqual(["call"]);
    peer.send(
      frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(45_000)),
      frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(45_000)),
    );
    peer.read();
    expect(stream.log).toEqual(["call", "writable"]);
    call.sendStatus(0, "");
    expect(peer.readWords()).toEqual([]);
    peer.send(
      frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(45_000)),
      frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(45_000)),
    );
    expect(peer.readWords().slice(-2)).toEqual(["1 HEADERS grpc-status=0 end", "1 RST_STREAM 0"]);
  });

  test("streams take turns when the connection's window is short", () => {
    const { peer, stream } = setup();
    const ids = [1, 3, 5];
    for (const id of ids) peer.send(headersFrame(id, callFields("/a.B/S")));
    for (const call of stream.calls) call.sendMessage(new Uint8Array(60_000));
    const turns = peer.readWords().filter((words) => words.includes("DATA"));
    expect(turns).toEqual(["1 DATA 16384", "3 DATA 16384", "5 DATA 16384", "1 DATA 16383"]);
  });

  test("a reset while answers wait forgets them", () => {
    const { peer, stream } = setup();
    peer.send(headersFrame(1, callFields("/a.B/S")));
    stream.calls[0].sendMessage(new Uint8Array(100_000));
    peer.read();
    peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(8)));
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(100_000)));
    expect(peer.readWords()).toEqual([]);
    expect(stream.log).toEqual(["call", "cancel open=false"]);
  });
});

describe("refusals before a handler is asked", () => {
  const call = (peer: RawPeer, path: string, ...more: readonly Field[]): string[] =>
    peer.send(headersFrame(1, callFields(path, ...more))).readWords();

  test.each([
    ["an unknown method", "/a.B/X", 12, "unknown method X for service a.B"],
    ["an unknown service", "/a.C/X", 12, "unknown service a.C"],
    ["a path without slash", "x", 12, 'malformed method name: "x"'],
    ["a path of one part", "/x", 12, 'malformed method name: "/x"'],
  ])("%s", (_, path, code, text) => {
    expect(call(setup().peer, path)).toEqual(refused(code, text));
  });

  test("another content type is 415", () => {
    const { peer } = setup();
    peer.send(
      headersFrame(1, [...callFields("/a.B/U").slice(0, 4), ["content-type", "text/html"]]),
    );
    expect(peer.readWords()).toEqual(
      refused(3, 'invalid gRPC request content-type "text/html"', 415),
    );
  });

  test("application/grpcx is not gRPC, +proto and ;x are, and the answer repeats the subtype", () => {
    const { peer } = setup();
    const typed = (id: number, type: string): Uint8Array[] => [
      headersFrame(id, [...callFields("/a.B/U").slice(0, 4), ["content-type", type]]),
      messageFrame(id, [1], END_STREAM),
    ];
    peer.send(...typed(1, "application/grpcx"));
    expect(peer.readWords()[0]).toContain(":status=415");
    peer.send(...typed(3, "application/grpc+proto"));
    expect(peer.readWords()[0]).toBe("3 HEADERS :status=200 content-type=application/grpc+proto");
    peer.send(...typed(5, "application/grpc;foo"));
    expect(peer.readWords()[0]).toBe("5 HEADERS :status=200 content-type=application/grpc+foo");
  });

  test("another method than POST is 405", () => {
    const { peer } = setup();
    peer.send(headersFrame(1, [[":method", "PUT"], ...callFields("/a.B/U").slice(1)]));
    const text = 'Received a HEADERS frame with :method "PUT" which should be POST';
    expect(peer.readWords()).toEqual(refused(13, text, 405));
  });

  test.each([
    ["1", 'transport: timeout string is too short: "1"'],
    ["123456789S", 'transport: timeout string is too long: "123456789S"'],
    ["1x", 'transport: timeout unit is not recognized: "1x"'],
    ["aS", 'strconv.ParseInt: parsing "a": invalid syntax'],
  ])("grpc-timeout %s is 400", (timeout, text) => {
    expect(call(setup().peer, "/a.B/U", ["grpc-timeout", timeout])).toEqual(
      refused(13, `malformed grpc-timeout: ${text}`, 400),
    );
  });

  test("binary metadata that is not base64 is 400", () => {
    const text =
      'malformed binary metadata "a!" in header "x-bin": illegal base64 data at input byte 1';
    expect(call(setup().peer, "/a.B/U", ["x-bin", "a!"])).toEqual(refused(13, text, 400));
  });

  test("two host headers are 400", () => {
    const words = call(setup().peer, "/a.B/U", ["host", "a"], ["host", "b"]);
    expect(words[0]).toContain(":status=400");
    expect(words[0]).toContain("num values of host: 2");
  });

  test("a header list above the limit is reset, and the connection goes on", () => {
    const { peer } = setup({ headerListBytesMax: 1000 });
    expect(call(peer, "/a.B/U", ["x", "v".repeat(900)])).toEqual(["1 RST_STREAM 6"]);
    peer.send(headersFrame(3, callFields("/a.B/U")), messageFrame(3, [1], END_STREAM));
    expect(peer.readWords()[1]).toBe("3 DATA 6");
  });
});

describe("deadlines", () => {
  test("DEADLINE_EXCEEDED when it passes, and the handler is told", () => {
    const { peer, unary } = setup();
    unary.reply = () => {};
    peer.send(
      headersFrame(1, callFields("/a.B/U", ["grpc-timeout", "50m"])),
      messageFrame(1, [1], END_STREAM),
    );
    expect(unary.calls[0].deadlineMs).toBe(1050);
    expect(peer.endpoint.nextTickMs()).toBe(1050);
    peer.advance(49);
    expect(peer.readWords()).toEqual([]);
    peer.advance(1);
    expect(peer.readWords()).toEqual(refused(4, "context deadline exceeded").slice(0, 1));
    expect(unary.log.at(-1)).toBe("cancel open=false");
    unary.calls[0].sendUnary(EMPTY_BYTES);
    expect(peer.readWords()).toEqual([]);
  });

  test("every call of a client that indexes its headers has its own timeout and metadata", () => {
    const { peer, stream } = setup();
    const literal = (name: string, value: string): number[] => [
      0,
      name.length,
      ...bytesFromLatin1(name),
      value.length,
      ...bytesFromLatin1(value),
    ];
    const indexed = (name: string, value: string): number[] => [
      0x40,
      ...literal(name, value).slice(1),
    ];
    // Newest first, from 62: content-type, :path.
    const first = [
      0x83,
      0x86,
      ...indexed(":path", "/a.B/S"),
      ...indexed("content-type", "application/grpc"),
    ];
    const again = [0x83, 0x86, 0xbf, 0xbe];
    const call = (id: number, block: readonly number[], ...more: readonly number[]): Uint8Array =>
      frame(FrameType.HEADERS, 4, id, [...block, ...more]);
    peer.send(
      call(1, first, ...literal("grpc-timeout", "100m")),
      call(3, again, ...literal("grpc-timeout", "200m")),
      call(5, again, ...literal("grpc-timeout", "300m")),
      call(7, again),
      call(9, again, ...literal("grpc-timeout", "400m"), ...literal("token", "x")),
      call(11, again, ...literal("grpc-timeout", "500m"), ...literal("token", "y")),
      call(13, again, ...literal("grpc-timeout", "600m")),
      call(15, again, ...literal("grpc-timeout", "bad")),
      call(17, again, ...literal("grpc-timeout", "0m")),
      call(19, again, ...literal("grpc-timeout", "700m")),
    );
    const seen = stream.calls.map((each) => [each.deadlineMs - 1000, each.get("token")]);
    expect(seen).toEqual([
      [100, undefined],
      [200, undefined],
      [300, undefined],
      [Number.POSITIVE_INFINITY, undefined],
      [400, "x"],
      [500, "y"],
      [600, undefined],
      [700, undefined],
    ]);
    const refusedCalls = peer.readWords().filter((words) => words.includes("HEADERS"));
    expect(refusedCalls.map((words) => words.slice(0, 22))).toEqual([
      "15 HEADERS :status=400",
      "17 HEADERS :status=200",
    ]);
  });

  test("a timeout of nothing is over at once", () => {
    const { peer } = setup();
    peer.send(headersFrame(1, callFields("/a.B/U", ["grpc-timeout", "0S"]), END_BOTH));
    expect(peer.readWords()).toEqual(refused(4, "context deadline exceeded").slice(0, 1));
  });

  test("many deadlines, answered calls among them", () => {
    const { peer, unary } = setup();
    unary.reply = () => {};
    for (let i = 0; i < 40; i++) {
      const timeout = `${100 + i * 10}m`;
      const id = 2 * i + 1;
      peer.send(headersFrame(id, callFields("/a.B/U", ["grpc-timeout", timeout])));
      peer.send(messageFrame(id, [1], END_STREAM));
    }
    for (let i = 0; i < 40; i += 2) unary.calls[i].sendUnary(EMPTY_BYTES);
    peer.read();
    peer.advance(99);
    for (let at = 100; at <= 490; at += 10) {
      peer.advance(peer.endpoint.nextTickMs() <= peer.nowMs + 1 ? 1 : 10);
    }
    peer.advance(1000);
    expect(peer.endpoint.nextTickMs()).toBeGreaterThan(peer.nowMs + 1000);
    const cancelled = unary.log.filter((line) => line.startsWith("cancel"));
    expect(cancelled).toHaveLength(20);
  });

  test("with half a message on its way the stream is reset", () => {
    const { peer, stream } = setup();
    peer.send(headersFrame(1, callFields("/a.B/S", ["grpc-timeout", "1S"])));
    stream.calls[0].sendMessage(new Uint8Array(100_000));
    peer.read();
    peer.advance(1000);
    expect(peer.readWords()).toEqual(["1 RST_STREAM 8"]);
    expect(stream.log.at(-1)).toBe("cancel open=false");
  });
});

describe("metadata", () => {
  test("get, getAll, getBytes and metadata show what grpc-go shows", () => {
    const { peer, stream } = setup();
    const fields = callFields(
      "/a.B/S",
      ["user-agent", "test/1"],
      ["token", "t1"],
      ["token", "t2"],
      ["k-bin", "AQI"],
      ["p-bin", "AQI="],
      ["grpc-timeout", "9S"],
      ["grpc-accept-encoding", "gzip"],
    );
    peer.send(headersFrame(1, fields));
    const [call] = stream.calls;
    expect(call.path).toBe("/a.B/S");
    expect(call.peer).toBe(PEER);
    expect(call.get("token")).toBe("t1");
    expect(call.getAll("token")).toEqual(["t1", "t2"]);
    expect(call.getBytes("k-bin")).toEqual(new Uint8Array([1, 2]));
    expect(call.getBytes("p-bin")).toEqual(new Uint8Array([1, 2]));
    expect(call.getBytes("token")).toBeUndefined();
    expect(call.get("te")).toBeUndefined();
    expect(call.get("grpc-timeout")).toBeUndefined();
    expect(call.get("absent")).toBeUndefined();
    expect(call.get(":authority")).toBe("member:2379");
    expect(call.metadata()).toEqual([
      { name: ":authority", value: "member:2379" },
      { name: "content-type", value: "application/grpc" },
      { name: "user-agent", value: "test/1" },
      { name: "token", value: "t1" },
      { name: "token", value: "t2" },
      { name: "k-bin", value: new Uint8Array([1, 2]) },
      { name: "p-bin", value: new Uint8Array([1, 2]) },
      { name: "grpc-accept-encoding", value: "gzip" },
    ]);
  });

  test("host stands in for a missing :authority", () => {
    const { peer, stream } = setup();
    const fields = callFields("/a.B/S").filter(([name]) => name !== ":authority");
    peer.send(headersFrame(1, [...fields, ["host", "h:1"]]));
    expect(stream.calls[0].get(":authority")).toBe("h:1");
    expect(stream.calls[0].metadata()[1]).toEqual({ name: ":authority", value: "h:1" });
  });

  test("status metadata above the peer's MAX_HEADER_LIST_SIZE resets the stream", () => {
    const { peer, unary } = setup();
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0, 6, ...uint32(300)]));
    peer.read();
    unary.reply = (call) => call.sendStatus(3, "x".repeat(300));
    peer.send(headersFrame(1, callFields("/a.B/U")), messageFrame(1, [1], END_STREAM));
    expect(peer.readWords()).toEqual(["1 RST_STREAM 2"]);
  });
});

describe("compression", () => {
  /** "Compression" by doubling: every byte stands for two. */
  const inflate = (bytes: Uint8Array, limit: number): Uint8Array | undefined =>
    bytes[0] === 0xff
      ? undefined
      : new Uint8Array([...bytes].flatMap((byte) => [byte, byte])).subarray(0, limit + 1);

  const compressed = (peer: RawPeer, encoding: string, message: readonly number[], flag = 1) =>
    peer
      .send(
        headersFrame(1, callFields("/a.B/U", ["grpc-encoding", encoding])),
        frame(FrameType.DATA, END_STREAM, 1, grpcMessage(message, flag)),
      )
      .readWords();

  test("gzip is unpacked where the shell can; plain messages pass as they are", () => {
    const { peer, unary } = setup({}, { inflate });
    compressed(peer, "gzip", [1, 2]);
    expect(unary.log.at(-1)).toBe("message 1,1,2,2");
    const next = setup({}, { inflate });
    compressed(next.peer, "gzip", [1, 2], 0);
    expect(next.unary.log.at(-1)).toBe("message 1,2");
  });

  test("an encoding nobody knows is UNIMPLEMENTED and names the known ones", () => {
    const text = 'grpc: Decompressor is not installed for grpc-encoding "snappy"';
    const { peer } = setup({}, { inflate });
    expect(compressed(peer, "snappy", [1])[0]).toBe(
      `1 HEADERS ${OK_HEADERS} grpc-status=12 grpc-message=${text} grpc-accept-encoding=identity,gzip end`,
    );
  });

  test("gzip without the shell's help is UNIMPLEMENTED", () => {
    expect(compressed(setup().peer, "gzip", [1])[0]).toContain("grpc-accept-encoding=identity end");
  });

  test("a bomb stops at the limit", () => {
    const { peer } = setup({ receiveMessageBytesMax: 5 }, { inflate });
    const text = "grpc: received message after decompression larger than max (6 vs. 5)";
    expect(compressed(peer, "gzip", [1, 2, 3, 4, 5])).toEqual(refused(8, text).slice(0, 1));
  });

  test.each([
    ["identity", 1, 13, "grpc: compressed flag set with identity or empty encoding"],
    ["gzip", 7, 13, "grpc: received unexpected payload format 7"],
  ])("encoding %s with flag %i is code %i", (encoding, flag, code, text) => {
    const words = compressed(setup({}, { inflate }).peer, encoding, [1], flag);
    expect(words).toEqual(refused(code, text).slice(0, 1));
  });

  test("what does not unpack is Internal", () => {
    const words = compressed(setup({}, { inflate }).peer, "gzip", [0xff]);
    expect(words[0]).toContain("grpc: failed to decompress the received message");
  });
});

describe("the end of a connection", () => {
  test("drain: GOAWAY twice, calls in between are served, then it closes", () => {
    const { peer, stream, events } = setup();
    peer.send(headersFrame(1, callFields("/a.B/S")));
    peer.endpoint.drain();
    peer.endpoint.drain();
    const [goAway, ping] = peer.read();
    expect([...goAway.payload.subarray(0, 8)]).toEqual([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    peer.send(headersFrame(3, callFields("/a.B/S")));
    peer.send(frame(FrameType.PING, 1, 0, ping.payload));
    expect(peer.readWords()).toEqual(["GOAWAY 3 0 graceful_stop"]);
    peer.send(headersFrame(5, callFields("/a.B/S")), messageFrame(5, [1], END_STREAM));
    expect(peer.readWords()).toEqual(["5 RST_STREAM 7"]);
    expect(stream.calls).toHaveLength(2);
    stream.calls[0].sendStatus(0, "");
    expect(peer.endpoint.shouldClose).toBe(false);
    stream.calls[1].sendStatus(0, "");
    expect(peer.endpoint.shouldClose).toBe(true);
    expect(peer.readWords().at(-2)).toContain("3 HEADERS");
    expect(events.closed).toEqual(["graceful stop"]);
  });

  test("endStreams: streams end with the status, calls of one message go on", () => {
    const { peer, unary, stream, connection } = setup();
    unary.reply = () => {};
    peer.send(headersFrame(1, callFields("/a.B/S")), messageFrame(1, [1], 0));
    peer.send(headersFrame(3, callFields("/a.B/U")), messageFrame(3, [2], END_STREAM));
    connection.endStreams(14, "stopped");
    expect(peer.readWords()).toEqual(refused(14, "stopped"));
    expect(stream.log).toEqual(["call", "message 1", "cancel open=false"]);
    unary.calls[0].sendUnary(EMPTY_BYTES);
    expect(peer.readWords()[0]).toBe(`3 HEADERS ${OK_HEADERS}`);
    expect(unary.log).toEqual(["call", "message 2"]);
  });

  test("drain: a PING that is not answered does not hold it up", () => {
    const { peer } = setup();
    peer.endpoint.drain();
    peer.read();
    peer.advance(5000);
    expect(peer.readWords()).toEqual(["GOAWAY 0 0 graceful_stop"]);
    expect(peer.endpoint.shouldClose).toBe(true);
  });

  test("a client that goes away is served to the end", () => {
    const { peer, stream } = setup();
    peer.send(
      headersFrame(1, callFields("/a.B/S")),
      frame(FrameType.GOAWAY, 0, 0, new Uint8Array(8)),
    );
    const [, ping] = peer.read();
    peer.send(frame(FrameType.PING, 1, 0, ping.payload));
    stream.calls[0].sendStatus(0, "");
    expect(peer.endpoint.shouldClose).toBe(true);
  });

  test("a lost socket cancels every call, and nothing comes out any more", () => {
    const { peer, stream, events } = setup();
    for (const id of [1, 3]) peer.send(headersFrame(id, callFields("/a.B/S")));
    peer.endpoint.socketClosed("read: connection reset by peer");
    expect(stream.log.filter((line) => line.startsWith("cancel"))).toHaveLength(2);
    stream.calls[0].sendMessage(new Uint8Array(1));
    expect(peer.endpoint.takeOutput()).toBeUndefined();
    expect(events.closed).toEqual(["read: connection reset by peer"]);
    peer.endpoint.socketClosed("again");
    expect(events.closed).toHaveLength(1);
  });

  test("close tells the client why and ends at once", () => {
    const { peer, stream } = setup();
    peer.send(headersFrame(1, callFields("/a.B/S")));
    peer.endpoint.close("shutting down");
    expect(peer.readWords()).toEqual(["GOAWAY 1 0 shutting down"]);
    expect(stream.log.at(-1)).toBe("cancel open=false");
    expect(peer.endpoint.closeReason).toBe("shutting down");
  });

  test("a handshake that does not come ends the connection", () => {
    const events = new RecordedEvents();
    const config = { lookup: () => undefined, limits: { handshakeTimeoutMs: 3000 } };
    const peer = new RawPeer(new GrpcServerConnection({ config, events }));
    expect(peer.endpoint.nextTickMs()).toBe(4000);
    peer.send(bytesFromLatin1("PRI * "));
    peer.advance(3000);
    expect(peer.endpoint.shouldClose).toBe(true);
  });
});

describe("requests that are not gRPC", () => {
  const get: Field[] = [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/health?x=1"],
    [":authority", "h"],
    ["accept", "*/*"],
  ];

  const collect = (request: HttpServerRequest): { readonly chunks: string[] } => {
    const chunks: string[] = [];
    request.readBody({
      onBytes: (bytes) => chunks.push(latin1FromBytes(bytes)),
      onEnd: () => chunks.push("end"),
      onFailed: ({ message }) => chunks.push(message),
    });
    return { chunks };
  };

  function open(fields: Field[], flags?: number): { peer: RawPeer; request: HttpServerRequest } {
    const requests: HttpServerRequest[] = [];
    const limits = { streamWindowBytes: 65_535 };
    const { peer } = setup(limits, { onPlainRequest: (each) => requests.push(each) });
    peer.send(headersFrame(1, fields, flags));
    expect(requests).toHaveLength(1);
    return { peer, request: requests[0] };
  }

  const streamHandler = (): { events: string[]; onWritable(): void; onClosed(): void } => {
    const events: string[] = [];
    return {
      events,
      onWritable: () => events.push("writable"),
      onClosed: () => events.push("closed"),
    };
  };

  test("are handed out with their heads, and answered", () => {
    const post: Field[] = [[":method", "POST"], ...get.slice(1), ["content-length", "4"]];
    const { peer, request } = open(post);
    expect([request.method, request.path, request.query, request.host, request.secure]).toEqual([
      "POST",
      "/health",
      "x=1",
      "h",
      true,
    ]);
    expect(request.header("accept")).toBe("*/*");
    expect(request.header(":path")).toBe("");
    expect(request.headers().map(({ name }) => name)).toEqual(["accept", "content-length"]);
    expect(request.upgrade({})).toBeUndefined();
    peer.send(frame(FrameType.DATA, 0, 1, bytesFromLatin1("ab")));
    const { chunks } = collect(request);
    peer.send(frame(FrameType.DATA, END_STREAM, 1, bytesFromLatin1("cd")));
    expect(chunks).toEqual(["ab", "cd", "end"]);
    request.setHeader("X-Preset", "1");
    const headers = { "Content-Type": "text/plain", Connection: "close", "Set-Cookie": ["a", "b"] };
    request.respond(404, headers, bytesFromUtf8("no"));
    expect(peer.readWords()).toEqual([
      "1 HEADERS :status=404 x-preset=1 content-type=text/plain set-cookie=a set-cookie=b content-length=2",
      "1 DATA 2",
      "1 DATA 0 end",
    ]);
  });

  test("by HEAD are answered without a body", () => {
    const { peer, request } = open([[":method", "HEAD"], ...get.slice(1)], END_BOTH);
    request.respond(200, {}, bytesFromUtf8("no"));
    expect(peer.readWords()).toEqual(["1 HEADERS :status=200 content-length=2", "1 DATA 0 end"]);
  });

  test("have no more of their body than a window until somebody reads it", () => {
    const { peer, request } = open([[":method", "POST"], ...get.slice(1)]);
    const piece = frame(FrameType.DATA, 0, 1, new Uint8Array(16_000));
    for (let i = 0; i < 4; i++) peer.send(piece);
    const granted = (): string[] =>
      peer.readWords().filter((words) => words.startsWith("1 WINDOW_UPDATE"));
    expect(granted()).toEqual([]);
    const { chunks } = collect(request);
    expect(chunks).toHaveLength(4);
    expect(granted()).toHaveLength(1);
    request.pause();
    for (let i = 0; i < 3; i++) peer.send(piece);
    expect(chunks).toHaveLength(4);
    expect(granted()).toEqual([]);
    request.resume();
    expect(chunks).toHaveLength(7);
    peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(8)));
    expect(chunks.at(-1)).toBe("unexpected EOF");
  });

  test("may be answered in pieces, with room asked for", () => {
    const { peer, request } = open(get, END_BOTH);
    const handler = streamHandler();
    const stream = request.stream(200, {}, handler);
    expect(stream.write([new Uint8Array(60_000)])).toBe(true);
    expect(stream.write([new Uint8Array(30_000), new Uint8Array(30_000)])).toBe(false);
    peer.read();
    for (const id of [0, 1]) peer.send(frame(FrameType.WINDOW_UPDATE, 0, id, uint32(100_000)));
    peer.read();
    expect(handler.events).toEqual(["writable"]);
    stream.end();
    expect(peer.readWords()).toEqual(["1 DATA 0 end"]);
  });

  test("tell when the client goes away, before and during the answer", () => {
    const reset = frame(FrameType.RST_STREAM, 0, 1, uint32(8));
    const before = open(get, END_BOTH);
    let gone = 0;
    before.request.onGone = () => {
      gone++;
    };
    before.peer.send(reset);
    expect(gone).toBe(1);
    const during = open(get, END_BOTH);
    const handler = streamHandler();
    during.request.stream(200, {}, handler);
    during.peer.send(reset);
    expect(handler.events).toEqual(["closed"]);
  });

  test("are cut by their handler with RST_STREAM", () => {
    const { peer, request } = open(get, END_BOTH);
    request.destroy();
    expect(peer.readWords()).toEqual(["1 RST_STREAM 2"]);
  });
});
