/**
 * `InternalRaftRequest`, the content of a raft entry, put together from and taken apart into parts that
 * stay marshalled: the bytes of a client's PutRequest go into the entry as they came.
 *
 * ```
 *   [operation 3..11: tag len body] [header 100: tag len body] [operation 1000..1302: tag len body]
 * ```
 * Exactly one operation. The field numbers are `InternalRaftRequestOperationField`.
 * Source: etcd api/etcdserverpb/raft_internal.proto.
 */

import { assert } from "../stdx/assert.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import {
  createRequestHeader,
  InternalRaftRequestOperationField,
  mergeRequestHeader,
  writeRequestHeader,
} from "./gen/raft-internal.ts";
import type { RequestHeader } from "./gen/raft-internal.ts";
import { Reader } from "./reader.ts";
import { beginEncoding } from "./writer.ts";
import type { Writer } from "./writer.ts";

const FIELD_ID = 1;
const FIELD_HEADER = 100;

const WIRE_BYTES = 2;
const TAG_ID = FIELD_ID << 3;
const TAG_HEADER = (FIELD_HEADER << 3) | WIRE_BYTES;

/** Names of all fields, for the text of an error about their wire type. */
const FIELD_NAMES: Record<number, string> = { [FIELD_ID]: "ID", [FIELD_HEADER]: "Header" };

const OPERATION_FIELDS = new Set<number>(Object.values(InternalRaftRequestOperationField));
for (const [name, field] of Object.entries(InternalRaftRequestOperationField)) {
  FIELD_NAMES[field] = name.charAt(0).toUpperCase() + name.slice(1);
}

/** An internal request whose operation is still marshalled. */
export interface InternalRequestParts {
  /** Set by releases before 3.0 only; later ones use `header.id`. */
  id: bigint;
  header: RequestHeader | undefined;
  /** Field number of the operation; 0 when there is none. */
  field: number;
  /** The marshalled operation: a view. */
  body: Uint8Array;
}

/**
 * Returns the marshalled InternalRaftRequest of one operation. `body` is that operation marshalled; it is
 * copied, not looked at. The result has `Writer.take`'s ownership: it is the caller's, in shared memory.
 */
export function encodeInternalRequest(
  header: RequestHeader,
  field: number,
  body: Uint8Array,
): Uint8Array {
  assert(OPERATION_FIELDS.has(field), () => `Cannot encode an operation of field ${field}`);
  const writer = beginEncoding();
  const tag = (field << 3) | WIRE_BYTES;
  if (field > FIELD_HEADER) writeBody(writer, tag, body);
  const mark = writer.mark();
  writeRequestHeader(writer, header);
  writer.length(mark);
  writer.tag(TAG_HEADER);
  if (field < FIELD_HEADER) writeBody(writer, tag, body);
  return writer.take();
}

function writeBody(writer: Writer, tag: number, body: Uint8Array): void {
  writer.bytes(body);
  writer.tag(tag);
}

/**
 * Takes a marshalled InternalRaftRequest apart. Of several operations the last one counts, as in
 * `decodeInternalRaftRequest`. Throws `WireError` on illegal bytes; the operation itself is not checked. A
 * bare v2 `Request`, which entries of 3.5 members hold too, is always refused: its fifth field, which is
 * always written, is a varint. Decode it with `decodeRequest` then.
 */
export function splitInternalRequest(bytes: Uint8Array): InternalRequestParts {
  const parts: InternalRequestParts = { id: 0n, header: undefined, field: 0, body: EMPTY_BYTES };
  const reader = new Reader(bytes);
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === TAG_HEADER) {
      parts.header ??= createRequestHeader();
      const outerEnd = reader.enter();
      mergeRequestHeader(reader, parts.header);
      reader.leave(outerEnd);
    } else if (tag === TAG_ID) {
      parts.id = reader.uint64Bigint();
    } else if (OPERATION_FIELDS.has(tag >>> 3) && (tag & 7) === WIRE_BYTES) {
      parts.field = tag >>> 3;
      parts.body = reader.bytes();
    } else {
      reader.skip(tag, "InternalRaftRequest", FIELD_NAMES);
    }
  }
  return parts;
}
