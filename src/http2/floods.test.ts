/**
 * Peers that mean harm, or do it by accident: every limit of limits.ts is reached from outside, nothing
 * below it is punished, and what we keep stays bounded.
 */
import { describe, expect, test } from "vitest";
import { bytesFromLatin1, concatBytes } from "../stdx/bytes.ts";
import { GrpcServerConnection } from "./grpc-server.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "./grpc-server-types.ts";
import {
  ASSEMBLY_BYTES_MAX,
  CONNECTION_QUEUE_BYTES_MAX,
  CONTINUATION_FRAMES_MAX,
  CROWDED_CONNECTION_BYTES_MAX,
  EMPTY_DATA_MAX,
  FLOOD_WINDOW_MS,
  HEADER_BLOCK_BYTES_MAX,
  INPUT_PAUSE_BYTES,
  OUTPUT_BYTES_HIGH,
  OUTPUT_BYTES_MAX,
  PINGS_MAX,
  PRIORITIES_MAX,
  RESETS_MAX,
  SETTINGS_ENTRIES_MAX,
  SETTINGS_MAX,
  UNKNOWN_FRAMES_MAX,
  WINDOW_UPDATES_MAX,
} from "./limits.ts";
import type { ServerConnectionOptions } from "./options.ts";
import { CLIENT_PREFACE, ErrorCode, FLAG_ACK, FLAG_END_HEADERS, FrameType } from "./protocol.ts";
import { SharedMemory } from "./shared-memory.ts";
import { RecordedEvents } from "./testing/memory-link.ts";
import {
  callFields,
  END_BOTH,
  END_STREAM,
  frame,
  headersFrame,
  literalBlock,
  messageFrame,
  RawPeer,
  uint32,
} from "./testing/raw-peer.ts";

const CALM = ErrorCode.ENHANCE_YOUR_CALM;

/** Keeps its calls; sends `answer` to every message. */
class Keeper implements GrpcMethodHandler {
  readonly kind: "unary" | "stream";
  readonly calls: GrpcServerCall[] = [];
  cancelled = 0;
  answer: Uint8Array | undefined = undefined;

  constructor(kind: "unary" | "stream") {
    this.kind = kind;
  }

  onCall(call: GrpcServerCall): void {
    this.calls.push(call);
  }

  onMessage(call: GrpcServerCall): void {
    if (this.answer === undefined) return;
    if (this.kind === "unary") call.sendUnary(this.answer);
    else call.sendMessage(this.answer);
  }

  onHalfClose(): void {}

  onCancel(): void {
    this.cancelled++;
  }
}

interface Setup {
  readonly peer: RawPeer;
  readonly unary: Keeper;
  readonly stream: Keeper;
  readonly events: RecordedEvents;
}

/** Any rate of PINGs is allowed by the keepalive policy, so that only the flood limit is met. */
function setup(limits: ServerConnectionOptions = {}, sharedMemory?: SharedMemory): Setup {
  const unary = new Keeper("unary");
  const stream = new Keeper("stream");
  const events = new RecordedEvents();
  const config = {
    lookup: (path: string) => (path === "/a.B/U" ? unary : path === "/a.B/S" ? stream : undefined),
    limits: { keepaliveMinTimeMs: 0, keepalivePermitWithoutStream: true, ...limits },
    ...(sharedMemory === undefined ? {} : { sharedMemory }),
  };
  const peer = new RawPeer(new GrpcServerConnection({ config, events })).greetServer();
  return { peer, unary, stream, events };
}

/** Sends `count` times what `make` gives, in chunks as a socket would. */
function sendMany(peer: RawPeer, count: number, make: (i: number) => Uint8Array): void {
  for (let at = 0; at < count; at += 500) {
    const part = Array.from({ length: Math.min(500, count - at) }, (_, i) => make(at + i));
    peer.send(concatBytes(part));
  }
}

function expectCalmed(peer: RawPeer, text: string): void {
  expect(peer.readWords().at(-1)).toMatch(new RegExp(`^GOAWAY \\d+ ${CALM} ${text}`));
  expect(peer.endpoint.shouldClose).toBe(true);
}

const STREAM_BLOCK = literalBlock(callFields("/a.B/S"));
const UNARY_BLOCK = literalBlock(callFields("/a.B/U"));

const openStream = (id: number) => frame(FrameType.HEADERS, FLAG_END_HEADERS, id, STREAM_BLOCK);

