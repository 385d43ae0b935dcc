/**
 * Header blocks of requests. A caller repeats path and metadata, and once the table has their fields the
 * block is the same handful of bytes every time: it is kept under both.
 */
import { type GrpcMetadata, wireMetadata } from "./grpc-metadata.ts";
import { formatGrpcTimeout } from "./grpc-timeout.ts";
import { FIELD_OVERHEAD_BYTES } from "./header-field.ts";
import type { HpackEncoder } from "./hpack-encoder.ts";
import { CLIENT_BLOCK_MEMO_MAX } from "./limits.ts";
import { OutBuffer } from "./out-buffer.ts";

/** A block as last encoded, good for this metadata as long as the encoder's table has not changed. */
interface KeptBlock {
  readonly metadata: GrpcMetadata;
  readonly changes: number;
  readonly bytes: Uint8Array;
}

export class RequestBlocks {
  readonly #encoder: HpackEncoder;
  readonly #scheme: string;
  readonly #authority: string;
  readonly #userAgent: string;
  readonly #scratch = new OutBuffer();
  readonly #kept = new Map<string, KeptBlock>();

  constructor(encoder: HpackEncoder, scheme: string, authority: string, userAgent: string) {
    this.#encoder = encoder;
    this.#scheme = scheme;
    this.#authority = authority;
    this.#userAgent = userAgent;
  }

  /** The block of a call; `timeoutMs` is `Infinity` for none. Valid until the next block: write it first. */
  request(path: string, metadata: GrpcMetadata, timeoutMs: number): Uint8Array {
    const kept = this.#kept.get(path);
    const usable =
      kept !== undefined && kept.metadata === metadata && kept.changes === this.#encoder.changes;
    if (timeoutMs === Number.POSITIVE_INFINITY)
      return usable ? kept.bytes : this.#encode(path, metadata);
    const block = usable ? kept.bytes : this.#encode(path, metadata);
    this.#scratch.append(block, 0, block.length);
    this.#encoder.field(this.#scratch, "grpc-timeout", formatGrpcTimeout(timeoutMs), "once");
    return this.#scratch.take() ?? block;
  }

  /** Size of a call's header list, as MAX_HEADER_LIST_SIZE counts; at most a few too many. */
  listBytes(path: string, metadata: GrpcMetadata): number {
    let bytes = FIXED_LIST_BYTES + path.length + this.#authority.length + this.#userAgent.length;
    for (const { name, value } of wireMetadata(metadata)) {
      bytes += name.length + value.length + FIELD_OVERHEAD_BYTES;
    }
    return bytes;
  }

  #encode(path: string, metadata: GrpcMetadata): Uint8Array {
    const encoder = this.#encoder;
    const out = this.#scratch;
    const { changes } = encoder;
    encoder.begin(out);
    encoder.field(out, ":method", "POST", "repeated");
    encoder.field(out, ":scheme", this.#scheme, "repeated");
    encoder.field(out, ":path", path, "repeated");
    encoder.field(out, ":authority", this.#authority, "repeated");
    encoder.field(out, "content-type", "application/grpc", "repeated");
    encoder.field(out, "user-agent", this.#userAgent, "repeated");
    encoder.field(out, "te", "trailers", "repeated");
    for (const { name, value } of wireMetadata(metadata))
      encoder.field(out, name, value, "repeated");
    const bytes = out.take() ?? new Uint8Array(0);
    if (changes === encoder.changes) {
      if (this.#kept.size >= CLIENT_BLOCK_MEMO_MAX) this.#kept.clear();
      this.#kept.set(path, { metadata, changes, bytes });
    }
    return bytes;
  }
}

/** Names and overheads of the fields that every request has, with room for grpc-timeout. */
const FIXED_LIST_BYTES = 8 * FIELD_OVERHEAD_BYTES + 128;
