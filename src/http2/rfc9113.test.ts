/**
 * What RFC 9113 requires of an endpoint when its peer breaks a rule, one test per rule. The server is the
 * endpoint unless a title says otherwise.
 */
import { describe, expect, test } from "vitest";
import { bytesFromLatin1, concatBytes } from "../stdx/bytes.ts";
import { GrpcClientConnection } from "./grpc-client.ts";
import { GrpcServerConnection } from "./grpc-server.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "./grpc-server-types.ts";
import { RECEIVE_FRAME_BYTES_MAX } from "./limits.ts";
import type { ServerConnectionOptions } from "./options.ts";
import {
  CLIENT_PREFACE,
  ErrorCode,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FrameType,
  looksLikeHttp2Preface,
} from "./protocol.ts";
import { RecordedEvents } from "./testing/memory-link.ts";
import {
  callFields,
  END_BOTH,
  END_STREAM,
  type Field,
  frame,
  grpcMessage,
  headersFrame,
  literalBlock,
  messageFrame,
  RawPeer,
  uint32,
} from "./testing/raw-peer.ts";

const E = ErrorCode;

/** Answers every message with itself; a stream ends when the client's side does. */
class Echo implements GrpcMethodHandler {
  readonly kind: "unary" | "stream";
  readonly calls: GrpcServerCall[] = [];
  cancelled = 0;

  constructor(kind: "unary" | "stream") {
    this.kind = kind;
  }

  onCall(call: GrpcServerCall): void {
    this.calls.push(call);
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    if (this.kind === "unary") call.sendUnary(message.slice());
    else call.sendMessage(message.slice());
  }

  onHalfClose(call: GrpcServerCall): void {
    call.sendStatus(0, "");
  }

  onCancel(): void {
    this.cancelled++;
  }
}

const unary = new Echo("unary");

function newServer(limits: ServerConnectionOptions = {}, stream = new Echo("stream")): RawPeer {
  const lookup = (path: string): GrpcMethodHandler | undefined =>
    path === "/a.B/Unary" ? unary : path === "/a.B/Stream" ? stream : undefined;
  const events = new RecordedEvents();
  return new RawPeer(new GrpcServerConnection({ config: { lookup, limits }, events }));
}

function greeted(limits: ServerConnectionOptions = {}, stream = new Echo("stream")): RawPeer {
  return newServer(limits, stream).greetServer();
}

function newClient(): { peer: RawPeer; client: GrpcClientConnection } {
  const client = new GrpcClientConnection({
    authority: "x",
    events: new RecordedEvents(),
    clock: { nowMs: () => 0 },
  });
  return { client, peer: new RawPeer(client) };
}

/** The peer must have been told GOAWAY with `code`, and the endpoint wants to close. */
function expectConnectionError(peer: RawPeer, code: number): void {
  const words = peer.readWords();
  const last = words.at(-1) ?? "";
  expect(last.split(" ")[0]).toBe("GOAWAY");
  expect(last.split(" ")[2]).toBe(String(code));
  expect(peer.endpoint.shouldClose).toBe(true);
  expect(peer.endpoint.closeReason).not.toBe("");
}

function expectStreamError(peer: RawPeer, streamId: number, code: number): void {
  expect(peer.readWords()).toContain(`${streamId} RST_STREAM ${code}`);
  expect(peer.endpoint.shouldClose).toBe(false);
  expectAlive(peer);
}

let pings = 0;

/** The connection still answers. */
function expectAlive(peer: RawPeer): void {
  pings = (pings + 1) & 0xff;
  peer.send(frame(FrameType.PING, 0, 0, [pings, 2, 3, 4, 5, 6, 7, 8]));
  expect(peer.readWords()).toContain("PING ack");
}

const openStream = (id: number) => headersFrame(id, callFields("/a.B/Stream"));
const halfClosed = (id: number) => headersFrame(id, callFields("/a.B/Stream"), END_BOTH);

/** A stream handler that never answers, so that the stream stays half-closed. */
class Silent implements GrpcMethodHandler {
  readonly kind = "stream";
  onMessage(): void {}
  onHalfClose(): void {}
  onCancel(): void {}
}

function silentServer(limits: ServerConnectionOptions = {}): RawPeer {
  const handler = new Silent();
  const events = new RecordedEvents();
  const config = { lookup: () => handler, limits };
  return new RawPeer(new GrpcServerConnection({ config, events })).greetServer();
}

