import { describe, expect, test } from "vitest";
import {
  createDeleteRangeRequest,
  createLeaseGrantRequest,
  createPutRequest,
  createRequestOp,
  createTxnRequest,
  type RequestOp,
} from "../wire/gen/rpc.ts";
import { costOf, Quota } from "./quota.ts";

const put = (valueBytes: number): RequestOp =>
  createRequestOp({
    request: {
      case: "requestPut",
      value: createPutRequest({ key: new Uint8Array(4), value: new Uint8Array(valueBytes) }),
    },
  });

describe("costOf", () => {
  test("counts key, value and overhead of a put", () => {
    const value = createPutRequest({ key: new Uint8Array(4), value: new Uint8Array(100) });
    expect(costOf({ case: "put", value })).toBe(256 + 104);
  });

  test("takes the dearer branch of a transaction, without nested ones", () => {
    const nested = createRequestOp({
      request: { case: "requestTxn", value: createTxnRequest({ success: [put(10_000)] }) },
    });
    const value = createTxnRequest({ success: [put(1), put(2)], failure: [put(50), nested] });
    expect(costOf({ case: "txn", value })).toBe(2 * 260 + 3);
  });

  test("is 64 for a lease and nothing for what frees space", () => {
    expect(costOf({ case: "leaseGrant", value: createLeaseGrantRequest() })).toBe(64);
    expect(costOf({ case: "deleteRange", value: createDeleteRangeRequest() })).toBe(0);
  });
});

describe("Quota", () => {
  const lease = { case: "leaseGrant", value: createLeaseGrantRequest() } as const;

  test("admits up to below the limit, and what costs nothing always", () => {
    expect(new Quota(1000, () => 935).admits(lease)).toBe(true);
    expect(new Quota(1000, () => 936).admits(lease)).toBe(false);
    const removal = { case: "deleteRange", value: createDeleteRangeRequest() } as const;
    expect(new Quota(1000, () => 5000).admits(removal)).toBe(true);
  });

  test("has no limit when it is negative", () => {
    expect(new Quota(-1, () => Number.MAX_SAFE_INTEGER - 1000).admits(lease)).toBe(true);
  });
});
