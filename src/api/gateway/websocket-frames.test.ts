import { expect, test } from "vitest";
import { bytesFromUtf8, concatBytes, utf8FromBytes } from "../../stdx/bytes.ts";
import { Prng } from "../../stdx/prng.ts";
import {
  CloseCode,
  closeFrame,
  pongFrame,
  textFrame,
  WebSocketReader,
} from "./websocket-frames.ts";

const MESSAGE_BYTES_MAX = 100_000;

/** A frame as clients send it. */
function clientFrame(first: number, payload: Uint8Array, lengthBytes?: 2 | 8): Uint8Array {
  const plain = textFrame(payload);
  const head = plain.slice(0, plain.length - payload.length);
  head[0] = first;
  head[1] |= 0x80;
  if (lengthBytes === 8) {
    head[1] = 0xff;
    const long = new Uint8Array(10);
    long.set(head.subarray(0, 2));
    new DataView(long.buffer).setBigUint64(2, BigInt(payload.length));
    return concatBytes([long, Uint8Array.of(1, 2, 3, 4), masked(payload)]);
  }
  return concatBytes([head, Uint8Array.of(1, 2, 3, 4), masked(payload)]);
}

function masked(payload: Uint8Array): Uint8Array {
  return payload.map((byte, at) => byte ^ [1, 2, 3, 4][at % 4]);
}

class Heard {
  readonly messages: string[] = [];
  readonly pings: string[] = [];
  readonly closes: number[] = [];
  readonly reader = new WebSocketReader(MESSAGE_BYTES_MAX, {
    onMessage: (message) => this.messages.push(utf8FromBytes(message)),
    onPing: (payload) => this.pings.push(utf8FromBytes(payload)),
    onClose: (code) => this.closes.push(code),
  });
}

test("messages in one frame or in several, of every size, cut anywhere", () => {
  const prng = new Prng(1);
  for (const size of [0, 1, 125, 126, 127, 65_535, 65_536, MESSAGE_BYTES_MAX]) {
    const text = "x".repeat(size);
    const half = bytesFromUtf8(text.slice(0, size >> 1));
    const rest = bytesFromUtf8(text.slice(size >> 1));
    const bytes = concatBytes([
      clientFrame(0x81, bytesFromUtf8(text)),
      clientFrame(0x02, half),
      clientFrame(0x89, bytesFromUtf8("ping")),
      clientFrame(0x80, rest, 8),
    ]);
    const heard = new Heard();
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + prng.below(bytes.length - at);
      heard.reader.receive(bytes.slice(at, end));
      at = end;
    }
    expect(heard.messages).toEqual([text, text]);
    expect(heard.pings).toEqual(["ping"]);
    expect(heard.closes).toEqual([]);
  }
});

test.each([
  ["frames without a mask", textFrame(bytesFromUtf8("a")), CloseCode.protocolError],
  ["reserved bits", clientFrame(0xc1, bytesFromUtf8("a")), CloseCode.protocolError],
  ["unknown opcodes", clientFrame(0x83, bytesFromUtf8("a")), CloseCode.protocolError],
  ["unknown control frames", clientFrame(0x8b, bytesFromUtf8("a")), CloseCode.protocolError],
  ["a continuation of nothing", clientFrame(0x80, bytesFromUtf8("a")), CloseCode.protocolError],
  ["control frames in pieces", clientFrame(0x09, bytesFromUtf8("a")), CloseCode.protocolError],
  ["long control frames", clientFrame(0x89, new Uint8Array(126)), CloseCode.protocolError],
  ["messages that are too large", clientFrame(0x81, new Uint8Array(100_001)), CloseCode.tooBig],
  ["a close", clientFrame(0x88, Uint8Array.of(3, 232)), CloseCode.normal],
])("%s end the connection, and nothing is heard after it", (_, bytes, code) => {
  const heard = new Heard();
  heard.reader.receive(concatBytes([bytes, clientFrame(0x81, bytesFromUtf8("late"))]));
  expect(heard.closes).toEqual([code]);
  expect(heard.messages).toEqual([]);
});

test("a message in pieces is bounded as a whole", () => {
  const heard = new Heard();
  heard.reader.receive(clientFrame(0x01, new Uint8Array(60_000)));
  heard.reader.receive(clientFrame(0x80, new Uint8Array(60_000)));
  expect(heard.closes).toEqual([CloseCode.tooBig]);
});

test("any bytes are read, or end the connection", () => {
  const prng = new Prng(3);
  for (let round = 0; round < 2000; round++) {
    const heard = new Heard();
    const bytes = Uint8Array.from({ length: prng.below(60) }, () => prng.below(256));
    heard.reader.receive(bytes);
    expect(heard.closes.length).toBeLessThanOrEqual(1);
  }
});

test("frames of a server", () => {
  expect([...closeFrame(CloseCode.normal)]).toEqual([0x88, 2, 3, 232]);
  expect([...pongFrame(bytesFromUtf8("a"))]).toEqual([0x8a, 1, 0x61]);
  expect([...textFrame(new Uint8Array(126)).subarray(0, 4)]).toEqual([0x81, 126, 0, 126]);
  const long = textFrame(new Uint8Array(65_536));
  expect([...long.subarray(0, 10)]).toEqual([0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
});
