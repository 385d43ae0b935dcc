import { expect, test } from "vitest";
import { Errors } from "../errors/table.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import {
  createCompare,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  createTxnRequest,
  type RequestOp,
  type TxnRequest,
} from "../wire/gen/rpc.ts";
import {
  checkDeleteRangeRequest,
  checkPutRequest,
  checkRangeRequest,
  checkTxnRequest,
} from "./request-checks.ts";

const bytes = (text: string): Uint8Array => bytesFromLatin1(text);
const put = (key: string): RequestOp => ({
  request: { case: "requestPut", value: createPutRequest({ key: bytes(key) }) },
});
const range = (key: string): RequestOp => ({
  request: { case: "requestRange", value: createRangeRequest({ key: bytes(key) }) },
});
const del = (key: string, rangeEnd = ""): RequestOp => ({
  request: {
    case: "requestDeleteRange",
    value: createDeleteRangeRequest({ key: bytes(key), rangeEnd: bytes(rangeEnd) }),
  },
});
const success = (...operations: RequestOp[]): TxnRequest =>
  createTxnRequest({ success: operations });
const failure = (...operations: RequestOp[]): TxnRequest =>
  createTxnRequest({ failure: operations });
const txn = (then: RequestOp[], otherwise: RequestOp[] = []): RequestOp => ({
  request: {
    case: "requestTxn",
    value: createTxnRequest({ success: then, failure: otherwise }),
  },
});

test("checkRangeRequest and checkDeleteRangeRequest want a key", () => {
  expect(checkRangeRequest(createRangeRequest())).toBe(Errors.EmptyKey);
  expect(checkRangeRequest(createRangeRequest({ rangeEnd: bytes("\0") }))).toBe(Errors.EmptyKey);
  expect(checkRangeRequest(createRangeRequest({ key: bytes("\0") }))).toBeUndefined();
  expect(checkDeleteRangeRequest(createDeleteRangeRequest())).toBe(Errors.EmptyKey);
  expect(checkDeleteRangeRequest(createDeleteRangeRequest({ key: bytes("a") }))).toBeUndefined();
});

test("checkPutRequest refuses what is to be ignored, the key first, then value, then lease", () => {
  const ignored = { ignoreValue: true, ignoreLease: true, value: bytes("v"), lease: 1n };
  expect(checkPutRequest(createPutRequest(ignored))).toBe(Errors.EmptyKey);
  const keyed = { ...ignored, key: bytes("k") };
  expect(checkPutRequest(createPutRequest(keyed))).toBe(Errors.ValueProvided);
  const empty = { ...keyed, value: bytes("") };
  expect(checkPutRequest(createPutRequest(empty))).toBe(Errors.LeaseProvided);
  expect(checkPutRequest(createPutRequest({ ...empty, lease: 0n }))).toBeUndefined();
});

test.each([
  ["an empty transaction", success(), 0, undefined],
  ["as many operations as allowed", success(put("a"), put("b")), 2, undefined],
  ["too many in success", success(put("a"), put("b")), 1, Errors.TooManyOps],
  ["too many in failure", failure(put("a"), put("b")), 1, Errors.TooManyOps],
  [
    "too many compares, before their empty key",
    createTxnRequest({ compare: [createCompare(), createCompare()] }),
    1,
    Errors.TooManyOps,
  ],
  ["a compare without a key", createTxnRequest({ compare: [createCompare()] }), 1, Errors.EmptyKey],
  ["a range without a key", success(range("")), 1, Errors.EmptyKey],
  ["a put without a key, in failure", failure(put("")), 1, Errors.EmptyKey],
  ["an operation of no kind", success({ request: undefined }), 1, Errors.KeyNotFound],
  ["the first of two errors", success({ request: undefined }, put("")), 2, Errors.KeyNotFound],
  [
    "an error of success before one of failure",
    createTxnRequest({
      success: [put("")],
      failure: [{ request: undefined }],
    }),
    1,
    Errors.EmptyKey,
  ],
  ["nested with budget left", success(txn([put("a")])), 2, undefined],
  ["nested without budget left", success(txn([put("a")])), 1, Errors.TooManyOps],
  [
    "nested, budget taken by the other list",
    createTxnRequest({
      success: [txn([put("a")])],
      failure: [put("a"), put("b"), put("c")],
    }),
    3,
    Errors.TooManyOps,
  ],
  ["a nested empty transaction without budget", success(txn([])), 1, undefined],
  ["an error before a duplicate", success(put("a"), put("a"), put("")), 3, Errors.EmptyKey],
])("checkTxnRequest: %s", (_, request, operationsMax, expected) => {
  expect(checkTxnRequest(request, operationsMax)).toBe(expected);
});

test.each([
  ["two puts of one key", [put("a"), put("a")], true],
  ["puts of two keys", [put("a"), put("a\0")], false],
  ["put and delete of one key", [put("a"), del("a")], true],
  ["delete and put of one key", [del("a"), put("a")], true],
  ["put in a deleted range", [del("a", "c"), put("b\xff")], true],
  ["put at the start of a deleted range", [put("a"), del("a", "c")], true],
  ["put at the end of a deleted range", [del("a", "c"), put("c")], false],
  ["put inside an inverted range", [del("c", "a"), put("b")], false],
  ["put above a deletion of all keys from one on", [del("a", "\0"), put("b")], false],
  ["deletes that overlap", [del("a", "c"), del("b", "d"), del("b")], false],
  ["ranges and a put", [range("a"), put("a"), range("a")], false],
  ["put and nested put", [put("a"), txn([put("a")])], true],
  ["put and put nested in failure", [txn([], [put("a")]), put("a")], true],
  ["nested: both lists put the key", [txn([put("a")], [put("a")])], false],
  ["two nested: puts of one key", [txn([put("a")]), txn([], [put("a")])], true],
  ["nested: one list puts, the other deletes", [txn([put("a")], [del("a")])], false],
  ["nested: put and delete in one list", [txn([], [put("a"), del("a", "b")])], true],
  ["delete and nested put", [txn([put("a")]), del("a")], true],
  ["delete and put nested in failure", [txn([], [put("a")]), del("a")], true],
  ["nested delete and put", [txn([del("a")]), put("a")], true],
  ["nested delete, then nested put", [txn([del("a")]), txn([put("a")])], true],
  ["nested put, then nested delete: not noticed", [txn([put("a")]), txn([del("a")])], false],
  ["nested twice", [txn([txn([put("a")])]), txn([txn([], [put("a")])])], true],
])("checkTxnRequest on duplicates: %s", (_, operations, duplicate) => {
  const expected = duplicate ? Errors.DuplicateKey : undefined;
  expect(checkTxnRequest(success(...operations), 128)).toBe(expected);
  expect(checkTxnRequest(failure(...operations), 128)).toBe(expected);
});

test("checkTxnRequest lets success and failure touch the same keys", () => {
  const request = createTxnRequest({
    success: [put("a"), del("b")],
    failure: [put("b"), del("a")],
  });
  expect(checkTxnRequest(request, 128)).toBeUndefined();
});
