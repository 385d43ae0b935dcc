import { describe, expect, test } from "vitest";
import { bytesFromLatin1, concatBytes, EMPTY_BYTES } from "../stdx/bytes.ts";
import { GrpcClientConnection } from "./grpc-client.ts";
import type { GrpcClientCall, GrpcStatus, GrpcStreamHandlers } from "./grpc-client-types.ts";
import { EMPTY_METADATA, type GrpcMetadata } from "./grpc-metadata.ts";
import { STREAM_ID_MAX } from "./limits.ts";
import type { ClientConnectionOptions } from "./options.ts";
import { ErrorCode, FLAG_ACK, FrameType } from "./protocol.ts";
import { MemoryLink, RecordedEvents } from "./testing/memory-link.ts";
import {
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

const OK: Field[] = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];
const OK_TRAILERS: Field[] = [["grpc-status", "0"]];

/** What became of a unary call. */
interface Outcome {
  status: GrpcStatus | undefined;
  message: number[] | undefined;
  times: number;
}

class Caller implements GrpcStreamHandlers {
  readonly log: string[] = [];

  onHeaders(_: GrpcClientCall, metadata: GrpcMetadata): void {
    this.log.push(`headers ${metadata.length}`);
  }

  onMessage(_: GrpcClientCall, message: Uint8Array): void {
    this.log.push(`message ${[...message].join()}`);
  }

  onStatus(call: GrpcClientCall, status: GrpcStatus): void {
    this.log.push(`status ${status.code} ${status.message} open=${call.open}`);
  }

  onWritable(): void {
    this.log.push("writable");
  }
}

interface Setup {
  readonly client: GrpcClientConnection;
  readonly peer: RawPeer;
  readonly events: RecordedEvents;
  now: number;
}

function setup(limits: ClientConnectionOptions = {}, settings: readonly number[] = []): Setup {
  const events = new RecordedEvents();
  const state = { now: 1000 };
  const client = new GrpcClientConnection({
    authority: "member:2379",
    userAgent: "test/1",
    events,
    clock: { nowMs: () => state.now },
    limits,
  });
  const peer = new RawPeer(client).greetClient(settings);
  return Object.assign(state, { client, peer, events });
}

function unary(
  client: GrpcClientConnection,
  metadata: GrpcMetadata = EMPTY_METADATA,
  deadlineMs = Number.POSITIVE_INFINITY,
): Outcome & { call: GrpcClientCall } {
  const outcome: Outcome = { status: undefined, message: undefined, times: 0 };
  const call = client.unary(
    "/a.B/C",
    metadata,
    new Uint8Array([1, 2]),
    { deadlineMs },
    (status, message) => {
      outcome.status = status;
      outcome.message = message === undefined ? undefined : [...message];
      outcome.times++;
    },
  );
  return Object.assign(outcome, { call });
}

const REQUEST =
  ":method=POST :scheme=http :path=/a.B/C :authority=member:2379 " +
  "content-type=application/grpc user-agent=test/1 te=trailers";

