/**
 * gRPC metadata: what of an HTTP/2 header list belongs to the application.
 *
 * Names are lower case. Values of names that end in `-bin` are bytes (base64 on the wire), all others are
 * text of one character per byte (U+0020 to U+007E by the protocol).
 */

/** One entry. `value` is bytes exactly where `name` ends in `-bin`. */
export interface MetadataEntry {
  readonly name: string;
  readonly value: string | Uint8Array;
}

/** In wire order; a name may come more than once. */
export type GrpcMetadata = readonly MetadataEntry[];

export const EMPTY_METADATA: GrpcMetadata = [];
