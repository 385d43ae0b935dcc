/** What the random histories of store.test.ts do not single out. */
import { expect, test } from "vitest";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import {
  type Compare,
  CompareResult,
  CompareTarget,
  createCompare,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  createTxnRequest,
  type PutRequest,
  type RangeRequest,
  type RawTxnResponse,
  type RequestOp,
  type TxnRequest,
} from "../wire/gen/rpc.ts";
import { checkTxnRequest } from "./request-checks.ts";
import type { Store } from "./store.ts";
import { openStore, putAll } from "./testing/open-store.ts";
import { executeTxn, isReadOnlyTxn, isSerializableTxn } from "./txn.ts";

const bytes = (text: string): Uint8Array => bytesFromLatin1(text);
const put = (key: string, options: Partial<PutRequest> = {}): RequestOp => ({
  request: { case: "requestPut", value: createPutRequest({ key: bytes(key), ...options }) },
});
const range = (key: string, options: Partial<RangeRequest> = {}): RequestOp => ({
  request: { case: "requestRange", value: createRangeRequest({ key: bytes(key), ...options }) },
});
const del = (key: string, rangeEnd = ""): RequestOp => ({
  request: {
    case: "requestDeleteRange",
    value: createDeleteRangeRequest({ key: bytes(key), rangeEnd: bytes(rangeEnd) }),
  },
});
const txn = (...operations: RequestOp[]): TxnRequest => createTxnRequest({ success: operations });
const nested = (...operations: RequestOp[]): RequestOp => ({
  request: { case: "requestTxn", value: txn(...operations) },
});

function createStore(): Store {
  const store = openStore();
  putAll(store, "a=1 a=2 b=3");
  return store;
}

function run(store: Store, request: TxnRequest): RawTxnResponse {
  const answer = executeTxn(store, request);
  if (answer instanceof EtcdError) throw answer;
  return answer;
}

test.each([
  [
    "a missing key before a missing lease",
    [put("x", { ignoreValue: true, lease: 9n })],
    "KeyNotFound",
  ],
  ["a missing lease", [put("a", { lease: 9n })], "LeaseNotFound"],
  ["puts before ranges", [range("a", { revision: 99 }), put("a", { lease: 9n })], "LeaseNotFound"],
  ["a future range", [put("c"), range("a", { revision: 5 })], "FutureRevision"],
  ["a nested future range", [put("c"), nested(range("a", { revision: 5 }))], "FutureRevision"],
  ["a negative revision below -1", [put("c"), range("a", { revision: -2 })], "Compacted"],
] as const)("executeTxn refuses %s and changes nothing", (_, operations, error) => {
  const store = createStore();
  expect(executeTxn(store, txn(...operations))).toBe(Errors[error]);
  expect(store.revision).toBe(4);
  expect(store.liveKeys).toBe(2);
});

test("executeTxn refuses a put that needs a key which a deletion with range_end \\0 takes away", () => {
  const store = createStore();
  const request = txn(del("a", "\0"), nested(put("b", { ignoreValue: true })));
  expect(checkTxnRequest(request, 128)).toBeUndefined();
  expect(executeTxn(store, request)).toBe(Errors.KeyNotFound);
  expect(store.revision).toBe(4);
  const before = txn(put("b", { ignoreValue: true }), del("a", "\0"));
  expect(run(store, before).header?.revision).toBe(5);
  expect(store.liveKeys).toBe(0);
});

test("compaction keeps a key that one transaction deleted and put again", () => {
  const store = createStore();
  expect(run(store, txn(del("a", "\0"), put("b"))).header?.revision).toBe(5);
  store.compact(5);
  expect(store.compactStep(100)).toMatchObject({ removed: 4 });
  expect(run(store, txn(range("b"))).responses).toMatchObject([
    { response: { value: { count: 1 } } },
  ]);
});

test("executeTxn heads answers with the revision that each operation saw", () => {
  const store = createStore();
  const answer = run(store, txn(range("a"), del("zz"), put("c"), range("a"), nested(range("c"))));
  const revisions = answer.responses.map(({ response }) => response?.value.header?.revision);
  expect(revisions).toEqual([4, 4, 5, 5, 0]);
  expect(answer.header?.revision).toBe(5);
  expect(run(store, txn(del("zz"))).header?.revision).toBe(5);
});

test("executeTxn without a reader leaves out ranges, and still refuses their revisions", () => {
  const store = createStore();
  const bad = txn(put("c"), range("a", { revision: 9 }));
  expect(executeTxn(store, bad, false)).toBe(Errors.FutureRevision);
  const answer = executeTxn(store, txn(range("a"), put("c"), range("a")), false);
  expect(answer).toMatchObject({ responses: [{ response: { case: "responsePut" } }] });
});

const compares: [string, Partial<Compare>, boolean][] = [
  ["version", { targetUnion: { case: "version", value: 2 } }, true],
  [
    "version, operand of another kind counts as 0",
    { targetUnion: { case: "modRevision", value: 2 } },
    false,
  ],
  ["an unknown target is equal", { target: 9 }, true],
  ["an unknown target is not greater", { target: 9, result: CompareResult.GREATER }, false],
  ["an unknown result holds", { result: 9, targetUnion: { case: "version", value: 77 } }, true],
  [
    "a huge revision is greater than any",
    {
      target: CompareTarget.MOD,
      result: CompareResult.LESS,
      targetUnion: { case: "modRevision", value: Number.MAX_SAFE_INTEGER },
    },
    true,
  ],
  [
    "the value of a missing key equals nothing",
    { key: bytes("x"), target: CompareTarget.VALUE },
    false,
  ],
  [
    "the value of a missing key is not even different",
    { key: bytes("x"), target: CompareTarget.VALUE, result: CompareResult.NOT_EQUAL },
    false,
  ],
  ["an empty range is judged as one missing key", { key: bytes("x"), rangeEnd: bytes("z") }, true],
  [
    "a range must hold for each key",
    { rangeEnd: bytes("z"), targetUnion: { case: "version", value: 2 } },
    false,
  ],
];

test.each(compares)("executeTxn compares: %s", (_, compare, succeeded) => {
  const request = createTxnRequest({ compare: [createCompare({ key: bytes("a"), ...compare })] });
  expect(run(createStore(), request).succeeded).toBe(succeeded);
});

test("isReadOnlyTxn looks at both lists and takes a nested transaction for a write", () => {
  expect(isReadOnlyTxn(createTxnRequest())).toBe(true);
  expect(isReadOnlyTxn(txn(range("a")))).toBe(true);
  expect(isReadOnlyTxn(createTxnRequest({ failure: [put("a")] }))).toBe(false);
  expect(isReadOnlyTxn(txn(nested(range("a"))))).toBe(false);
});

test("isSerializableTxn wants every range to be serializable", () => {
  const serializable = range("a", { serializable: true });
  expect(isSerializableTxn(txn(serializable))).toBe(true);
  expect(
    isSerializableTxn(createTxnRequest({ success: [serializable], failure: [range("a")] })),
  ).toBe(false);
});