describe("unary calls", () => {
  test("one request, one answer; a repeated request costs seven bytes of headers", () => {
    const { client, peer } = setup();
    const first = unary(client);
    expect(peer.readWords()).toEqual([`1 HEADERS ${REQUEST}`, "1 DATA 7 end"]);
    peer.send(headersFrame(1, OK), messageFrame(1, [7]), headersFrame(1, OK_TRAILERS, END_BOTH));
    expect(first).toMatchObject({
      status: { code: 0, message: "", trailers: [], unprocessed: false },
      message: [7],
      times: 1,
    });
    expect(first.call.open).toBe(false);
    unary(client);
    expect(peer.read()[0].payload.length).toBe(7);
  });

  test("a message that the chunk's end separates from its status is kept", () => {
    const { client, peer } = setup();
    const both = [unary(client), unary(client)];
    const chunk = concatBytes([
      headersFrame(1, OK),
      messageFrame(1, [7]),
      headersFrame(3, OK),
      messageFrame(3, [8]),
    ]);
    peer.endpoint.receive(chunk, 1);
    chunk.fill(0xee);
    const ends = [headersFrame(3, OK_TRAILERS, END_BOTH), headersFrame(1, OK_TRAILERS, END_BOTH)];
    peer.send(...ends);
    expect(both.map(({ message }) => message)).toEqual([[7], [8]]);
  });

  test("metadata goes out, comes back, and -bin is bytes", () => {
    const { client, peer } = setup();
    const call = unary(client, [
      { name: "token", value: "t" },
      { name: "k-bin", value: new Uint8Array([255, 254]) },
      { name: "te", value: "gzip" },
    ]);
    expect(peer.readWords()[0]).toBe(`1 HEADERS ${REQUEST} token=t k-bin=//4`);
    peer.send(
      headersFrame(1, [...OK, ["x-head", "1"]]),
      messageFrame(1, []),
      headersFrame(1, [...OK_TRAILERS, ["x-bin", "AQ"]], END_BOTH),
    );
    expect(call.call.headers).toEqual([
      { name: "content-type", value: "application/grpc" },
      { name: "x-head", value: "1" },
    ]);
    expect(call.status?.trailers).toEqual([{ name: "x-bin", value: new Uint8Array([1]) }]);
  });

  test("an answer that is only a status", () => {
    const { client, peer } = setup();
    const call = unary(client);
    peer.send(
      headersFrame(1, [...OK, ["grpc-status", "5"], ["grpc-message", "n%C3%A4%"]], END_BOTH),
    );
    expect(call.status).toMatchObject({ code: 5, message: "nä%" });
    expect(call.message).toBeUndefined();
  });

  test("the deadline is told to the server and kept by the client", () => {
    const state = setup();
    state.now = 2000;
    const call = unary(state.client, EMPTY_METADATA, 2250.5);
    expect(state.peer.readWords()[0]).toBe(`1 HEADERS ${REQUEST} grpc-timeout=250500u`);
    state.peer.nowMs = 2250;
    state.peer.advance(0);
    expect(call.times).toBe(0);
    state.peer.advance(1);
    expect(call.status).toMatchObject({ code: 4, message: "context deadline exceeded" });
    expect(state.peer.readWords()).toEqual(["1 RST_STREAM 8"]);
  });

  test("a deadline in the past ends the call without a stream", () => {
    const { client, peer } = setup();
    const call = unary(client, EMPTY_METADATA, 999);
    expect(call.status).toMatchObject({ code: 4, unprocessed: true });
    expect(peer.readWords()).toEqual([]);
  });

  test("cancel resets the stream; what comes later is ignored", () => {
    const { client, peer } = setup();
    const call = unary(client);
    call.call.cancel();
    call.call.cancel();
    expect(call).toMatchObject({ status: { code: 1, message: "context canceled" }, times: 1 });
    peer.read();
    peer.send(headersFrame(1, OK), messageFrame(1, [7]), headersFrame(1, OK_TRAILERS, END_BOTH));
    expect(peer.readWords()).toEqual([]);
    expect(call.times).toBe(1);
  });

  test("metadata that cannot be sent is Internal, in grpc-go's words", () => {
    const { client } = setup();
    expect(unary(client, [{ name: "a", value: "\n" }]).status).toMatchObject({
      code: 13,
      message: 'header key "a" contains value with non-printable ASCII characters',
    });
    expect(unary(client, [{ name: "A b", value: "" }]).status).toMatchObject({
      code: 13,
      message: 'header key "A b" contains illegal characters not in [0-9a-z-_.]',
    });
  });

  test("a request list above the server's MAX_HEADER_LIST_SIZE is Internal", () => {
    const { client, peer } = setup({}, [0, 6, ...uint32(500)]);
    const call = unary(client, [{ name: "a", value: "v".repeat(300) }]);
    expect(call.status?.message).toContain("violates the maximum size (500 bytes) set by server");
    expect(peer.readWords()).toEqual([]);
  });

  test.each<[string, readonly Field[], number, string]>([
    [
      "no status",
      [["content-type", "application/grpc"]],
      13,
      "malformed header: missing HTTP status",
    ],
    [
      "another HTTP status",
      [
        [":status", "503"],
        ["content-type", "text/html"],
      ],
      14,
      "unexpected HTTP status code received from server: 503 (Service Unavailable); " +
        'transport: received unexpected content-type "text/html"',
    ],
    ["no content type", [[":status", "200"]], 2, "malformed header: missing HTTP content-type"],
  ])("a response with %s is not gRPC", (_, fields, code, message) => {
    const { client, peer } = setup();
    const call = unary(client);
    peer.read();
    peer.send(headersFrame(1, fields));
    expect(call.status).toMatchObject({ code, message });
    expect(peer.readWords()).toEqual(["1 RST_STREAM 1"]);
  });

  test.each<[string, readonly Uint8Array[], number, string]>([
    ["no message", [headersFrame(1, OK_TRAILERS, END_BOTH)], 13, "received no response message"],
    ["two messages", [messageFrame(1, [1]), messageFrame(1, [2])], 13, "received another message"],
    [
      "DATA at the end",
      [messageFrame(1, [1], END_STREAM)],
      13,
      "server closed the stream without sending trailers",
    ],
    [
      "a cut message",
      [
        frame(FrameType.DATA, 0, 1, grpcMessage([1, 2]).subarray(0, 6)),
        headersFrame(1, OK_TRAILERS, END_BOTH),
      ],
      13,
      "unexpected EOF",
    ],
    ["no grpc-status", [headersFrame(1, [["a", "b"]], END_BOTH)], 2, ""],
    [
      "a broken grpc-status",
      [headersFrame(1, [["grpc-status", "x"]], END_BOTH)],
      13,
      'transport: malformed grpc-status: strconv.ParseInt: parsing "x": invalid syntax',
    ],
    [
      "headers in the middle",
      [headersFrame(1, [["a", "b"]])],
      13,
      "a HEADERS frame cannot appear in the middle of a stream",
    ],
    [
      "a compressed message",
      [frame(FrameType.DATA, 0, 1, grpcMessage([1], 1))],
      13,
      "grpc: compressed flag set with identity or empty encoding",
    ],
    [
      "an unknown message form",
      [frame(FrameType.DATA, 0, 1, grpcMessage([1], 9))],
      13,
      "grpc: received unexpected payload format 9",
    ],
    [
      "a message that is too large",
      [frame(FrameType.DATA, 0, 1, [0, 0, 0, 0, 101])],
      8,
      "grpc: received message larger than max (101 vs. 100)",
    ],
  ])("a response with %s", (_, frames, code, text) => {
    const { client, peer } = setup({ receiveMessageBytesMax: 100 });
    const call = unary(client);
    peer.send(headersFrame(1, OK), ...frames);
    expect(call.status?.code).toBe(code);
    expect(call.status?.message).toContain(text);
    expect(call.message).toBeUndefined();
    expect(call.times).toBe(1);
    expect(client.openCalls).toBe(0);
  });

  test.each([
    [ErrorCode.REFUSED_STREAM, 14, "REFUSED_STREAM", true],
    [ErrorCode.CANCEL, 1, "CANCEL", false],
    [ErrorCode.ENHANCE_YOUR_CALM, 8, "ENHANCE_YOUR_CALM", false],
    [ErrorCode.NO_ERROR, 13, "NO_ERROR", false],
    [99, 2, "unknown error code 0x63", false],
  ])("RST_STREAM %i is code %i", (reset, code, name, unprocessed) => {
    const { client, peer } = setup();
    const call = unary(client);
    peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(reset)));
    expect(call.status).toEqual({
      code,
      message: `stream terminated by RST_STREAM with error code: ${name}`,
      trailers: [],
      unprocessed,
    });
  });

  test("interim responses say nothing", () => {
    const { client, peer } = setup();
    const call = unary(client);
    peer.send(headersFrame(1, [[":status", "103"]]), headersFrame(1, OK), messageFrame(1, [7]));
    peer.send(headersFrame(1, OK_TRAILERS, END_BOTH));
    expect(call.message).toEqual([7]);
  });
});