describe("frames that cost only us", () => {
  /** Exactly `limit` in one window pass, windows renew the allowance, one more ends the connection. */
  function expectLimit(
    peer: RawPeer,
    limit: number,
    make: (i: number) => Uint8Array,
    text: string,
  ): void {
    peer.nowMs += FLOOD_WINDOW_MS;
    for (let window = 0; window < 2; window++) {
      sendMany(peer, limit, (i) => make(window * limit + i));
      expect(peer.endpoint.shouldClose).toBe(false);
      peer.readWords();
      peer.nowMs += FLOOD_WINDOW_MS;
    }
    sendMany(peer, limit + 1, (i) => make(2 * limit + i));
    expectCalmed(peer, text);
  }

  test("PING", () => {
    const ping = frame(FrameType.PING, 0, 0, new Uint8Array(8));
    expectLimit(setup().peer, PINGS_MAX, () => ping, "too many PING frames");
  });

  test("PING acknowledgements", () => {
    const ping = frame(FrameType.PING, FLAG_ACK, 0, new Uint8Array(8));
    expectLimit(setup().peer, PINGS_MAX, () => ping, "too many PING frames");
  });

  test("SETTINGS", () => {
    const settings = frame(FrameType.SETTINGS, 0, 0);
    expectLimit(setup().peer, SETTINGS_MAX, () => settings, "too many SETTINGS frames");
  });

  test("empty DATA", () => {
    const { peer } = setup();
    peer.send(openStream(1));
    const empty = frame(FrameType.DATA, 0, 1);
    expectLimit(peer, EMPTY_DATA_MAX, () => empty, "too many empty DATA frames");
  });

  test("PRIORITY", () => {
    const priority = frame(FrameType.PRIORITY, 0, 1, [0, 0, 0, 0, 1]);
    expectLimit(setup().peer, PRIORITIES_MAX, () => priority, "too many PRIORITY frames");
  });

  test("WINDOW_UPDATE", () => {
    const update = frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1));
    expectLimit(setup().peer, WINDOW_UPDATES_MAX, () => update, "too many WINDOW_UPDATE frames");
  });

  test("unknown types", () => {
    const unknown = frame(0x77, 0, 0, [1]);
    expectLimit(setup().peer, UNKNOWN_FRAMES_MAX, () => unknown, "too many frames of unknown type");
  });

  test("RST_STREAM of open streams: rapid reset (CVE-2023-44487)", () => {
    const { peer, stream } = setup();
    const make = (i: number): Uint8Array =>
      concatBytes([
        openStream(2 * i + 1),
        frame(FrameType.RST_STREAM, 0, 2 * i + 1, uint32(ErrorCode.CANCEL)),
      ]);
    expectLimit(peer, RESETS_MAX, make, "too many stream resets");
    expect(stream.cancelled).toBe(stream.calls.length);
  });

  test("RST_STREAM of closed streams", () => {
    const { peer } = setup();
    peer.send(openStream(1));
    const reset = frame(FrameType.RST_STREAM, 0, 1, uint32(8));
    expectLimit(peer, RESETS_MAX, () => reset, "too many stream resets");
  });

  test("streams that make us reset them", () => {
    const { peer } = setup();
    const broken = (i: number): Uint8Array =>
      headersFrame(2 * i + 1, [[":method", "POST"]], END_BOTH);
    expectLimit(peer, RESETS_MAX, broken, "too many stream resets");
  });

  test("DATA on closed streams", () => {
    const { peer } = setup();
    peer.send(openStream(1), frame(FrameType.RST_STREAM, 0, 1, uint32(8)), openStream(3));
    // The peer's own reset: we do not remember it, every frame is answered STREAM_CLOSED once.
    peer.nowMs += FLOOD_WINDOW_MS;
    peer.send(frame(FrameType.DATA, 0, 1, [1]));
    expect(peer.readWords()).toEqual(["1 RST_STREAM 5"]);
    sendMany(peer, 10_000, () => frame(FrameType.DATA, 0, 1, [1]));
    expect(peer.readWords()).toEqual([]);
  });

  test("PING and WINDOW_UPDATE are paid for by DATA that we send", () => {
    const { peer, stream } = setup();
    stream.answer = new Uint8Array(1);
    peer.send(openStream(1));
    peer.nowMs += FLOOD_WINDOW_MS;
    const exchange = concatBytes([
      messageFrame(1, []),
      frame(FrameType.PING, 0, 0, new Uint8Array(8)),
      frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(6)),
      frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(6)),
    ]);
    for (let i = 0; i < 3 * PINGS_MAX; i++) {
      peer.send(exchange);
      peer.read();
    }
    expect(peer.endpoint.shouldClose).toBe(false);
  });
});

