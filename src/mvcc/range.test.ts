import { expect, test } from "vitest";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromLatin1, latin1FromBytes } from "../stdx/bytes.ts";
import { decodeKeyValue } from "../wire/gen/kv.ts";
import {
  createDeleteRangeRequest,
  createRangeRequest,
  type RangeRequest,
  SortOrder,
  SortTarget,
} from "../wire/gen/rpc.ts";
import { executeDeleteRange } from "./kv-requests.ts";
import { executeRange } from "./range.ts";
import type { Store } from "./store.ts";
import { openStore, putAll } from "./testing/open-store.ts";

const bytes = (text: string): Uint8Array => bytesFromLatin1(text);
const { ASCEND, DESCEND } = SortOrder;
const { VERSION, CREATE, MOD, VALUE } = SortTarget;

/**
 * Revisions   a: 2, 7    b: 3    c: 4, 6    d: 5    e: 8 (deleted at 9)
 */
function createStore(): Store {
  const store = openStore();
  putAll(store, "a=5 b=4 c=9 d=2 c=3 a=1 e=0");
  executeDeleteRange(store, createDeleteRangeRequest({ key: bytes("e") }));
  return store;
}

/** "keys | more | count" of a range over everything. */
function ask(store: Store, options: Partial<RangeRequest>): string {
  const everything = { key: bytes("\0"), rangeEnd: bytes("\0") };
  const answer = executeRange(store, createRangeRequest({ ...everything, ...options }));
  if (answer instanceof EtcdError) return answer.message;
  const keys = answer.kvs.map((keyValue) => latin1FromBytes(decodeKeyValue(keyValue).key));
  return `${keys.join(" ")} | ${answer.more ? "more" : "all"} | ${answer.count}`;
}

test.each<[string, Partial<RangeRequest>, string]>([
  ["everything", {}, "a b c d | all | 4"],
  ["a limit", { limit: 2 }, "a b | more | 4"],
  ["a limit that is enough", { limit: 4 }, "a b c d | all | 4"],
  ["a negative limit is none", { limit: -1 }, "a b c d | all | 4"],
  ["count only", { countOnly: true, limit: 1 }, " | all | 4"],
  ["an interval", { key: bytes("b"), rangeEnd: bytes("d") }, "b c | all | 2"],
  ["an inverted interval", { key: bytes("d"), rangeEnd: bytes("b") }, " | all | 0"],
  ["from a key on", { key: bytes("b\0") }, "c d | all | 2"],
  ["one key", { key: bytes("c"), rangeEnd: bytes("") }, "c | all | 1"],
  ["one deleted key", { key: bytes("e"), rangeEnd: bytes("") }, " | all | 0"],
  ["one key, count only", { key: bytes("c"), rangeEnd: bytes(""), countOnly: true }, " | all | 1"],
  [
    "one key that a filter drops still counts",
    { key: bytes("c"), rangeEnd: bytes(""), maxModRevision: 5 },
    " | all | 1",
  ],
  ["descending", { sortOrder: DESCEND }, "d c b a | all | 4"],
  ["descending, limit", { sortOrder: DESCEND, limit: 1 }, "d | more | 4"],
  [
    "descending in an interval",
    { sortOrder: DESCEND, key: bytes("b"), rangeEnd: bytes("d") },
    "c b | all | 2",
  ],
  [
    "descending from a key on, filtered",
    { sortOrder: DESCEND, key: bytes("b"), limit: 1, maxModRevision: 5 },
    "d | more | 3",
  ],
  [
    "descending in an inverted interval",
    { sortOrder: DESCEND, key: bytes("d"), rangeEnd: bytes("b") },
    " | all | 0",
  ],
  ["descending, old revision", { sortOrder: DESCEND, limit: 1, revision: 4 }, "c | more | 3"],
  ["old revision", { revision: 4 }, "a b c | all | 3"],
  ["old revision, limit", { revision: 8, limit: 2 }, "a b | more | 5"],
  ["old revision, count only", { revision: 8, countOnly: true }, " | all | 5"],
  ["max mod", { maxModRevision: 5 }, "b d | all | 4"],
  ["min mod", { minModRevision: 6 }, "a c | all | 4"],
  ["min mod, cut", { minModRevision: 5, limit: 2 }, "a c | more | 4"],
  ["min mod, exactly the limit", { minModRevision: 5, limit: 3 }, "a c d | all | 4"],
  ["max create", { maxCreateRevision: 3 }, "a b | all | 4"],
  ["min create, old revision", { minCreateRevision: 3, revision: 6 }, "b c d | all | 4"],
  ["filters that nothing passes", { minModRevision: 6, maxModRevision: 5 }, " | all | 4"],
  ["by mod", { sortTarget: MOD, sortOrder: DESCEND }, "a c d b | all | 4"],
  ["by create", { sortTarget: CREATE, sortOrder: DESCEND, limit: 3 }, "d c b | more | 4"],
  ["by value", { sortTarget: VALUE, sortOrder: ASCEND }, "a d c b | all | 4"],
  ["by version", { sortTarget: VERSION, sortOrder: ASCEND }, "b d a c | all | 4"],
  [
    "by version, old",
    { sortTarget: VERSION, sortOrder: DESCEND, revision: 6 },
    "c a b d | all | 4",
  ],
  ["by mod without order, cut before the sort", { sortTarget: MOD, limit: 2 }, "b c | more | 4"],
  [
    "by mod with order, cut after it",
    { sortTarget: MOD, sortOrder: ASCEND, limit: 2 },
    "b d | more | 4",
  ],
  [
    "by mod without order, filtered",
    { sortTarget: MOD, limit: 1, minModRevision: 4 },
    "d | more | 4",
  ],
  ["an unknown order", { sortTarget: MOD, sortOrder: 9, limit: 3 }, "a b c | more | 4"],
  ["an unknown target", { sortTarget: 9, sortOrder: DESCEND, limit: 3 }, "a b c | more | 4"],
  ["a future revision", { revision: 10 }, Errors.FutureRevision.message],
  ["a negative revision is the newest", { revision: -3, limit: 1 }, "a | more | 4"],
])("executeRange: %s", (_, options, expected) => {
  expect(ask(createStore(), options)).toBe(expected);
});