describe("streaming calls", () => {
  test("messages both ways, half-close, status", () => {
    const { client, peer } = setup();
    const caller = new Caller();
    const call = client.stream("/a.B/S", [], caller);
    call.sendMessage(new Uint8Array([1]));
    call.sendMessage(EMPTY_BYTES);
    call.halfClose();
    call.halfClose();
    expect(peer.readWords().slice(1)).toEqual(["1 DATA 6", "1 DATA 5", "1 DATA 0 end"]);
    const two = concatBytes([grpcMessage([1]), grpcMessage([2, 3])]);
    peer.send(headersFrame(1, OK), frame(FrameType.DATA, 0, 1, two));
    peer.send(
      headersFrame(
        1,
        [
          ["grpc-status", "1"],
          ["grpc-message", "bye"],
        ],
        END_BOTH,
      ),
    );
    expect(caller.log).toEqual([
      "headers 1",
      "message 1",
      "message 2,3",
      "status 1 bye open=false",
    ]);
    expect(call.sendMessage(new Uint8Array(1))).toBe(true);
    expect(peer.readWords()).toEqual([]);
  });

  test("a server that ends first is told to forget the rest", () => {
    const { client, peer } = setup();
    const caller = new Caller();
    client.stream("/a.B/S", [], caller);
    peer.read();
    peer.send(headersFrame(1, [...OK, ...OK_TRAILERS], END_BOTH));
    expect(peer.readWords()).toEqual(["1 RST_STREAM 0"]);
    expect(caller.log).toEqual(["status 0  open=false"]);
  });

  test("requests beyond the window wait; the end comes after them", () => {
    const { client, peer } = setup();
    const caller = new Caller();
    const call = client.stream("/a.B/S", [], caller);
    expect(call.sendMessage(new Uint8Array(60_000))).toBe(true);
    expect(call.sendMessage(new Uint8Array(10_000))).toBe(false);
    peer.read();
    for (const id of [0, 1]) peer.send(frame(FrameType.WINDOW_UPDATE, 0, id, uint32(2000)));
    expect(peer.readWords()).toEqual(["1 DATA 2000"]);
    expect(caller.log).toEqual(["writable"]);
    call.halfClose();
    for (const id of [0, 1]) peer.send(frame(FrameType.WINDOW_UPDATE, 0, id, uint32(9000)));
    expect(peer.readWords()).toEqual(["1 DATA 2475 end"]);
  });

  test("a call that does not want more is not granted more", () => {
    const { client, peer } = setup({ streamWindowBytes: 20_000 });
    const caller = new Caller();
    const call = client.stream("/a.B/S", [], caller);
    peer.read();
    call.setReceiving(false);
    peer.send(headersFrame(1, OK), messageFrame(1, new Uint8Array(12_000)));
    expect(peer.readWords()).toEqual([]);
    call.setReceiving(true);
    expect(peer.readWords()).toEqual(["1 WINDOW_UPDATE 12005"]);
  });
});