describe("3.4 preface", () => {
  test("the server sends SETTINGS first", () => {
    expect(newServer().readWords()).toEqual(["SETTINGS 12", "0 WINDOW_UPDATE 16711681"]);
  });

  test("a wrong preface is PROTOCOL_ERROR, at its first wrong byte", () => {
    const peer = newServer();
    peer.send(bytesFromLatin1("PRI * HTTP/1.1"));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("a first frame other than SETTINGS is PROTOCOL_ERROR", () => {
    const peer = newServer();
    peer.send(CLIENT_PREFACE, frame(FrameType.PING, 0, 0, new Uint8Array(8)));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("an acknowledgement as first frame is PROTOCOL_ERROR", () => {
    const peer = newServer();
    peer.send(CLIENT_PREFACE, frame(FrameType.SETTINGS, FLAG_ACK, 0));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("client: preface, SETTINGS without push, window", () => {
    const { client } = newClient();
    const bytes = client.takeOutput();
    expect(bytes?.slice(0, 24)).toEqual(CLIENT_PREFACE);
    expect([...(bytes ?? []).slice(24, 24 + 9 + 6)]).toEqual([
      0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0,
    ]);
  });

  test("client: a first frame other than SETTINGS is PROTOCOL_ERROR", () => {
    const { client, peer } = newClient();
    client.takeOutput();
    peer.send(frame(FrameType.PING, 0, 0, new Uint8Array(8)));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("looksLikeHttp2Preface needs no more bytes than it takes", () => {
    expect(looksLikeHttp2Preface(CLIENT_PREFACE)).toBe("yes");
    expect(looksLikeHttp2Preface(concatBytes([CLIENT_PREFACE, CLIENT_PREFACE]))).toBe("yes");
    expect(looksLikeHttp2Preface(CLIENT_PREFACE.subarray(0, 23))).toBe("more");
    expect(looksLikeHttp2Preface(new Uint8Array(0))).toBe("more");
    expect(looksLikeHttp2Preface(bytesFromLatin1("GET / HTTP/1.1"))).toBe("no");
    expect(looksLikeHttp2Preface(bytesFromLatin1("PUT"))).toBe("no");
  });
});

describe("4 frames", () => {
  test("4.1 unknown types are ignored, also on streams and with any flags", () => {
    const peer = greeted();
    peer.send(frame(0xfa, 0xff, 0, [1]), frame(0x10, 0, 77, [1, 2]));
    expectAlive(peer);
  });

  test("4.1 the reserved bit of the stream number is ignored", () => {
    const peer = greeted();
    peer.send(frame(FrameType.PING, 0, 0x8000_0000, new Uint8Array(8)));
    expect(peer.readWords()).toEqual(["PING ack"]);
  });

  test("4.2 a frame larger than SETTINGS_MAX_FRAME_SIZE is FRAME_SIZE_ERROR", () => {
    const peer = greeted();
    const header = frame(FrameType.DATA, 0, 1, new Uint8Array(RECEIVE_FRAME_BYTES_MAX + 1));
    peer.send(header.subarray(0, 9));
    expectConnectionError(peer, E.FRAME_SIZE_ERROR);
  });

  test("4.2 a frame of exactly SETTINGS_MAX_FRAME_SIZE is fine", () => {
    const peer = greeted();
    const rest = new Uint8Array(RECEIVE_FRAME_BYTES_MAX - 5);
    peer.send(openStream(1), frame(FrameType.DATA, 0, 1, grpcMessage(rest)));
    expect(peer.readWords().at(-1)).toBe("1 DATA 16384");
  });

  test("4.3 a block that does not decode is COMPRESSION_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.HEADERS, END_BOTH, 1, [0x80]));
    expectConnectionError(peer, E.COMPRESSION_ERROR);
  });

  test("4.3 a block is decoded also where the stream is of no interest", () => {
    const peer = silentServer();
    peer.send(openStream(1), frame(FrameType.RST_STREAM, 0, 1, uint32(E.CANCEL)));
    // Refused for its number, had it not been reset; what it adds to the table counts all the same.
    const path = "/a.B/Stream";
    const insert = concatBytes([
      new Uint8Array([0x83, 0x86, 0x44, path.length]),
      bytesFromLatin1(path),
      literalBlock([["content-type", "application/grpc"]]),
    ]);
    peer.send(frame(FrameType.HEADERS, END_BOTH, 3, insert));
    const again = concatBytes([
      new Uint8Array([0x83, 0x86, 0xbe]),
      literalBlock([["content-type", "application/grpc"]]),
    ]);
    peer.send(frame(FrameType.HEADERS, END_BOTH, 5, again));
    expectAlive(peer);
  });

  test("4.3 another frame inside a header block is PROTOCOL_ERROR", () => {
    const peer = greeted();
    const block = literalBlock(callFields("/a.B/Stream"));
    peer.send(
      frame(FrameType.HEADERS, 0, 1, block),
      frame(FrameType.PING, 0, 0, new Uint8Array(8)),
    );
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });
});

describe("5.1 stream states", () => {
  test("idle: DATA is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.DATA, 0, 1, [1]));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("idle: RST_STREAM is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(8)));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("idle: WINDOW_UPDATE is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(8)));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("idle: PRIORITY is fine", () => {
    const peer = greeted();
    peer.send(frame(FrameType.PRIORITY, 0, 9, [0, 0, 0, 0, 1]));
    expectAlive(peer);
  });

  test("half-closed (remote): DATA is STREAM_CLOSED", () => {
    const peer = silentServer();
    peer.send(halfClosed(1), frame(FrameType.DATA, 0, 1, [0]));
    expectStreamError(peer, 1, E.STREAM_CLOSED);
  });

  test("half-closed (remote): HEADERS is STREAM_CLOSED", () => {
    const peer = silentServer();
    peer.send(halfClosed(1), headersFrame(1, [["x", "y"]], END_BOTH));
    expectStreamError(peer, 1, E.STREAM_CLOSED);
  });

  test("half-closed (remote): WINDOW_UPDATE, PRIORITY and RST_STREAM are fine", () => {
    const peer = silentServer();
    peer.send(
      halfClosed(1),
      frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(8)),
      frame(FrameType.PRIORITY, 0, 1, [0, 0, 0, 0, 1]),
      frame(FrameType.RST_STREAM, 0, 1, uint32(8)),
    );
    expect(peer.readWords()).toEqual([]);
    expectAlive(peer);
  });

  test("closed by both: DATA is STREAM_CLOSED, HEADERS ends the connection", () => {
    const peer = greeted();
    peer.send(halfClosed(1));
    peer.readWords();
    peer.send(frame(FrameType.DATA, 0, 1, [0]));
    expectStreamError(peer, 1, E.STREAM_CLOSED);
    peer.send(halfClosed(3));
    peer.readWords();
    peer.send(headersFrame(3, [["x", "y"]], END_BOTH));
    expectConnectionError(peer, E.STREAM_CLOSED);
  });

  test("closed: WINDOW_UPDATE, PRIORITY and RST_STREAM are ignored", () => {
    const peer = greeted();
    peer.send(halfClosed(1));
    peer.readWords();
    peer.send(
      frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(8)),
      frame(FrameType.PRIORITY, 0, 1, [0, 0, 0, 0, 1]),
      frame(FrameType.RST_STREAM, 0, 1, uint32(8)),
    );
    expect(peer.readWords()).toEqual([]);
    expectAlive(peer);
  });

  test("closed by our RST_STREAM: what was on its way is ignored", () => {
    const peer = greeted();
    // Unknown methods are answered at once, while the client is still sending.
    peer.send(headersFrame(1, callFields("/a.B/None")));
    expect(peer.readWords().at(-1)).toBe("1 RST_STREAM 0");
    peer.send(messageFrame(1, [1, 2]), headersFrame(1, [["x", "y"]], END_BOTH));
    expect(peer.readWords()).toEqual([]);
    expectAlive(peer);
  });

  test("5.1.1 a number below the highest that was never used is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(halfClosed(1), halfClosed(7), halfClosed(9));
    peer.readWords();
    peer.send(halfClosed(3));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("5.1.1 numbers may be passed over, and those are closed", () => {
    const peer = greeted();
    for (let id = 1; id < 400; id += 8) peer.send(halfClosed(id));
    peer.readWords();
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 391, uint32(1)));
    expect(peer.readWords()).toEqual([]);
    peer.send(frame(FrameType.DATA, 0, 391, [0]));
    expectStreamError(peer, 391, E.STREAM_CLOSED);
  });

  test("5.1.1 an even stream number of a client is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(openStream(2));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("5.1.2 streams above MAX_CONCURRENT_STREAMS are REFUSED_STREAM, and there is room later", () => {
    const peer = greeted({ maxConcurrentStreams: 2 });
    peer.send(openStream(1), openStream(3), openStream(5));
    expectStreamError(peer, 5, E.REFUSED_STREAM);
    peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(8)), openStream(7));
    expect(peer.readWords()).toEqual([]);
  });

  test("5.5 unknown settings are ignored", () => {
    const peer = greeted();
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0xff, 0xee, 1, 2, 3, 4]));
    expect(peer.readWords()).toEqual(["SETTINGS ack"]);
  });
});

