/**
 * Numbers and names of HTTP/2 framing.
 *
 *   frame:  length 3B | type 1B | flags 1B | reserved 1 bit, stream id 31 bits | payload
 *
 * Source: RFC 9113 sections 4.1, 6 and 7.
 */
import { bytesFromLatin1 } from "../stdx/bytes.ts";

export const FRAME_HEADER_BYTES = 9;

export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** END_STREAM of DATA and HEADERS, ACK of SETTINGS and PING: the same bit. */
export const FLAG_END_STREAM = 0x1;
export const FLAG_ACK = 0x1;
export const FLAG_END_HEADERS = 0x4;
export const FLAG_PADDED = 0x8;
export const FLAG_PRIORITY = 0x20;

export const ErrorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

const ERROR_NAMES: readonly string[] = Object.keys(ErrorCode);

/** The name of an error code as Go prints it. */
export function errorCodeName(code: number): string {
  return ERROR_NAMES[code] ?? `unknown error code 0x${code.toString(16)}`;
}

export const SettingId = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** Bytes of every window before SETTINGS and WINDOW_UPDATE. */
export const DEFAULT_WINDOW_BYTES = 65_535;
export const WINDOW_BYTES_MAX = 0x7fff_ffff;
export const DEFAULT_FRAME_BYTES_MAX = 16_384;
export const FRAME_BYTES_LIMIT = 0xff_ffff;

/** What a client sends first. */
export const CLIENT_PREFACE: Uint8Array = bytesFromLatin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Tells HTTP/2 from anything else by the first bytes of a connection. "more" means that all bytes so far
 * fit; the 24 bytes of the preface decide at the latest, HTTP/1 requests with the first that differs.
 */
export function looksLikeHttp2Preface(firstBytes: Uint8Array): "yes" | "no" | "more" {
  const compared = Math.min(firstBytes.length, CLIENT_PREFACE.length);
  for (let i = 0; i < compared; i++) {
    if (firstBytes[i] !== CLIENT_PREFACE[i]) return "no";
  }
  return compared === CLIENT_PREFACE.length ? "yes" : "more";
}

/** Reads four bytes, big endian, as an unsigned number. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** Writes four bytes, big endian. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