test("executeRange at the compact revision reads, below it fails, also before removal", () => {
  const store = createStore();
  store.compact(6);
  expect(ask(store, { revision: 5 })).toBe(Errors.Compacted.message);
  expect(ask(store, { revision: 6 })).toBe("a b c d | all | 4");
  expect(store.compactStep(100)).toMatchObject({ revision: 6, removed: 1 });
  expect(ask(store, { revision: 6 })).toBe("a b c d | all | 4");
});

test("executeRange shows values, and keys_only empties them after sorting by value", () => {
  const store = createStore();
  const options = {
    key: bytes("\0"),
    rangeEnd: bytes("\0"),
    sortTarget: VALUE,
    sortOrder: DESCEND,
  };
  const full = executeRange(store, createRangeRequest(options));
  const keysOnly = executeRange(store, createRangeRequest({ ...options, keysOnly: true }));
  if (full instanceof EtcdError || keysOnly instanceof EtcdError) throw new Error("Range failed");
  const expected = full.kvs.map((keyValue) => ({ ...decodeKeyValue(keyValue), value: bytes("") }));
  expect(keysOnly.kvs.map(decodeKeyValue)).toEqual(expected);
  expect(full.kvs.map((keyValue) => latin1FromBytes(decodeKeyValue(keyValue).value))).toEqual([
    "4",
    "3",
    "2",
    "1",
  ]);
  expect(full.header).toMatchObject({ revision: 9 });
});

test.each<[string, Partial<RangeRequest>]>([
  ["everything", {}],
  ["a limit", { limit: 3 }],
  ["descending", { sortOrder: DESCEND }],
  ["descending, limit", { sortOrder: DESCEND, limit: 3 }],
  ["an old revision", { revision: 6, limit: 2 }],
  ["count of an old revision", { revision: 6, countOnly: true }],
  ["a filter and a limit", { minModRevision: 4, limit: 2 }],
  ["by value", { sortTarget: VALUE, sortOrder: ASCEND }],
  ["by version", { sortTarget: VERSION, sortOrder: DESCEND, limit: 3 }],
  ["by create revision, filtered", { sortTarget: CREATE, minCreateRevision: 3 }],
])("openRange in steps gives the answer of its revision despite writes: %s", (_, options) => {
  const store = createStore();
  const everything = { key: bytes("\0"), rangeEnd: bytes("\0") };
  const request = createRangeRequest({ ...everything, ...options });
  const expected = executeRange(store, request);
  const scan = store.openRange(request);
  if (scan instanceof EtcdError || expected instanceof EtcdError) throw new Error("Range failed");
  const kvs: Uint8Array[] = [];
  for (let i = 0; !scan.step(1, kvs); i++) {
    putAll(store, `${"abcd"[i % 4]}=new bb${i}=new`);
    if (i === 2) executeDeleteRange(store, createDeleteRangeRequest({ key: bytes("c") }));
  }
  expect(kvs).toEqual(expected.kvs);
  const { count, more, headerRevision } = scan;
  expect({ count, more, headerRevision }).toEqual({
    count: expected.count,
    more: expected.more,
    headerRevision: 9,
  });
});