describe("header blocks", () => {
  test("CONTINUATION flood (CVE-2024-27316): too many frames", () => {
    const { peer } = setup();
    peer.send(frame(FrameType.HEADERS, 0, 1, [0x82]));
    sendMany(peer, CONTINUATION_FRAMES_MAX, () => frame(FrameType.CONTINUATION, 0, 1));
    expect(peer.endpoint.shouldClose).toBe(false);
    peer.send(frame(FrameType.CONTINUATION, 0, 1));
    expectCalmed(peer, "header block too long");
  });

  test("CONTINUATION flood: too many bytes", () => {
    const { peer } = setup();
    const piece = new Uint8Array(16_384);
    const whole = Math.floor(HEADER_BLOCK_BYTES_MAX / piece.length);
    peer.send(frame(FrameType.HEADERS, 0, 1, piece));
    sendMany(peer, whole - 1, () => frame(FrameType.CONTINUATION, 0, 1, piece));
    expect(peer.endpoint.shouldClose).toBe(false);
    peer.send(frame(FrameType.CONTINUATION, 0, 1, [0]));
    expectCalmed(peer, "header block too long");
  });

  test("a header list bomb costs a stream, not memory", () => {
    const { peer } = setup();
    const bomb = concatBytes([
      new Uint8Array([0x40, 1, 0x61, 0x7f, 0xb9, 0x16]),
      bytesFromLatin1("v".repeat(3000)),
      new Uint8Array(10_000).fill(0xbe),
    ]);
    peer.send(frame(FrameType.HEADERS, END_BOTH, 1, bomb));
    expect(peer.readWords()).toEqual([`1 RST_STREAM ${ErrorCode.FRAME_SIZE_ERROR}`]);
  });

  test("too many entries in SETTINGS", () => {
    const { peer } = setup();
    const entry = [0, 9, 0, 0, 0, 0];
    const entries = (count: number) => new Array<number[]>(count).fill(entry).flat();
    peer.send(frame(FrameType.SETTINGS, 0, 0, entries(SETTINGS_ENTRIES_MAX)));
    expect(peer.readWords()).toEqual(["SETTINGS ack"]);
    peer.send(frame(FrameType.SETTINGS, 0, 0, entries(SETTINGS_ENTRIES_MAX + 1)));
    expectCalmed(peer, "too many entries in SETTINGS");
  });
});

