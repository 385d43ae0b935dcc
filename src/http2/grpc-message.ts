/**
 * The grpc-message header: text as UTF-8, percent-encoded where it is not printable ASCII.
 * Source: gRPC over HTTP/2 "Status-Message"; grpc-go internal/transport/http_util.go.
 */
import { bytesFromLatin1, bytesFromUtf8, utf8FromBytes } from "../stdx/bytes.ts";

const PLAIN = /^[ -$&-~]*$/;
const PERCENT = 0x25;

/** The header's value for a status message. */
export function encodeGrpcMessage(text: string): string {
  if (PLAIN.test(text)) return text;
  let encoded = "";
  for (const byte of bytesFromUtf8(text)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== PERCENT;
    encoded += plain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** Inverse, for the header's value as one character per byte; broken escapes stay as they are. */
export function decodeGrpcMessage(value: string): string {
  if (PLAIN.test(value)) return value;
  const bytes = bytesFromLatin1(value);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const hex = value.slice(i + 1, i + 3);
    if (bytes[i] === PERCENT && /^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes[length++] = Number.parseInt(hex, 16);
      i += 2;
    } else {
      bytes[length++] = bytes[i];
    }
  }
  return utf8FromBytes(bytes, 0, length);
}
