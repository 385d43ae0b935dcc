/** The request of a client again, out of the operation that it became. */
import { EMPTY_BYTES } from "../../stdx/bytes.ts";
import type { InternalRaftRequestOperation } from "../../wire/gen/raft-internal.ts";
import {
  encodeDeleteRangeRequest,
  encodePutRequest,
  encodeTxnRequest,
} from "../../wire/gen/rpc.ts";

/** Bytes of a request on the keyspace; none for any other. */
export function encodeOperation(operation: InternalRaftRequestOperation): Uint8Array {
  switch (operation.case) {
    case "put":
      return encodePutRequest(operation.value);
    case "deleteRange":
      return encodeDeleteRangeRequest(operation.value);
    case "txn":
      return encodeTxnRequest(operation.value);
    default:
      return EMPTY_BYTES;
  }
}
