/**
 * Header blocks of responses. The two of a successful call are the same bytes every time once the table has
 * its entries, so they are kept as they are and an answer costs copying a few bytes.
 */
import type { HttpHeaders } from "../ports/http.ts";
import { encodeGrpcMessage } from "./grpc-message.ts";
import { type GrpcMetadata, wireMetadata } from "./grpc-metadata.ts";
import { FIELD_OVERHEAD_BYTES } from "./header-field.ts";
import type { FieldUse, HpackEncoder } from "./hpack-encoder.ts";
import { OutBuffer } from "./out-buffer.ts";
import type { Refusal } from "./request-head.ts";

/** The content types that are worth a place in the table; others are up to the client. */
const GRPC_TYPE = "application/grpc";
const GRPC_PROTO_TYPE = "application/grpc+proto";

/** Names, overheads and short values of :status, content-type, grpc-status and grpc-message. */
const FIXED_LIST_BYTES = 4 * FIELD_OVERHEAD_BYTES + 7 + 12 + 11 + 12 + 5;

/** gRPC's own status codes; others are sent as literals. */
const STATUS_CODE_MAX = 16;

/** A block as last encoded, good as long as the encoder's table has not changed. */
class KeptBlock {
  bytes: Uint8Array = new Uint8Array(0);
  changes = -1;
}

export class ResponseBlocks {
  readonly #encoder: HpackEncoder;
  readonly #scratch = new OutBuffer();
  readonly #headers = new KeptBlock();
  readonly #protoHeaders = new KeptBlock();
  readonly #okTrailers = new KeptBlock();
  constructor(encoder: HpackEncoder) {
    this.#encoder = encoder;
  }

  /** Size of the list that ends a call, as the peer's MAX_HEADER_LIST_SIZE counts; at most a few too many. */
  statusListBytes(contentType: string, message: string, metadata: GrpcMetadata): number {
    let bytes = FIXED_LIST_BYTES + contentType.length + encodeGrpcMessage(message).length;
    for (const { name, value } of wireMetadata(metadata)) {
      bytes += name.length + value.length + FIELD_OVERHEAD_BYTES;
    }
    return bytes;
  }

  /** Response headers without metadata. Valid until the next block: write it first. */
  headers(contentType: string): Uint8Array {
    const kept =
      contentType === GRPC_TYPE
        ? this.#headers
        : contentType === GRPC_PROTO_TYPE
          ? this.#protoHeaders
          : undefined;
    if (kept !== undefined && kept.changes === this.#encoder.changes) return kept.bytes;
    const { changes } = this.#encoder;
    const block = this.headersWith(contentType, []);
    if (kept !== undefined && changes === this.#encoder.changes) {
      kept.bytes = block;
      kept.changes = changes;
    }
    return block;
  }

  /** The trailers of success without metadata. */
  okTrailers(): Uint8Array {
    const kept = this.#okTrailers;
    if (kept.changes === this.#encoder.changes) return kept.bytes;
    const { changes } = this.#encoder;
    const block = this.trailers(0, "", []);
    if (changes === this.#encoder.changes) {
      kept.bytes = block;
      kept.changes = changes;
    }
    return block;
  }

  /** Response headers with metadata. */
  headersWith(contentType: string, metadata: GrpcMetadata): Uint8Array {
    this.#begin();
    this.#responseFields(200, contentType);
    this.#metadata(metadata);
    return this.#finish();
  }

  trailers(code: number, message: string, metadata: GrpcMetadata): Uint8Array {
    this.#begin();
    this.#statusFields(code, message);
    this.#metadata(metadata);
    return this.#finish();
  }

  /** Headers and trailers in one: the answer that has no message. */
  trailersOnly(
    contentType: string,
    code: number,
    message: string,
    metadata: GrpcMetadata,
  ): Uint8Array {
    this.#begin();
    this.#responseFields(200, contentType);
    this.#statusFields(code, message);
    this.#metadata(metadata);
    return this.#finish();
  }

  refusal(contentType: string, refusal: Refusal): Uint8Array {
    this.#begin();
    this.#responseFields(refusal.httpStatus, contentType);
    this.#statusFields(refusal.code, refusal.message);
    if (refusal.acceptEncoding !== undefined) {
      this.#field("grpc-accept-encoding", refusal.acceptEncoding, "once");
    }
    return this.#finish();
  }

  /** Headers of an answer that is not gRPC. Names that HTTP/2 forbids are left out. */
  plain(status: number, headers: HttpHeaders): Uint8Array {
    this.#begin();
    this.#field(":status", String(status), "once");
    for (const [given, values] of Object.entries(headers)) {
      const name = given.toLowerCase();
      if (FORBIDDEN.has(name)) continue;
      for (const value of typeof values === "string" ? [values] : values) {
        this.#field(name, value, "once");
      }
    }
    return this.#finish();
  }

  #begin(): void {
    this.#encoder.begin(this.#scratch);
  }

  #field(name: string, value: string, use: FieldUse): void {
    this.#encoder.field(this.#scratch, name, value, use);
  }

  #responseFields(httpStatus: number, contentType: string): void {
    this.#field(":status", String(httpStatus), "once");
    const usual = contentType === GRPC_TYPE || contentType === GRPC_PROTO_TYPE;
    this.#field("content-type", contentType, usual ? "repeated" : "once");
  }

  #statusFields(code: number, message: string): void {
    this.#field("grpc-status", String(code), code <= STATUS_CODE_MAX ? "repeated" : "once");
    if (message !== "") this.#field("grpc-message", encodeGrpcMessage(message), "once");
  }

  #metadata(metadata: GrpcMetadata): void {
    for (const { name, value } of wireMetadata(metadata)) this.#field(name, value, "once");
  }

  #finish(): Uint8Array {
    // A block has at least one field.
    return this.#scratch.take() ?? new Uint8Array(0);
  }
}

const FORBIDDEN: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);