describe("6.1 DATA", () => {
  test("on stream 0 is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.DATA, 0, 0, [1]));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("padding is removed", () => {
    const peer = greeted();
    const padded = concatBytes([new Uint8Array([3]), grpcMessage([7, 8]), new Uint8Array(3)]);
    peer.send(openStream(1), frame(FrameType.DATA, FLAG_PADDED, 1, padded));
    expect(peer.readWords().at(-1)).toBe("1 DATA 7");
  });

  test("padding as long as its frame is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(openStream(1), frame(FrameType.DATA, FLAG_PADDED, 1, [3, 0, 0]));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("without room for the pad length is FRAME_SIZE_ERROR", () => {
    const peer = greeted();
    peer.send(openStream(1), frame(FrameType.DATA, FLAG_PADDED, 1));
    expectConnectionError(peer, E.FRAME_SIZE_ERROR);
  });
});

describe("6.2 HEADERS", () => {
  test("on stream 0 is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(headersFrame(0, callFields("/a.B/Stream")));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("padding and priority are removed", () => {
    const peer = greeted();
    const block = literalBlock(callFields("/a.B/Unary"));
    const payload = concatBytes([new Uint8Array([4, 0x80, 0, 0, 0, 16]), block, new Uint8Array(4)]);
    peer.send(
      frame(FrameType.HEADERS, FLAG_END_HEADERS | FLAG_PADDED | FLAG_PRIORITY, 1, payload),
      messageFrame(1, [1], END_STREAM),
    );
    expect(peer.readWords()[1]).toBe("1 DATA 6");
  });

  test("padding longer than its frame is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.HEADERS, FLAG_END_HEADERS | FLAG_PADDED, 1, [9, 0x82]));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("without room for pad length or priority is FRAME_SIZE_ERROR", () => {
    const first = greeted();
    first.send(frame(FrameType.HEADERS, FLAG_END_HEADERS | FLAG_PADDED, 1));
    expectConnectionError(first, E.FRAME_SIZE_ERROR);
    const second = greeted();
    second.send(frame(FrameType.HEADERS, FLAG_END_HEADERS | FLAG_PRIORITY, 1, [0, 0, 0, 0]));
    expectConnectionError(second, E.FRAME_SIZE_ERROR);
  });
});