describe("memory", () => {
  test("incomplete messages of all streams together are bounded", () => {
    const { peer, unary } = setup({ receiveMessageBytesMax: 1 << 30, streamWindowBytes: 1 << 21 });
    const piece = new Uint8Array(16_384);
    const streams = 80;
    for (let i = 0; i < streams; i++) {
      const id = 2 * i + 1;
      peer.send(headersFrame(id, callFields("/a.B/U")));
      peer.send(frame(FrameType.DATA, 0, id, [0, 0x3f, 0xff, 0xff, 0xff]));
    }
    const refusals: string[] = [];
    let sent = 0;
    while (refusals.length === 0 && sent < 2 * ASSEMBLY_BYTES_MAX) {
      for (let i = 0; i < streams; i++) peer.send(frame(FrameType.DATA, 0, 2 * i + 1, piece));
      sent += streams * piece.length;
      refusals.push(...peer.readWords().filter((words) => words.includes("grpc-status=8")));
    }
    expect(sent).toBeLessThanOrEqual(ASSEMBLY_BYTES_MAX + streams * piece.length);
    expect(refusals[0]).toContain("too many incomplete messages");
    // What the others hold is given back when they end.
    for (let i = 0; i < streams; i++) {
      peer.send(frame(FrameType.RST_STREAM, 0, 2 * i + 1, uint32(8)));
    }
    peer.readWords();
    peer.send(
      headersFrame(1001, callFields("/a.B/U")),
      messageFrame(1001, piece.subarray(0, 9), END_STREAM),
    );
    expect(unary.calls.at(-1)?.open).toBe(true);
    unary.calls.at(-1)?.sendUnary(new Uint8Array(1));
    expect(peer.readWords()[1]).toBe("1001 DATA 6");
  });

  test("what all connections keep together is bounded, and nobody is kept from a little", () => {
    const sharedMemory = new SharedMemory(6 * CROWDED_CONNECTION_BYTES_MAX);
    const piece = new Uint8Array(16_384);
    const limits = { receiveMessageBytesMax: 1 << 21, streamWindowBytes: 1 << 21 };
    const peers = Array.from({ length: 10 }, () => setup(limits, sharedMemory));
    const kept = (): number => {
      return peers.reduce((sum, { peer }) => sum + peer.endpoint.bufferedBytes, 0);
    };
    const half = (peer: RawPeer, id: number): void => {
      peer.send(headersFrame(id, callFields("/a.B/U")));
      peer.send(frame(FrameType.DATA, 0, id, [0, 0, 0x1f, 0xff, 0xff]));
      for (let i = 0; i < 64; i++) peer.send(frame(FrameType.DATA, 0, id, piece));
      peer.readWords();
    };
    for (let id = 1; id < 60; id += 2) for (const { peer } of peers) half(peer, id);
    const perConnection = CROWDED_CONNECTION_BYTES_MAX + (1 << 21);
    expect(kept()).toBeGreaterThan(6 * CROWDED_CONNECTION_BYTES_MAX);
    expect(kept()).toBeLessThan(6 * CROWDED_CONNECTION_BYTES_MAX + peers.length * perConnection);
    // One that kept nothing is served as ever.
    const quiet = setup(limits, sharedMemory);
    half(quiet.peer, 1);
    expect(quiet.unary.calls.at(-1)?.open ?? true).toBe(true);
    expect(quiet.peer.endpoint.bufferedBytes).toBeGreaterThan(1 << 20);
    for (const { peer } of peers) peer.endpoint.socketClosed("gone");
    quiet.peer.endpoint.socketClosed("gone");
    expect(sharedMemory.isShort).toBe(false);
  });

  test("answers that no window takes: new streams are refused above the limit", () => {
    const { peer, unary } = setup();
    unary.answer = new Uint8Array(1 << 20);
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0, 4, 0, 0, 0, 0]));
    peer.readWords();
    let refused = 0;
    let opened = 0;
    for (let id = 1; refused === 0 && id < 400; id += 2) {
      peer.send(headersFrame(id, callFields("/a.B/U")), messageFrame(id, [], END_STREAM));
      opened++;
      const words = peer.readWords();
      refused += words.filter(
        (each) => each === `${id} RST_STREAM ${ErrorCode.REFUSED_STREAM}`,
      ).length;
    }
    expect(opened).toBeLessThanOrEqual(CONNECTION_QUEUE_BYTES_MAX / unary.answer.length + 2);
    expect(refused).toBe(1);
    expect(peer.endpoint.shouldClose).toBe(false);
    // One stream that is given up makes room for another.
    peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(8)));
    peer.send(frame(FrameType.RST_STREAM, 0, 3, uint32(8)));
    peer.send(headersFrame(901, callFields("/a.B/U")), messageFrame(901, [], END_STREAM));
    expect(peer.readWords()).toEqual([expect.stringContaining("901 HEADERS")]);
  });

  test("a zero-window stall ends the stream after its time, and only that", () => {
    const { peer, stream } = setup({ sendStallTimeoutMs: 8000 });
    stream.answer = new Uint8Array(100);
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0, 4, 0, 0, 0, 0]));
    peer.send(openStream(1), messageFrame(1, []), openStream(3));
    peer.readWords();
    for (let at = 0; at < 9000; at += 1000) {
      expect(stream.cancelled).toBe(0);
      peer.advance(1000);
    }
    peer.advance(2000);
    expect(stream.cancelled).toBe(1);
    expect(peer.readWords()).toEqual([`1 RST_STREAM ${ErrorCode.CANCEL}`]);
    expect(stream.calls[1].open).toBe(true);
  });

  test("a window that opens now and then is no stall", () => {
    const { peer, stream } = setup({ sendStallTimeoutMs: 8000 });
    stream.answer = new Uint8Array(1000);
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0, 4, 0, 0, 0, 0]));
    peer.send(openStream(1), messageFrame(1, []));
    for (let i = 0; i < 10; i++) {
      peer.readWords();
      peer.advance(4000);
      peer.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(50)));
    }
    expect(stream.cancelled).toBe(0);
  });

  test("a peer that does not read: no more input is wanted, and again when it does", () => {
    const { peer, unary, events } = setup();
    unary.answer = new Uint8Array(60_000);
    const wide = [0, 4, ...uint32(0x7fff_ffff)];
    peer.send(frame(FrameType.SETTINGS, 0, 0, wide));
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x7000_0000)));
    let id = 1;
    while (peer.endpoint.wantsInput && id < 2000) {
      peer.send(headersFrame(id, callFields("/a.B/U")), messageFrame(id, [], END_STREAM));
      id += 2;
    }
    expect(events.inputWanted).toEqual([false]);
    const answers = (id / 2) * unary.answer.length;
    expect(answers).toBeLessThan(OUTPUT_BYTES_HIGH + INPUT_PAUSE_BYTES + 300_000);
    const first = peer.endpoint.takeOutput();
    expect(first?.length).toBeLessThan(2 * OUTPUT_BYTES_HIGH);
    peer.read();
    expect(events.inputWanted).toEqual([false, true]);
    expect((peer.endpoint as GrpcServerConnection).openCalls).toBe(0);
  });

  test("small answers and control frames that pile up end the connection at the hard limit", () => {
    const { peer, events } = setup();
    // The answer names the path, so each is as long as that.
    const block = literalBlock(callFields(`/${"x".repeat(4000)}/m`));
    for (let id = 1; !peer.endpoint.shouldClose && id < OUTPUT_BYTES_MAX / 1000; id += 2) {
      peer.send(frame(FrameType.HEADERS, END_BOTH, id, block));
    }
    expect(events.inputWanted[0]).toBe(false);
    expect(peer.endpoint.closeReason).toBe("the peer does not read what it asks for");
  });

  test("output that is not taken for too long ends the connection", () => {
    const { peer, unary } = setup({ sendStallTimeoutMs: 5000 });
    unary.answer = new Uint8Array(1);
    peer.send(headersFrame(1, callFields("/a.B/U")), messageFrame(1, [], END_STREAM));
    peer.advance(1000).advance(4999);
    expect(peer.endpoint.shouldClose).toBe(false);
    peer.advance(1);
    expect(peer.endpoint.closeReason).toBe("the peer does not read");
  });

  test("requests are not granted window while their answers are not read", () => {
    const { peer, stream } = setup({ streamWindowBytes: 65_536 });
    stream.answer = new Uint8Array(20_000);
    peer.send(openStream(1));
    for (let i = 0; i < 12; i++) peer.send(messageFrame(1, new Uint8Array(4000)));
    const updates = peer.readWords().filter((words) => words.startsWith("1 WINDOW_UPDATE"));
    expect(updates).toEqual([]);
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(400_000)));
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(400_000)));
    // Granted when the queue has drained: one call of takeOutput later.
    expect([...peer.readWords(), ...peer.readWords()]).toContain("1 WINDOW_UPDATE 48060");
  });
});

