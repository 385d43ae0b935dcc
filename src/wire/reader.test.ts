import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesFromHex, concatBytes } from "../stdx/bytes.ts";
import { writeVarint } from "../stdx/varint.ts";
import { decodeKeyValue, encodeKeyValue } from "./gen/kv.ts";
import { decodeEntry, decodeMessage, encodeSnapshot, createSnapshot } from "./gen/raft.ts";
import { METHODS } from "./gen/services.ts";
import {
  createTxnRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeResponseHeader,
  decodeTxnRequest,
  decodeWatchCreateRequest,
  encodeTxnRequest,
} from "./gen/rpc.ts";
import type { TxnRequest } from "./gen/rpc.ts";
import { NESTING_DEPTH_MAX } from "./limits.ts";
import { Reader } from "./reader.ts";
import { WireError } from "./wire-error.ts";

function hex(text: string): Uint8Array {
  return bytesFromHex(text.replaceAll(" ", "")) as Uint8Array;
}

/** Runs a decoder on hostile bytes: a value or a `WireError`, nothing else. */
function survives(decode: (bytes: Uint8Array) => object, bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

describe("integers", () => {
  const maxSafe = Number.MAX_SAFE_INTEGER;

  test.each([
    ["00", 0],
    ["7f", 127],
    ["8001", 128],
    ["ffffff7f", 2 ** 28 - 1],
    ["8080808001", 2 ** 28],
    ["ffffffff07", 2 ** 31 - 1],
    ["8080808008", 2 ** 31],
    ["ffffffffffffff0f", maxSafe],
    ["8080808080808010", maxSafe],
    ["ffffffffffffffff7f", maxSafe],
    ["ffffffffffffffffff01", -1],
    ["8180808080808090 7f".replace(" ", ""), maxSafe],
    ["8180808080808080f001", -maxSafe],
    ["80808080808080808001", -maxSafe],
    ["ffffffffffffffffff7f", -1],
    ["80808080808080808000", 0],
  ])("int64 as a number: %s is %d", (bytes, value) => {
    expect(decodeResponseHeader(hex(`18${bytes}`)).revision).toBe(value);
  });

  test.each([
    ["ffffffffffffffffff01", maxSafe],
    ["ffffffffffffff0f", maxSafe],
    ["80808080808080808001", maxSafe],
    ["8080808008", 2 ** 31],
  ])("uint64 as a number: %s is %d", (bytes, value) => {
    expect(decodeResponseHeader(hex(`20${bytes}`)).raftTerm).toBe(value);
  });

  test.each([
    ["ffffffffffffffffff01", 2n ** 64n - 1n, -1n],
    ["80808080808080808001", 2n ** 63n, -(2n ** 63n)],
    ["8080808010", 2n ** 32n, 2n ** 32n],
    ["ffffffff0f", 2n ** 32n - 1n, 2n ** 32n - 1n],
    ["05", 5n, 5n],
  ])("64-bit identities: %s", (bytes, unsigned, signed) => {
    expect(decodeResponseHeader(hex(`08${bytes}`)).clusterId).toBe(unsigned);
    expect(decodePutRequest(hex(`18${bytes}`)).lease).toBe(signed);
  });

  test("an enum keeps unknown and negative values, and the low 32 bits of larger ones", () => {
    expect(decodeRangeRequest(hex("2863")).sortOrder).toBe(99);
    expect(decodeRangeRequest(hex("28ffffffffffffffffff01")).sortOrder).toBe(-1);
    expect(decodeRangeRequest(hex("28 8180808010")).sortOrder).toBe(1);
  });

  test("a boolean is true for any varint but zero", () => {
    expect(decodePutRequest(hex("2002")).prevKv).toBe(true);
    expect(decodePutRequest(hex("2080808080808080808001")).prevKv).toBe(true);
    expect(decodePutRequest(hex("208000")).prevKv).toBe(false);
  });

  test("a varint of more than ten bytes is refused", () => {
    expect(() => decodePutRequest(hex("18ffffffffffffffffffff01"))).toThrow(
      "proto: integer overflow",
    );
    expect(() => decodePutRequest(hex("18ffffffffffffffffffff"))).toThrow("integer overflow");
    expect(() => decodePutRequest(hex("18ffffffffffffffffff"))).toThrow("unexpected EOF");
  });
});

describe("fields", () => {
  test("byte strings are views into the input", () => {
    const input = hex("0a03666f6f");
    const { key } = decodePutRequest(input);
    expect(key.buffer).toBe(input.buffer);
    expect(key).toEqual(hex("666f6f"));
  });

  test("byte strings of a Buffer are plain views", () => {
    const input = Buffer.from("0a03666f6f", "hex");
    const { key } = decodePutRequest(input);
    expect(key.constructor).toBe(Uint8Array);
    expect(key.buffer).toBe(input.buffer);
    expect(key).toEqual(hex("666f6f"));
  });

  test("unknown fields of every wire type are skipped", () => {
    const unknown = "a8 06 ff01 | a9 06 0102030405060708 | aa 06 02 ffff | ad 06 01020304";
    const group = "ab 06 08 01 0b 12 01 ff 0c ac 06";
    const input = hex(`${unknown.replaceAll("|", "")} ${group} 0a 01 61`);
    expect(decodePutRequest(input).key).toEqual(hex("61"));
  });

  test("packed and unpacked lists of varints are both read", () => {
    expect(decodeWatchCreateRequest(hex("2a03 000105")).filters).toEqual([0, 1, 5]);
    expect(decodeWatchCreateRequest(hex("2800 2801 2a0105")).filters).toEqual([0, 1, 5]);
  });

  test("a message that comes twice is merged, a scalar that comes twice replaced", () => {
    const twice = decodeMessage(hex("4a04 12021005 4a04 12021806 1001 1002"));
    expect(twice.snapshot?.metadata).toMatchObject({ index: 5, term: 6 });
    expect(twice.to).toBe(2n);
  });

  test("a oneof keeps the last of its cases", () => {
    const { success } = decodeTxnRequest(hex("1209 0a020a00 12030a0161"));
    expect(success[0]?.request?.case).toBe("requestPut");
  });

  test("the empty snapshot that 3.5 always sends is read as none", () => {
    const empty = encodeSnapshot(createSnapshot());
    const message = concatBytes([hex("4a"), Uint8Array.of(empty.length), empty, hex("1003")]);
    expect(decodeMessage(message)).toMatchObject({ snapshot: undefined, to: 3n });
  });

  test("ill-formed UTF-8 is accepted", () => {
    const byName = METHODS.find((method) => method.path === "/etcdserverpb.Auth/Authenticate");
    expect(byName?.request.decode(hex("0a03 61ff62"))).toMatchObject({ name: "a\ufffdb" });
  });
});

describe("refusals, with the texts of etcd", () => {
  test.each([
    ["0a05 61", "unexpected EOF"],
    ["0a", "unexpected EOF"],
    ["0a ffffffffffffffffff01", "proto: negative length found during unmarshaling"],
    ["0a ffffffff0f", "unexpected EOF"],
    ["0a ffffffffffffffff7f", "unexpected EOF"],
    ["0801", "proto: wrong wireType = 0 for field Key"],
    ["2a0161", "proto: wrong wireType = 2 for field IgnoreValue"],
    ["00", "proto: PutRequest: illegal tag 0 (wire type 0)"],
    ["02", "proto: PutRequest: illegal tag 0 (wire type 2)"],
    ["0c", "proto: PutRequest: wiretype end group for non-group"],
    ["7e", "proto: illegal wireType 6"],
    ["7f", "proto: illegal wireType 7"],
    ["79 01020304", "unexpected EOF"],
    ["7d 010203", "unexpected EOF"],
    ["7b 08", "unexpected EOF"],
    ["7b 0801", "unexpected EOF"],
    ["7b 06", "proto: illegal wireType 6"],
    ["8080808080 01", "proto: tag of more than 32 bits"],
  ])("%s: %s", (bytes, text) => {
    expect(() => decodePutRequest(hex(bytes))).toThrow(new WireError(text));
  });

  test("a wrong wire type names the field as Go does", () => {
    expect(() => decodeEntry(hex("0a00"))).toThrow("proto: wrong wireType = 2 for field Type");
    expect(() => decodeWatchCreateRequest(hex("3a00"))).toThrow("for field WatchId");
  });

  test("a length inside a message may not reach beyond it, even where more bytes follow", () => {
    expect(() => decodeTxnRequest(hex("0a02 1a05 0000000000"))).toThrow("unexpected EOF");
    expect(() => decodeTxnRequest(hex("0a02 0880 01"))).toThrow("unexpected EOF");
  });
});

describe("nesting", () => {
  function nested(levels: number): TxnRequest {
    let inner = createTxnRequest();
    for (let i = 0; i < levels; i++) {
      inner = createTxnRequest({ success: [{ request: { case: "requestTxn", value: inner } }] });
    }
    return inner;
  }

  test("is bounded, and the bound leaves room for 128 nested transactions in an entry", () => {
    expect(decodeTxnRequest(encodeTxnRequest(nested(129))).success).toHaveLength(1);
    const most = NESTING_DEPTH_MAX / 2;
    expect(decodeTxnRequest(encodeTxnRequest(nested(most))).success).toHaveLength(1);
    expect(() => decodeTxnRequest(encodeTxnRequest(nested(most + 1)))).toThrow(
      /nested deeper than 300/,
    );
  });

  test("of a hundred thousand levels is refused, not followed", () => {
    // Pairs of success = 2 and requestTxn = 4, built from the inside; the outermost is a success.
    const prefixes: Uint8Array[] = [];
    let length = 0;
    for (let i = 0; i < 100_000; i++) {
      const prefix = new Uint8Array(9);
      prefix[0] = i % 2 === 1 ? 0x12 : 0x22;
      const end = writeVarint(length, prefix, 1);
      prefixes.push(prefix.subarray(0, end));
      length += end;
    }
    const bytes = concatBytes(prefixes.reverse());
    expect(() => decodeTxnRequest(bytes)).toThrow("nested deeper");
  });

  test("of groups is followed without recursion", () => {
    const open = new Uint8Array(200_000).fill(0x7b);
    const close = new Uint8Array(200_000).fill(0x7c);
    expect(decodePutRequest(concatBytes([open, close, hex("0a0161")])).key).toEqual(hex("61"));
    expect(() => decodePutRequest(open)).toThrow("unexpected EOF");
  });
});

describe("hostile bytes give a value or a WireError", () => {
  const codecs = [...new Set(METHODS.flatMap((m) => [m.request, m.response]))];

  test("random garbage, into every message of every service and into raft messages", () => {
    const likely = fc.constantFrom(
      0x0a,
      0x12,
      0x1a,
      0x08,
      0x10,
      0x18,
      0x00,
      0x01,
      0x7f,
      0x80,
      0xff,
    );
    const garbage = fc.array(fc.oneof(likely, fc.integer({ min: 0, max: 255 })), { maxLength: 60 });
    fc.assert(
      fc.property(garbage, (list) => {
        const bytes = Uint8Array.from(list);
        for (const codec of codecs) survives((b) => codec.decode(b), bytes);
        survives(decodeMessage, bytes);
      }),
      { numRuns: 300 },
    );
  });

  test("every truncation and every changed byte of a transaction", () => {
    const pair = encodeKeyValue({
      key: hex("6b"),
      createRevision: 300,
      modRevision: 2 ** 40,
      version: 1,
      value: new Uint8Array(20),
      lease: -1n,
    });
    expect(decodeKeyValue(pair).lease).toBe(-1n);
    const txn = encodeTxnRequest(
      createTxnRequest({
        compare: [
          {
            result: 1,
            target: 3,
            key: pair,
            targetUnion: { case: "value", value: pair },
            rangeEnd: hex("00"),
          },
        ],
        success: [{ request: { case: "requestTxn", value: createTxnRequest() } }],
        failure: [{ request: undefined }],
      }),
    );
    for (let length = 0; length < txn.length; length++) {
      survives(decodeTxnRequest, txn.slice(0, length));
    }
    const changed = txn.slice();
    for (let at = 0; at < txn.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        changed[at] ^= 1 << bit;
        survives(decodeTxnRequest, changed);
        changed[at] ^= 1 << bit;
      }
    }
    expect(changed).toEqual(txn);
  });
});

test("Reader.reset starts over on other bytes", () => {
  const reader = new Reader(hex("0a05"));
  reader.tag();
  reader.reset(hex("08 96 01"));
  expect(reader.tag()).toBe(8);
  expect(reader.position).toBe(1);
  expect(reader.uint64()).toBe(150);
  expect(reader.more()).toBe(false);
});