describe("6.3 PRIORITY", () => {
  test("on stream 0 is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.PRIORITY, 0, 0, [0, 0, 0, 0, 1]));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("of another length than 5 is a stream error FRAME_SIZE_ERROR", () => {
    const peer = silentServer();
    peer.send(openStream(1), frame(FrameType.PRIORITY, 0, 1, [0, 0, 0, 1]));
    expectStreamError(peer, 1, E.FRAME_SIZE_ERROR);
  });
});

describe("6.4 RST_STREAM", () => {
  test("on stream 0 is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.RST_STREAM, 0, 0, uint32(8)));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("of another length than 4 is FRAME_SIZE_ERROR", () => {
    const peer = greeted();
    peer.send(openStream(1), frame(FrameType.RST_STREAM, 0, 1, [0, 0, 8]));
    expectConnectionError(peer, E.FRAME_SIZE_ERROR);
  });

  test("cancels the call, and nothing is answered", () => {
    const stream = new Echo("stream");
    const peer = greeted({}, stream);
    peer.send(openStream(1), frame(FrameType.RST_STREAM, 0, 1, uint32(8)));
    expect(stream.cancelled).toBe(1);
    expect(stream.calls[0].open).toBe(false);
    stream.calls[0].sendMessage(new Uint8Array(3));
    stream.calls[0].sendStatus(0, "");
    expect(peer.readWords()).toEqual([]);
  });
});