describe("time", () => {
  test("a frame that is not completed ends the connection", () => {
    const { peer } = setup({ partialFrameTimeoutMs: 4000 });
    peer.send(openStream(1));
    peer.send(messageFrame(1, [1, 2, 3]).subarray(0, 12));
    peer.advance(3999);
    peer.send(new Uint8Array([3]));
    expect(peer.endpoint.nextTickMs()).toBe(peer.nowMs + 1);
    peer.advance(1);
    expectCalmed(peer, "a frame was not completed in time");
  });

  test("slow but steady frames are fine", () => {
    const { peer } = setup({ partialFrameTimeoutMs: 4000 });
    peer.send(openStream(1));
    const steady = concatBytes(Array.from({ length: 20 }, () => messageFrame(1, [1])));
    for (const byte of steady) {
      peer.send(new Uint8Array([byte]));
      peer.advance(200);
    }
    expect(peer.endpoint.shouldClose).toBe(false);
  });

  test("a header block that is not completed ends the connection", () => {
    const { peer } = setup({ partialFrameTimeoutMs: 4000 });
    peer.send(frame(FrameType.HEADERS, 0, 1, literalBlock(callFields("/a.B/U"))));
    peer.advance(2000);
    peer.send(frame(FrameType.CONTINUATION, 0, 1));
    peer.advance(2000);
    expectCalmed(peer, "a frame was not completed in time");
  });

  test("half-open: silence after the first bytes ends at the handshake timeout", () => {
    const events = new RecordedEvents();
    const config = { lookup: () => undefined, limits: { handshakeTimeoutMs: 2000 } };
    const peer = new RawPeer(new GrpcServerConnection({ config, events }));
    peer.send(CLIENT_PREFACE);
    peer.advance(1999);
    expect(peer.endpoint.shouldClose).toBe(false);
    peer.advance(1);
    expect(events.closed).toEqual(["the peer did not complete the HTTP/2 handshake in time"]);
  });
});

