/**
 * Bytes that are no request, or one that no client library would send: what a server says to each of them is
 * part of its surface, and none may harm it.
 */
import { bytesFromHex } from "../../src/stdx/bytes.ts";
import {
  createPutRequest,
  createRequestOp,
  createTxnRequest,
  encodeTxnRequest,
  type TxnRequest,
} from "../../src/wire/gen/rpc.ts";

/** Each is sent to every method; names say what is wrong, in protobuf's words. */
export const MALFORMED: readonly (readonly [name: string, body: Uint8Array])[] = [
  ["nothing at all", ""],
  ["a key that ends early", "0a0561"],
  ["a length that ends early", "0a80"],
  ["a length of 2^31", "0a8080808008"],
  ["a length of 2^63", "0a80808080808080808001"],
  ["a length of 2^64 - 1", "0affffffffffffffffff01"],
  ["a tag that ends early", "80"],
  ["field 0", "0001"],
  ["field 0 with a length", "0200"],
  ["field 1 as varint", "0801"],
  ["field 1 as fixed64", "090000000000000000"],
  ["field 1 as fixed32", "0d00000000"],
  ["field 2 as varint", "0a016110ff01"],
  ["field 2 as fixed32", "0a01611500000000"],
  ["field 3 as bytes", "0a01611a00"],
  ["field 3 as an empty message twice", "0a01611a001a00"],
  ["wire type 6", "0e00"],
  ["wire type 7", "0f00"],
  ["an end of a group", "0c"],
  ["an end of an unknown group", "0a01617c"],
  ["an unknown group", "0a01617b7c"],
  ["an unknown group without an end", "0a01617b"],
  ["groups in a group", "0a01617b7b08017c7c"],
  ["an unknown varint", "0a01617801"],
  ["an unknown fixed64", "0a0161790000000000000000"],
  ["an unknown fixed64 that ends early", "0a0161790000"],
  ["an unknown string", "0a01617a0161"],
  ["an unknown string that ends early", "0a01617a0561"],
  ["a large field number", "0a0161f8ffffff0f01"],
  ["a varint of eleven bytes", "0a016118ffffffffffffffffffff01"],
  ["a varint of ten bytes, more than 64 bits", "0a016118ffffffffffffffffff7f"],
  ["a varint longer than it needs to be", "0a016118818000"],
  ["a key twice", "0a01610a0162"],
  ["the largest int64", "0a016118ffffffffffffffff7f20ffffffffffffffff7f"],
  ["the smallest int64", "0a01611880808080808080808001208080808080808080800128808080808080808001"],
  ["the largest revision to compact", "08ffffffffffffffff7f"],
  ["the smallest revision to compact", "0880808080808080808001"],
  ["true as 2", "0a0161200230023802"],
  ["an enum beyond 32 bits", "0a0161288080808010"],
].map(([name, hex]) => [name, bytesFromHex(hex) ?? new Uint8Array()]);

/** A put inside of `depth` transactions. */
export function nestedTxn(depth: number, key: Uint8Array): Uint8Array {
  const put = createPutRequest({ key, value: key });
  let txn: TxnRequest = createTxnRequest({
    success: [createRequestOp({ request: { case: "requestPut", value: put } })],
  });
  for (let level = 1; level < depth; level++) {
    txn = createTxnRequest({
      success: [createRequestOp({ request: { case: "requestTxn", value: txn } })],
    });
  }
  return encodeTxnRequest(txn);
}
