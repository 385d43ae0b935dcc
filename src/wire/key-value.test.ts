import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createEvent, createKeyValue, createRawEvent, encodeKeyValue } from "./gen/kv.ts";
import type { KeyValue } from "./gen/kv.ts";
import {
  createDeleteRangeResponse,
  createPutResponse,
  createRangeResponse,
  createRawDeleteRangeResponse,
  createRawPutResponse,
  createRawRangeResponse,
  createRawTxnResponse,
  createRawWatchResponse,
  createResponseHeader,
  createTxnResponse,
  createWatchResponse,
  encodeRawTxnResponse,
  encodeRawWatchResponse,
  encodeTxnResponse,
  encodeWatchResponse,
} from "./gen/rpc.ts";
import {
  createRevisionOf,
  encodeKeyValueParts,
  KeyValueReader,
  keyOf,
  leaseOf,
  modRevisionOf,
  valueOf,
  versionOf,
  withoutValue,
} from "./key-value.ts";
import { WireError } from "./wire-error.ts";

const size = fc.constantFrom(0, 1, 5, 127, 128, 300);
const bytes = size.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
const edges = Array.from({ length: 53 }, (_, bits) => 2 ** bits);
const revision = fc.oneof(fc.constantFrom(0, ...edges), fc.nat(Number.MAX_SAFE_INTEGER));
const lease = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 31n, 2n ** 32n, 2n ** 62n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const pair: fc.Arbitrary<KeyValue> = fc.record({
  key: bytes,
  createRevision: revision,
  modRevision: revision,
  version: revision,
  value: bytes,
  lease,
});

test("encodeKeyValueParts writes what encodeKeyValue does", () => {
  fc.assert(
    fc.property(pair, (kv) => {
      const { key, createRevision, modRevision, version, value } = kv;
      const raw = encodeKeyValueParts(key, createRevision, modRevision, version, value, kv.lease);
      expect(raw).toEqual(encodeKeyValue(kv));
    }),
    { numRuns: 300 },
  );
});

test("the readers of one field return that field", () => {
  fc.assert(
    fc.property(pair, (kv) => {
      const raw = encodeKeyValue(kv);
      expect(createRevisionOf(raw)).toBe(kv.createRevision);
      expect(modRevisionOf(raw)).toBe(kv.modRevision);
      expect(versionOf(raw)).toBe(kv.version);
      expect(leaseOf(raw)).toBe(kv.lease);
      expect(keyOf(raw)).toEqual(kv.key);
      expect(valueOf(raw)).toEqual(kv.value);
    }),
  );
});

test("withoutValue drops the value and nothing else", () => {
  fc.assert(
    fc.property(pair, (kv) => {
      const raw = encodeKeyValue(kv);
      const expected = encodeKeyValue({ ...kv, value: new Uint8Array(0) });
      expect(withoutValue(raw)).toEqual(expected);
      if (kv.value.length === 0) expect(withoutValue(raw)).toBe(raw);
    }),
  );
});

test("KeyValueReader forgets the pair before, and a failed one", () => {
  const reader = new KeyValueReader();
  reader.read(encodeKeyValue(createKeyValue({ key: Uint8Array.of(1), version: 4, lease: 9n })));
  expect([reader.version, reader.lease(), reader.key().length]).toEqual([4, 9n, 1]);
  reader.read(encodeKeyValue(createKeyValue({ modRevision: 5 })));
  expect([reader.version, reader.lease(), reader.key().length]).toEqual([0, 0n, 0]);
  expect(reader.modRevision).toBe(5);
  expect(() => reader.read(Uint8Array.of(0x0a, 9))).toThrow(WireError);
  reader.read(new Uint8Array(0));
  expect([reader.modRevision, reader.value().length]).toEqual([0, 0]);
});

test("a raw transaction response has the bytes of the decoded one", () => {
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 3 }), fc.boolean(), (kvs, more) => {
      const raws = kvs.map(encodeKeyValue);
      const header = createResponseHeader({ clusterId: 5n, revision: 70_000 });
      const [kv, raw] = [kvs[0], raws[0]];
      const inner = createTxnResponse({
        responses: [
          { response: { case: "responsePut", value: createPutResponse({ header, prevKv: kv }) } },
          { response: undefined },
        ],
      });
      const rawInner = createRawTxnResponse({
        responses: [
          {
            response: { case: "responsePut", value: createRawPutResponse({ header, prevKv: raw }) },
          },
          { response: undefined },
        ],
      });
      const range = createRangeResponse({ header, kvs, more, count: kvs.length });
      const rawRange = createRawRangeResponse({ header, kvs: raws, more, count: kvs.length });
      const deleted = createDeleteRangeResponse({ deleted: 3, prevKvs: kvs });
      const rawDeleted = createRawDeleteRangeResponse({ deleted: 3, prevKvs: raws });
      const decoded = createTxnResponse({
        header,
        succeeded: more,
        responses: [
          { response: { case: "responseRange", value: range } },
          { response: { case: "responseDeleteRange", value: deleted } },
          { response: { case: "responseTxn", value: inner } },
        ],
      });
      const spliced = createRawTxnResponse({
        header,
        succeeded: more,
        responses: [
          { response: { case: "responseRange", value: rawRange } },
          { response: { case: "responseDeleteRange", value: rawDeleted } },
          { response: { case: "responseTxn", value: rawInner } },
        ],
      });
      expect(encodeRawTxnResponse(spliced)).toEqual(encodeTxnResponse(decoded));
    }),
  );
});

test("a raw watch response has the bytes of the decoded one", () => {
  fc.assert(
    fc.property(pair, fc.option(pair, { nil: undefined }), (kv, prevKv) => {
      const events = [createEvent({ type: 1, kv, prevKv })];
      const rawPrevKv = prevKv && encodeKeyValue(prevKv);
      const raw = [createRawEvent({ type: 1, kv: encodeKeyValue(kv), prevKv: rawPrevKv })];
      const response = createWatchResponse({ watchId: 3n, events });
      const spliced = createRawWatchResponse({ watchId: 3n, events: raw });
      expect(encodeRawWatchResponse(spliced)).toEqual(encodeWatchResponse(response));
    }),
  );
});
