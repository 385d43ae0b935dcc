import { expect, test } from "vitest";
import { Errors } from "../errors/table.ts";
import {
  createRequestHeader,
  decodeInternalRaftRequest,
  InternalRaftRequestOperationField as Operation,
} from "../wire/gen/raft-internal.ts";
import {
  createDeleteRangeRequest,
  createRequestOp,
  createTxnRequest,
  encodeTxnRequest,
  type TxnRequest,
} from "../wire/gen/rpc.ts";
import { encodeInternalRequest } from "../wire/internal-request.ts";
import { checkTxnRequest } from "./request-checks.ts";

/** A deletion inside of `depth` transactions. */
function nested(depth: number): TxnRequest {
  const value = createDeleteRangeRequest({ key: Uint8Array.of(1) });
  let txn = createTxnRequest({
    success: [createRequestOp({ request: { case: "requestDeleteRange", value } })],
  });
  for (let level = 1; level < depth; level++) {
    txn = createTxnRequest({
      success: [createRequestOp({ request: { case: "requestTxn", value: txn } })],
    });
  }
  return txn;
}

test("checkTxnRequest counts transactions in each other as operations", () => {
  expect(checkTxnRequest(nested(128), 128)).toBeUndefined();
  expect(checkTxnRequest(nested(129), 128)).toBe(Errors.TooManyOps);
});

test("checkTxnRequest lets nothing through that cannot be read from the log again", () => {
  expect(checkTxnRequest(nested(130), 100_000)).toBe(Errors.TooManyOps);
  const deepest = nested(129);
  expect(checkTxnRequest(deepest, 100_000)).toBeUndefined();
  const body = encodeTxnRequest(deepest);
  const entry = encodeInternalRequest(createRequestHeader(), Operation.txn, body);
  const { operation } = decodeInternalRaftRequest(entry);
  expect(operation).toEqual({ case: "txn", value: deepest });
});
