/** Writing frames into an `OutBuffer`. All lengths are checked by the callers. */
import { bytesFromUtf8, EMPTY_BYTES } from "../stdx/bytes.ts";
import { OutBuffer } from "./out-buffer.ts";
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  FrameType,
  type SettingId,
  writeUint32,
} from "./protocol.ts";

const PING_BYTES = 8;
const SETTING_BYTES = 6;

/** Writes a frame header; the caller has reserved room and writes `length` bytes behind it. */
export function writeFrameHeader(
  out: OutBuffer,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  const { bytes, at } = out;
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeUint32(bytes, at + 5, streamId);
  out.at = at + FRAME_HEADER_BYTES;
}

/** Writes an encoded header block as HEADERS and, where it is longer than a frame, CONTINUATION. */
export function writeHeaderBlock(
  out: OutBuffer,
  streamId: number,
  block: Uint8Array,
  endStream: boolean,
  frameBytesMax: number,
): void {
  const { length } = block;
  const flags = endStream ? FLAG_END_STREAM : 0;
  if (length <= frameBytesMax) {
    out.reserve(FRAME_HEADER_BYTES + length);
    writeFrameHeader(out, length, FrameType.HEADERS, flags | FLAG_END_HEADERS, streamId);
    out.append(block, 0, length);
    return;
  }
  for (let at = 0; at < length; at += frameBytesMax) {
    const end = Math.min(at + frameBytesMax, length);
    const last = end === length ? FLAG_END_HEADERS : 0;
    out.reserve(FRAME_HEADER_BYTES + end - at);
    if (at === 0) writeFrameHeader(out, end, FrameType.HEADERS, flags | last, streamId);
    else writeFrameHeader(out, end - at, FrameType.CONTINUATION, last, streamId);
    out.append(block, at, end);
  }
}

export function writeRstStream(out: OutBuffer, streamId: number, errorCode: number): void {
  out.reserve(FRAME_HEADER_BYTES + 4);
  writeFrameHeader(out, 4, FrameType.RST_STREAM, 0, streamId);
  writeUint32(out.bytes, out.at, errorCode);
  out.at += 4;
}

export function writeWindowUpdate(out: OutBuffer, streamId: number, increment: number): void {
  out.reserve(FRAME_HEADER_BYTES + 4);
  writeFrameHeader(out, 4, FrameType.WINDOW_UPDATE, 0, streamId);
  writeUint32(out.bytes, out.at, increment);
  out.at += 4;
}

/** Writes a PING with the eight bytes of `source` at `at`. */
export function writePing(out: OutBuffer, ack: boolean, source: Uint8Array, at: number): void {
  out.reserve(FRAME_HEADER_BYTES + PING_BYTES);
  writeFrameHeader(out, PING_BYTES, FrameType.PING, ack ? FLAG_ACK : 0, 0);
  out.append(source, at, at + PING_BYTES);
}

export function writeGoAway(
  out: OutBuffer,
  lastStreamId: number,
  errorCode: number,
  debugData: Uint8Array,
): void {
  const length = 8 + debugData.length;
  out.reserve(FRAME_HEADER_BYTES + length);
  writeFrameHeader(out, length, FrameType.GOAWAY, 0, 0);
  writeUint32(out.bytes, out.at, lastStreamId);
  writeUint32(out.bytes, out.at + 4, errorCode);
  out.at += 8;
  out.append(debugData, 0, debugData.length);
}

/** A whole GOAWAY frame, for a connection that no engine serves. */
export function goAwayFrame(errorCode: number, text: string): Uint8Array {
  const out = new OutBuffer();
  writeGoAway(out, 0, errorCode, bytesFromUtf8(text));
  return out.take() ?? EMPTY_BYTES;
}

/** Writes SETTINGS with the given entries, in order. */
export function writeSettings(
  out: OutBuffer,
  entries: readonly (readonly [id: (typeof SettingId)[keyof typeof SettingId], value: number])[],
): void {
  const length = SETTING_BYTES * entries.length;
  out.reserve(FRAME_HEADER_BYTES + length);
  writeFrameHeader(out, length, FrameType.SETTINGS, 0, 0);
  for (const [id, value] of entries) {
    out.bytes[out.at] = 0;
    out.bytes[out.at + 1] = id;
    writeUint32(out.bytes, out.at + 2, value);
    out.at += SETTING_BYTES;
  }
}

export function writeSettingsAck(out: OutBuffer): void {
  out.reserve(FRAME_HEADER_BYTES);
  writeFrameHeader(out, 0, FrameType.SETTINGS, FLAG_ACK, 0);
}