describe("6.5 SETTINGS", () => {
  const settings = (id: number, value: number) =>
    frame(FrameType.SETTINGS, 0, 0, [0, id, ...uint32(value)]);

  test("are acknowledged", () => {
    const peer = greeted();
    peer.send(settings(4, 100_000));
    expect(peer.readWords()).toEqual(["SETTINGS ack"]);
  });

  test("on a stream are PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.SETTINGS, 0, 1));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("of a length that is no multiple of 6 are FRAME_SIZE_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0, 4, 0, 0]));
    expectConnectionError(peer, E.FRAME_SIZE_ERROR);
  });

  test("as acknowledgement with a payload are FRAME_SIZE_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.SETTINGS, FLAG_ACK, 0, [0, 4, 0, 0, 0, 1]));
    expectConnectionError(peer, E.FRAME_SIZE_ERROR);
  });

  test.each([
    ["ENABLE_PUSH of 2", 2, 2, E.PROTOCOL_ERROR],
    ["INITIAL_WINDOW_SIZE of 2^31", 4, 0x8000_0000, E.FLOW_CONTROL_ERROR],
    ["MAX_FRAME_SIZE below 2^14", 5, 16_383, E.PROTOCOL_ERROR],
    ["MAX_FRAME_SIZE of 2^24", 5, 0x100_0000, E.PROTOCOL_ERROR],
  ])("6.5.2 %s is an error", (_, id, value, code) => {
    const peer = greeted();
    peer.send(settings(id, value));
    expectConnectionError(peer, code);
  });

  test("6.5.2 client: ENABLE_PUSH of 1 from a server is PROTOCOL_ERROR", () => {
    const { client, peer } = newClient();
    client.takeOutput();
    peer.send(settings(2, 1));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("6.5.3 an acknowledgement that does not come is SETTINGS_TIMEOUT", () => {
    const peer = newServer({ settingsAckTimeoutMs: 5000 });
    peer.send(CLIENT_PREFACE, frame(FrameType.SETTINGS, 0, 0));
    peer.advance(4999);
    expect(peer.endpoint.shouldClose).toBe(false);
    peer.advance(1);
    expectConnectionError(peer, E.SETTINGS_TIMEOUT);
  });
});

test("6.6 PUSH_PROMISE is PROTOCOL_ERROR on either side", () => {
  const server = greeted();
  server.send(frame(FrameType.PUSH_PROMISE, FLAG_END_HEADERS, 1, [0, 0, 0, 2, 0x82]));
  expectConnectionError(server, E.PROTOCOL_ERROR);
  const { client, peer } = newClient();
  peer.greetClient();
  client.unary("/a.B/C", [], new Uint8Array(0), {}, () => {});
  peer.send(frame(FrameType.PUSH_PROMISE, FLAG_END_HEADERS, 1, [0, 0, 0, 2, 0x82]));
  expectConnectionError(peer, E.PROTOCOL_ERROR);
});

describe("6.7 PING", () => {
  test("is answered with its own eight bytes", () => {
    const peer = greeted();
    peer.send(frame(FrameType.PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]));
    expect(peer.read()).toEqual([
      { type: 6, flags: 1, streamId: 0, payload: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]) },
    ]);
  });

  test("on a stream is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.PING, 0, 1, new Uint8Array(8)));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("of another length than 8 is FRAME_SIZE_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.PING, 0, 0, new Uint8Array(7)));
    expectConnectionError(peer, E.FRAME_SIZE_ERROR);
  });

  test("an unexpected acknowledgement is ignored", () => {
    const peer = greeted();
    peer.send(frame(FrameType.PING, FLAG_ACK, 0, new Uint8Array(8)));
    expectAlive(peer);
  });
});

describe("6.8 GOAWAY", () => {
  test("on a stream is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.GOAWAY, 0, 1, new Uint8Array(8)));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("shorter than 8 is FRAME_SIZE_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.GOAWAY, 0, 0, new Uint8Array(7)));
    expectConnectionError(peer, E.FRAME_SIZE_ERROR);
  });
});

