import { expect, test } from "vitest";
import { createKeyValue } from "../../wire/gen/kv.ts";
import {
  createPutResponse,
  createRangeResponse,
  createResponseHeader,
  createResponseOp,
  createTxnResponse,
  encodeTxnResponse,
  type ResponseOp,
} from "../../wire/gen/rpc.ts";
import { scanTxnResponse } from "./txn-scan.ts";

function read(...modRevisions: number[]): ResponseOp {
  const kvs = modRevisions.map((modRevision) =>
    createKeyValue({
      key: new Uint8Array(20).fill(0x18),
      createRevision: 3,
      modRevision,
      version: 8,
    }),
  );
  const header = createResponseHeader({ revision: 1 });
  const value = createRangeResponse({ header, kvs, more: true, count: 9 });
  return createResponseOp({ response: { case: "responseRange", value } });
}

test("scanTxnResponse finds what reads have seen", () => {
  const put = createResponseOp({ response: { case: "responsePut", value: createPutResponse({}) } });
  const bytes = encodeTxnResponse(
    createTxnResponse({
      header: createResponseHeader({
        clusterId: 2n ** 64n - 1n,
        revision: 2 ** 40 + 5,
        raftTerm: 3,
      }),
      succeeded: true,
      responses: [read(2 ** 40, 7), put, read(), read(12)],
    }),
  );
  expect(scanTxnResponse(bytes)).toEqual({
    succeeded: true,
    revision: 2 ** 40 + 5,
    modRevisions: [2 ** 40, 0, 0, 12],
  });
  expect(() => scanTxnResponse(bytes.subarray(0, bytes.length - 1))).toThrow();
  expect(scanTxnResponse(new Uint8Array())).toEqual({
    succeeded: false,
    revision: 0,
    modRevisions: [],
  });
});
