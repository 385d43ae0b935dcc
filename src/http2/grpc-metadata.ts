/**
 * gRPC metadata: what of an HTTP/2 header list belongs to the application.
 *
 * Names are lower case. Values of names that end in `-bin` are bytes (base64 on the wire), all others are
 * text of one character per byte (U+0020 to U+007E by the protocol).
 *
 * Source: gRPC over HTTP/2 "Custom-Metadata"; grpc-go internal/transport/http_util.go for what is reserved.
 */
import { base64FromBytes, bytesFromBase64 } from "../stdx/base64.ts";
import { goQuote } from "../stdx/go-quote.ts";
import { FieldKind, type HeaderField } from "./header-field.ts";

/** One entry. `value` is bytes exactly where `name` ends in `-bin`. */
export interface MetadataEntry {
  /** Lower case. */
  readonly name: string;
  /** Text of one character per byte, or bytes. */
  readonly value: string | Uint8Array;
}

/** In wire order; a name may come more than once. */
export type GrpcMetadata = readonly MetadataEntry[];

export const EMPTY_METADATA: GrpcMetadata = [];

/** Names that the protocol uses itself: never sent as metadata. */
const RESERVED: ReadonlySet<string> = new Set([
  "content-type",
  "user-agent",
  "grpc-message-type",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-timeout",
  "te",
]);

const NAME = /^[0-9a-z_.-]+$/;
const TEXT = /^[ -~]*$/;

/** Entries that may be sent, with their values as on the wire. */
export function wireMetadata(metadata: GrpcMetadata): { name: string; value: string }[] {
  const fields: { name: string; value: string }[] = [];
  for (const { name, value } of metadata) {
    if (RESERVED.has(name) || name.startsWith(":")) continue;
    fields.push({ name, value: typeof value === "string" ? value : encodeBinaryValue(value) });
  }
  return fields;
}

/** What is wrong with `metadata`, in grpc-go's words; `undefined` when it may be sent. */
export function metadataFault(metadata: GrpcMetadata): string | undefined {
  for (const { name, value } of metadata) {
    if (!NAME.test(name)) {
      return `header key ${goQuote(name)} contains illegal characters not in [0-9a-z-_.]`;
    }
    if (typeof value === "string" && !TEXT.test(value)) {
      return `header key ${goQuote(name)} contains value with non-printable ASCII characters`;
    }
  }
  return undefined;
}

/** The bytes of a `-bin` field, padded or not, or the position of what is not base64. */
export function decodeBinaryValue(value: string): Uint8Array | number {
  const missing = (4 - (value.length % 4)) % 4;
  if (missing === 3) return value.length - 1;
  return bytesFromBase64(value + "=".repeat(missing));
}

/** Sent without padding, as the protocol asks. */
function encodeBinaryValue(bytes: Uint8Array): string {
  return base64FromBytes(bytes).replace(/=+$/, "");
}

/**
 * The metadata of a header list as grpc-go shows it to applications. Binary values that do not decode are
 * left out.
 */
export function visibleMetadata(fields: readonly HeaderField[]): MetadataEntry[] {
  const entries: MetadataEntry[] = [];
  const hasAuthority = fields.some((field) => field.kind === FieldKind.AUTHORITY);
  for (const { kind, name, value } of fields) {
    switch (kind) {
      case FieldKind.TEXT:
      case FieldKind.AUTHORITY:
      case FieldKind.CONTENT_TYPE:
      case FieldKind.CONTENT_LENGTH:
      case FieldKind.USER_AGENT:
      case FieldKind.GRPC_ACCEPT_ENCODING:
        entries.push({ name, value });
        break;
      case FieldKind.HOST:
        if (!hasAuthority) entries.push({ name: ":authority", value });
        break;
      case FieldKind.BINARY: {
        const bytes = decodeBinaryValue(value);
        if (typeof bytes !== "number") entries.push({ name, value: bytes });
        break;
      }
      case FieldKind.METHOD:
      case FieldKind.SCHEME:
      case FieldKind.PATH:
      case FieldKind.STATUS:
      case FieldKind.OTHER_PSEUDO:
      case FieldKind.TE:
      case FieldKind.CONNECTION:
      case FieldKind.GRPC_TIMEOUT:
      case FieldKind.GRPC_ENCODING:
      case FieldKind.GRPC_STATUS:
      case FieldKind.GRPC_MESSAGE:
      case FieldKind.GRPC_OTHER:
        break;
    }
  }
  return entries;
}