describe("MAX_CONCURRENT_STREAMS", () => {
  test("calls above it wait in order, also before SETTINGS are known", () => {
    const { client, peer } = setup({}, [0, 3, ...uint32(2)]);
    const calls = [unary(client), unary(client), unary(client), unary(client)];
    expect([client.openCalls, client.waitingCalls]).toEqual([2, 2]);
    peer.read();
    peer.send(headersFrame(1, [...OK, ["grpc-status", "5"]], END_BOTH));
    expect(calls[0].status?.code).toBe(5);
    expect(peer.read().map(({ streamId }) => streamId)).toEqual([5, 5]);
    expect(client.waitingCalls).toBe(1);
  });

  test("before SETTINGS at most 100 streams are opened", () => {
    const events = new RecordedEvents();
    const client = new GrpcClientConnection({ authority: "x", events, clock: { nowMs: () => 0 } });
    const peer = new RawPeer(client);
    for (let i = 0; i < 150; i++) unary(client);
    expect([client.openCalls, client.waitingCalls]).toEqual([100, 50]);
    peer.greetClient();
    expect([client.openCalls, client.waitingCalls]).toEqual([150, 0]);
  });

  test("a waiting call can be cancelled, and its deadline counts", () => {
    const { client, peer } = setup({}, [0, 3, ...uint32(1)]);
    const open = unary(client);
    const cancelled = unary(client);
    const late = unary(client, EMPTY_METADATA, 1500);
    const last = unary(client);
    cancelled.call.cancel();
    expect(cancelled.status).toMatchObject({ code: 1, unprocessed: true });
    expect(client.nextTickMs()).toBe(1500);
    peer.advance(500);
    expect(late.status).toMatchObject({ code: 4, unprocessed: true });
    peer.read();
    peer.send(headersFrame(1, [...OK, ["grpc-status", "5"]], END_BOTH));
    expect(open.status?.code).toBe(5);
    expect(last.times).toBe(0);
    expect([client.openCalls, client.waitingCalls]).toEqual([1, 0]);
  });

  test("a waiting stream keeps its messages and its half-close", () => {
    const { client, peer } = setup({}, [0, 3, ...uint32(1)]);
    unary(client);
    const call = client.stream("/a.B/S", [], new Caller());
    call.sendMessage(new Uint8Array([1]));
    call.sendMessage(new Uint8Array([2]));
    call.halfClose();
    peer.readWords();
    peer.send(headersFrame(1, [...OK, ["grpc-status", "5"]], END_BOTH));
    expect(peer.readWords().slice(1)).toEqual(["3 DATA 6", "3 DATA 6 end"]);
  });
});