describe("keepalive policy for clients (gRPC proposal A8)", () => {
  const ping = frame(FrameType.PING, 0, 0, new Uint8Array(8));
  const policy = { keepaliveMinTimeMs: 5000, keepalivePermitWithoutStream: false };

  test("with an open call: three PINGs too early are forgiven, the fourth is too_many_pings", () => {
    const { peer } = setup(policy);
    peer.send(openStream(1));
    peer.send(ping);
    for (let strike = 1; strike <= 2; strike++) peer.advance(4999).send(ping);
    expect(peer.endpoint.shouldClose).toBe(false);
    peer.advance(4999).send(ping);
    expectCalmed(peer, "too_many_pings");
  });

  test("with an open call: PINGs at the allowed rate go on for ever", () => {
    const { peer } = setup(policy);
    peer.send(openStream(1));
    for (let i = 0; i < 20; i++) peer.advance(5000).send(ping);
    expect(peer.endpoint.shouldClose).toBe(false);
  });

  test("without a call even that rate is too much, unless permitted", () => {
    const { peer } = setup(policy);
    for (let i = 0; i < 4; i++) peer.advance(5000).send(ping);
    expectCalmed(peer, "too_many_pings");
    const permitted = setup({ ...policy, keepalivePermitWithoutStream: true });
    for (let i = 0; i < 20; i++) permitted.peer.advance(5000).send(ping);
    expect(permitted.peer.endpoint.shouldClose).toBe(false);
  });

  test("answers that we send forgive all strikes", () => {
    const { peer, stream } = setup(policy);
    stream.answer = new Uint8Array(1);
    peer.send(openStream(1));
    for (let i = 0; i < 20; i++) peer.send(ping, ping, messageFrame(1, []));
    expect(peer.endpoint.shouldClose).toBe(false);
  });
});

test("a client that measures bandwidth with PINGs while it reads a large answer is no offender", () => {
  const { peer, unary } = setup({ keepaliveMinTimeMs: 5000, keepalivePermitWithoutStream: false });
  unary.answer = new Uint8Array(3_000_000);
  peer.send(headersFrame(1, callFields("/a.B/U")), messageFrame(1, [], END_STREAM));
  let answered = 0;
  for (let i = 0; i < 200 && answered === 0; i++) {
    const words = peer.readWords();
    answered += words.filter((each) => each === "1 HEADERS grpc-status=0 end").length;
    peer.send(
      frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(20_000)),
      frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(20_000)),
      frame(FrameType.PING, 0, 0, new Uint8Array(8)),
    );
    expect(peer.endpoint.shouldClose).toBe(false);
  }
  expect(answered).toBe(1);
});

describe("server keepalive (gRPC proposal A9)", () => {
  const limits = { keepaliveTimeMs: 10_000, keepaliveTimeoutMs: 3000 };

  test("PING after silence, the end when nothing comes back", () => {
    const { peer, stream } = setup(limits);
    peer.send(openStream(1));
    peer.readWords();
    peer.advance(9999);
    expect(peer.readWords()).toEqual([]);
    peer.advance(1);
    expect(peer.readWords()).toEqual(["PING"]);
    peer.advance(3000);
    expect(peer.endpoint.closeReason).toBe("keepalive ping not acked within timeout 3s");
    expect(stream.cancelled).toBe(1);
  });

  test("anything read is a sign of life", () => {
    const { peer } = setup(limits);
    peer.advance(10_000);
    expect(peer.readWords()).toEqual(["PING"]);
    peer.nowMs += 2000;
    peer.send(openStream(1));
    peer.advance(9999);
    expect(peer.readWords()).toEqual([]);
    expect(peer.endpoint.shouldClose).toBe(false);
    expect(peer.endpoint.nextTickMs()).toBe(peer.nowMs + 1);
  });
});

test("streams that were answered count for nothing, however many", () => {
  const { peer, unary } = setup();
  unary.answer = new Uint8Array(1);
  sendMany(peer, RESETS_MAX + 1000, (i) => {
    const id = 2 * i + 1;
    return concatBytes([
      frame(FrameType.HEADERS, FLAG_END_HEADERS, id, UNARY_BLOCK),
      messageFrame(id, [], END_STREAM),
    ]);
  });
  expect(unary.calls).toHaveLength(RESETS_MAX + 1000);
  expect(peer.endpoint.shouldClose).toBe(false);
});