describe("6.9 WINDOW_UPDATE", () => {
  test("of another length than 4 is FRAME_SIZE_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, [0, 0, 1]));
    expectConnectionError(peer, E.FRAME_SIZE_ERROR);
  });

  test("by 0 on the connection is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0)));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("by 0 on a stream is a stream error PROTOCOL_ERROR", () => {
    const peer = silentServer();
    peer.send(openStream(1), frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0)));
    expectStreamError(peer, 1, E.PROTOCOL_ERROR);
  });

  test("6.9.1 a connection window above 2^31-1 is FLOW_CONTROL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x7fff_ffff)));
    expectConnectionError(peer, E.FLOW_CONTROL_ERROR);
  });

  test("6.9.1 a stream window above 2^31-1 is a stream error FLOW_CONTROL_ERROR", () => {
    const peer = silentServer();
    peer.send(openStream(1), frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0x7fff_ffff)));
    expectStreamError(peer, 1, E.FLOW_CONTROL_ERROR);
  });

  test("6.9.1 DATA beyond the stream's window is a stream error FLOW_CONTROL_ERROR", () => {
    const stream = new Echo("stream");
    const peer = greeted({ streamWindowBytes: 32_768 }, stream);
    peer.send(openStream(1));
    stream.calls[0].setReceiving(false);
    const full = frame(FrameType.DATA, 0, 1, grpcMessage(new Uint8Array(16_379)));
    peer.send(full, full);
    expect(peer.readWords().filter((words) => words.includes("WINDOW_UPDATE"))).toEqual([]);
    peer.send(frame(FrameType.DATA, 0, 1, [0]));
    expectStreamError(peer, 1, E.FLOW_CONTROL_ERROR);
    expect(stream.cancelled).toBe(1);
  });

  test("6.9.1 what was consumed is granted again when half the window is, and only once", () => {
    const peer = silentServer({ streamWindowBytes: 32_768 });
    peer.send(openStream(1), frame(FrameType.DATA, 0, 1, new Uint8Array(16_383)));
    expect(peer.readWords()).toEqual([]);
    peer.send(frame(FrameType.DATA, 0, 1, [0]));
    expect(peer.readWords()).toEqual(["1 WINDOW_UPDATE 16384"]);
    for (let i = 0; i < 3; i++) {
      peer.send(frame(FrameType.DATA, 0, 1, new Uint8Array(16_384)));
      expect(peer.readWords()).toEqual(["1 WINDOW_UPDATE 16384"]);
    }
  });

  test("6.9.1 padding counts, and a held window is granted when it is let go", () => {
    const stream = new Echo("stream");
    const peer = greeted({ streamWindowBytes: 32_768 }, stream);
    peer.send(openStream(1));
    stream.calls[0].setReceiving(false);
    const padded = concatBytes([new Uint8Array([200]), new Uint8Array(16_383)]);
    peer.send(frame(FrameType.DATA, FLAG_PADDED, 1, padded));
    expect(peer.readWords().filter((words) => words.includes("WINDOW_UPDATE"))).toEqual([]);
    stream.calls[0].setReceiving(true);
    expect(peer.readWords()).toEqual(["1 WINDOW_UPDATE 16384"]);
  });

  test("6.9.2 a new INITIAL_WINDOW_SIZE moves open streams, below zero too", () => {
    const stream = new Echo("stream");
    const peer = newServer({}, stream).greetServer([0, 4, ...uint32(20)]);
    peer.send(openStream(1), messageFrame(1, new Uint8Array(40)));
    expect(peer.readWords()).toContain("1 DATA 20");
    // The window is used up; taking 15 away leaves -15.
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0, 4, ...uint32(5)]));
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(15)));
    expect(peer.readWords()).toEqual(["SETTINGS ack"]);
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(10)));
    expect(peer.readWords()).toEqual(["1 DATA 10"]);
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0, 4, ...uint32(100)]));
    expect(peer.readWords()).toEqual(["SETTINGS ack", "1 DATA 15"]);
  });

  test("6.9.2 an INITIAL_WINDOW_SIZE that overflows a stream is FLOW_CONTROL_ERROR", () => {
    const peer = silentServer();
    peer.send(openStream(1), frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1000)));
    peer.send(frame(FrameType.SETTINGS, 0, 0, [0, 4, ...uint32(0x7fff_ffff)]));
    expectConnectionError(peer, E.FLOW_CONTROL_ERROR);
  });
});

