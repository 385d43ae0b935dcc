/**
 * A peer made of bare frames, for tests that have to break rules or look at every frame. Header blocks are
 * plain literals, so that nothing but the code under test has an encoder.
 */
import { assert } from "../../stdx/assert.ts";
import { bytesFromLatin1, concatBytes } from "../../stdx/bytes.ts";
import type { Http2Endpoint } from "../endpoint.ts";
import { HpackDecoder } from "../hpack-decoder.ts";
import {
  CLIENT_PREFACE,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  FrameType,
  readUint32,
} from "../protocol.ts";

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
}

export type Field = readonly [name: string, value: string];

/** Four bytes, big endian. */
export function uint32(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
}

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array | readonly number[] = [],
): Uint8Array {
  const { length } = payload;
  const header = [length >>> 16, length >>> 8, length, type, flags];
  return concatBytes([new Uint8Array(header), uint32(streamId), new Uint8Array(payload)]);
}

/** A header block of literals without indexing and without Huffman coding; values up to 126 bytes. */
export function literalBlock(fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of fields) {
    parts.push(new Uint8Array([0]));
    for (const text of [name, value]) {
      assert(text.length < 16_000, "Texts of this helper are short");
      const length = text.length < 127 ? [text.length] : longLength(text.length);
      parts.push(new Uint8Array(length), bytesFromLatin1(text));
    }
  }
  return concatBytes(parts);
}

function longLength(length: number): number[] {
  const rest = length - 127;
  return rest < 128 ? [127, rest] : [127, (rest & 127) | 128, rest >> 7];
}

export function headersFrame(
  streamId: number,
  fields: readonly Field[],
  flags: number = FLAG_END_HEADERS,
): Uint8Array {
  return frame(FrameType.HEADERS, flags, streamId, literalBlock(fields));
}

/** DATA with one gRPC message; `flags` of the frame. */
export function messageFrame(
  streamId: number,
  message: Uint8Array | readonly number[],
  flags = 0,
): Uint8Array {
  return frame(FrameType.DATA, flags, streamId, grpcMessage(message));
}

/** A message with its prefix. */
export function grpcMessage(message: Uint8Array | readonly number[], flag = 0): Uint8Array {
  return concatBytes([new Uint8Array([flag]), uint32(message.length), new Uint8Array(message)]);
}

export const END_STREAM: number = FLAG_END_STREAM;
export const END_BOTH: number = FLAG_END_HEADERS | FLAG_END_STREAM;

/** The headers of a gRPC call. */
export function callFields(path: string, ...more: readonly Field[]): Field[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "member:2379"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...more,
  ];
}

/** The frames in `bytes`, which must be whole. */
export function parseFrames(bytes: Uint8Array): RawFrame[] {
  const frames: RawFrame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
    const start = at + FRAME_HEADER_BYTES;
    assert(start + length <= bytes.length, "Output must be whole frames");
    frames.push({
      type: bytes[at + 3],
      flags: bytes[at + 4],
      streamId: readUint32(bytes, at + 5),
      payload: bytes.slice(start, start + length),
    });
    at = start + length;
  }
  return frames;
}

/** Speaks to an endpoint in frames. */
export class RawPeer {
  readonly endpoint: Http2Endpoint;
  nowMs: number;
  readonly #decoder = new HpackDecoder(1 << 20);

  constructor(endpoint: Http2Endpoint, nowMs = 1000) {
    this.endpoint = endpoint;
    this.nowMs = nowMs;
    endpoint.start(nowMs);
  }

  /** The client's side of the handshake; the server's answers are dropped. */
  greetServer(settings: Uint8Array | readonly number[] = []): this {
    this.send(CLIENT_PREFACE, frame(FrameType.SETTINGS, 0, 0, settings));
    this.send(frame(FrameType.SETTINGS, FLAG_ACK, 0));
    this.read();
    return this;
  }

  /** The server's side of the handshake; the client's preface is dropped. */
  greetClient(settings: Uint8Array | readonly number[] = []): this {
    this.endpoint.takeOutput();
    this.send(frame(FrameType.SETTINGS, 0, 0, settings), frame(FrameType.SETTINGS, FLAG_ACK, 0));
    this.read();
    return this;
  }

  send(...frames: readonly Uint8Array[]): this {
    this.endpoint.receive(concatBytes(frames), this.nowMs);
    return this;
  }

  advance(milliseconds: number): this {
    this.nowMs += milliseconds;
    this.endpoint.tick(this.nowMs);
    return this;
  }

  /** Everything the endpoint has to say. */
  read(): RawFrame[] {
    const parts: Uint8Array[] = [];
    let bytes = this.endpoint.takeOutput();
    for (; bytes !== undefined; bytes = this.endpoint.takeOutput()) parts.push(bytes);
    return parseFrames(concatBytes(parts));
  }

  /** The fields of a HEADERS frame. Every one must be decoded, in order. */
  fields(headers: RawFrame): Field[] {
    const block = this.#decoder.decode(headers.payload, 0, headers.payload.length);
    assert(block !== undefined, "Header blocks of ours decode");
    return block.fields.map(({ name, value }) => [name, value] as const);
  }

  /** What the endpoint says, in words: one line per frame. */
  readWords(): string[] {
    return this.read().map((each) => this.#words(each));
  }

  #words({ type, flags, streamId, payload }: RawFrame): string {
    const end = (flags & FLAG_END_STREAM) !== 0 ? " end" : "";
    switch (type) {
      case FrameType.DATA:
        return `${streamId} DATA ${payload.length}${end}`;
      case FrameType.HEADERS: {
        const fields = this.fields({ type, flags, streamId, payload });
        return `${streamId} HEADERS ${fields.map(([name, value]) => `${name}=${value}`).join(" ")}${end}`;
      }
      case FrameType.RST_STREAM:
        return `${streamId} RST_STREAM ${readUint32(payload, 0)}`;
      case FrameType.SETTINGS:
        return end === "" ? `SETTINGS ${payload.length}` : "SETTINGS ack";
      case FrameType.PING:
        return end === "" ? "PING" : "PING ack";
      case FrameType.GOAWAY: {
        const text = String.fromCharCode(...payload.subarray(8));
        return `GOAWAY ${readUint32(payload, 0)} ${readUint32(payload, 4)} ${text}`;
      }
      case FrameType.WINDOW_UPDATE:
        return `${streamId} WINDOW_UPDATE ${readUint32(payload, 0)}`;
      default:
        return `${streamId} type ${type}`;
    }
  }
}