describe("the end of a connection", () => {
  const goAway = (last: number, code: number, text: string) =>
    frame(FrameType.GOAWAY, 0, 0, concatBytes([uint32(last), uint32(code), bytesFromLatin1(text)]));

  test("GOAWAY ends the calls above its stream as unprocessed, serves the others, then closes", () => {
    const { client, peer, events } = setup({}, [0, 3, ...uint32(3)]);
    const calls = [unary(client), unary(client), unary(client), unary(client)];
    peer.send(goAway(3, 0, ""));
    expect(calls.map(({ status }) => status?.unprocessed)).toEqual([
      undefined,
      undefined,
      true,
      true,
    ]);
    expect(calls[3].status?.message).toBe(
      "the stream is rejected because server is draining the connection",
    );
    expect(client.acceptsCalls).toBe(false);
    expect(unary(client).status).toMatchObject({ code: 14, unprocessed: true });
    expect(events.goAways).toEqual(["code: NO_ERROR"]);
    for (const id of [1, 3]) peer.send(headersFrame(id, [...OK, ["grpc-status", "5"]], END_BOTH));
    expect(calls[1].status?.code).toBe(5);
    expect(client.shouldClose).toBe(true);
    expect(peer.readWords().at(-1)).toBe("GOAWAY 0 0 graceful close");
  });

  test("the two GOAWAYs of a graceful end", () => {
    const { client, peer } = setup();
    const calls = [unary(client), unary(client)];
    peer.send(goAway(STREAM_ID_MAX, 0, "graceful_stop"));
    expect(calls.map(({ times }) => times)).toEqual([0, 0]);
    peer.send(goAway(1, 0, "graceful_stop"));
    expect(calls.map(({ times }) => times)).toEqual([0, 1]);
    expect(calls[1].status?.unprocessed).toBe(true);
  });

  test("a GOAWAY that takes back an earlier one, or names an even stream, ends the connection", () => {
    const first = setup();
    unary(first.client);
    first.peer.send(goAway(1, 0, ""), goAway(3, 0, ""));
    expect(first.client.closeReason).toContain("exceeds stream id of previous goaway: 1");
    const second = setup();
    unary(second.client);
    second.peer.send(goAway(2, 0, ""));
    expect(second.client.closeReason).toContain("even-numbered");
  });

  test("a lost socket is Unavailable with the reason and the GOAWAY before it", () => {
    const { client, peer } = setup();
    const call = unary(client);
    peer.send(goAway(1, ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings"));
    client.socketClosed("error reading from server: EOF");
    expect(call.status).toEqual({
      code: 14,
      message:
        "closing transport due to: error reading from server: EOF, " +
        'received prior goaway: code: ENHANCE_YOUR_CALM, debug data: "too_many_pings"',
      trailers: [],
      unprocessed: false,
    });
  });

  test("a lost socket tells waiting calls that they were not processed", () => {
    const { client } = setup({}, [0, 3, ...uint32(1)]);
    const calls = [unary(client), unary(client)];
    client.socketClosed("gone");
    expect(calls.map(({ status }) => status?.unprocessed)).toEqual([false, true]);
    expect(client.acceptsCalls).toBe(false);
  });

  test("drain finishes open and waiting calls, then closes", () => {
    const { client, peer, events } = setup({}, [0, 3, ...uint32(1)]);
    const calls = [unary(client), unary(client)];
    client.drain();
    expect(unary(client).status?.unprocessed).toBe(true);
    for (const id of [1, 3]) {
      peer.read();
      peer.send(headersFrame(id, [...OK, ["grpc-status", "5"]], END_BOTH));
    }
    expect(calls.map(({ status }) => status?.code)).toEqual([5, 5]);
    expect(events.closed).toEqual(["graceful close"]);
  });

  test("drain without calls closes at once; with only a cancelled waiting call too", () => {
    const idle = setup();
    idle.client.drain();
    expect(idle.client.shouldClose).toBe(true);
    const waiting = setup({}, [0, 3, ...uint32(0)]);
    const call = unary(waiting.client);
    waiting.client.drain();
    expect(waiting.client.shouldClose).toBe(false);
    call.call.cancel();
    expect(waiting.client.shouldClose).toBe(true);
  });

  test("a call from inside the end of another is not lost", () => {
    const { client, peer } = setup();
    const statuses: (number | undefined)[] = [];
    client.unary("/a.B/C", [], EMPTY_BYTES, {}, () => {
      client.unary("/a.B/C", [], EMPTY_BYTES, {}, (status) => statuses.push(status.code));
    });
    peer.send(goAway(0, 0, ""));
    expect(statuses).toEqual([14]);
  });
});

describe("keepalive", () => {
  const limits = { keepaliveTimeMs: 2000, keepaliveTimeoutMs: 6000 };

  test("PING after silence with an open call, the end without an answer", () => {
    const { client, peer } = setup(limits);
    const call = unary(client);
    peer.read();
    expect(client.nextTickMs()).toBe(3000);
    peer.advance(2000);
    expect(peer.readWords()).toEqual(["PING"]);
    peer.send(frame(FrameType.PING, FLAG_ACK, 0, new Uint8Array(8)));
    peer.advance(2000);
    expect(peer.readWords()).toEqual(["PING"]);
    peer.advance(5999);
    expect(call.times).toBe(0);
    peer.advance(1);
    expect(call.status).toMatchObject({
      code: 14,
      message: "keepalive ping failed to receive ACK within timeout",
    });
  });

  test("no PING without an open call, unless permitted", () => {
    const { peer } = setup(limits);
    peer.advance(10_000);
    expect(peer.readWords()).toEqual([]);
    const permitted = setup({ ...limits, keepalivePermitWithoutStream: true });
    permitted.peer.advance(2000);
    expect(permitted.peer.readWords()).toEqual(["PING"]);
  });
});

test("against our own server: every call gets its own answer, in any order of completion", () => {
  const held: (() => void)[] = [];
  const link = new MemoryLink({
    lookup: () => ({
      kind: "unary",
      onMessage: (call, message) => {
        const copy = message.slice();
        held.push(() => call.sendUnary(copy));
      },
      onHalfClose: () => {},
      onCancel: () => {},
    }),
  });
  const answers: number[] = [];
  for (let i = 0; i < 200; i++) {
    link.client.unary("/a.B/C", [], new Uint8Array([i]), {}, (_, message) => {
      answers[i] = message?.[0] ?? -1;
    });
  }
  link.settle();
  for (const answer of held.reverse()) answer();
  link.settle();
  expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => i));
});