describe("6.10 CONTINUATION", () => {
  const block = literalBlock(callFields("/a.B/Unary"));

  test("continues a block, in any number of pieces", () => {
    const peer = greeted();
    peer.send(
      frame(FrameType.HEADERS, 0, 1, block.subarray(0, 10)),
      frame(FrameType.CONTINUATION, 0, 1),
      frame(FrameType.CONTINUATION, 0, 1, block.subarray(10, 11)),
      frame(FrameType.CONTINUATION, FLAG_END_HEADERS, 1, block.subarray(11)),
      messageFrame(1, [1], END_STREAM),
    );
    expect(peer.readWords()[1]).toBe("1 DATA 6");
  });

  test("on another stream is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(
      frame(FrameType.HEADERS, 0, 1, block),
      frame(FrameType.CONTINUATION, FLAG_END_HEADERS, 3),
    );
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("without HEADERS is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(frame(FrameType.CONTINUATION, FLAG_END_HEADERS, 1, block));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });

  test("after END_HEADERS is PROTOCOL_ERROR", () => {
    const peer = greeted();
    peer.send(openStream(1), frame(FrameType.CONTINUATION, FLAG_END_HEADERS, 1, block));
    expectConnectionError(peer, E.PROTOCOL_ERROR);
  });
});

describe("8 messages", () => {
  const malformed = (name: string, fields: readonly Field[]): [string, readonly Field[]] => [
    name,
    fields,
  ];
  const base = callFields("/a.B/Unary");

  test.each([
    malformed("8.2.1 an upper-case name", [...base, ["X-Name", "v"]]),
    malformed("8.2.1 a space in a name", [...base, ["x name", "v"]]),
    malformed("8.2.1 a line feed in a value", [...base, ["x", "a\nb"]]),
    malformed("8.2.1 NUL in a value", [...base, ["x", "a\0b"]]),
    malformed("8.2.1 a space around a value", [...base, ["x", " a"]]),
    malformed("8.2.2 connection", [...base, ["connection", "keep-alive"]]),
    malformed("8.2.2 transfer-encoding", [...base, ["transfer-encoding", "chunked"]]),
    malformed("8.2.2 te other than trailers", [...base, ["te", "gzip"]]),
    malformed("8.3 an unknown pseudo header", [[":other", "v"], ...base]),
    malformed("8.3 :status in a request", [[":status", "200"], ...base]),
    malformed("8.3 a pseudo header after a regular one", [...base, [":authority", "x"]]),
    malformed("8.3.1 a pseudo header twice", [[":method", "POST"], ...base]),
    malformed("8.3.1 an empty :path", callFields("")),
    malformed("8.3.1 no :method", base.slice(1)),
    malformed("8.3.1 no :scheme", [base[0], ...base.slice(2)]),
    malformed("8.3.1 no :path", [...base.slice(0, 2), ...base.slice(3)]),
    malformed("8.1.1 a content-length that is no number", [...base, ["content-length", "-1"]]),
  ])("%s is a stream error PROTOCOL_ERROR", (_, fields) => {
    const peer = greeted();
    peer.send(headersFrame(1, fields));
    expectStreamError(peer, 1, E.PROTOCOL_ERROR);
  });

  test.each([
    ["more", 3],
    ["less", 20],
  ])("8.1.1 a body of %s than content-length is a stream error", (_, length) => {
    const peer = silentServer();
    peer.send(
      headersFrame(1, callFields("/a.B/Stream", ["content-length", String(length)])),
      messageFrame(1, [1, 2, 3], END_STREAM),
    );
    expectStreamError(peer, 1, E.PROTOCOL_ERROR);
  });

  test("8.1 a second HEADERS without END_STREAM is a stream error", () => {
    const peer = silentServer();
    peer.send(openStream(1), headersFrame(1, [["x", "y"]]));
    expectStreamError(peer, 1, E.PROTOCOL_ERROR);
  });

  test("8.1 trailers end the request", () => {
    const peer = greeted();
    peer.send(
      headersFrame(1, callFields("/a.B/Unary")),
      messageFrame(1, [1, 2]),
      headersFrame(1, [["x-checksum", "1"]], END_BOTH),
    );
    expect(peer.readWords()[1]).toBe("1 DATA 7");
  });
});
