// @ts-check
/**
 * Nanoseconds to encode and decode the messages of the hot path: ours, protobufjs (which compiles codecs
 * at run time), and for encoding a sketch that first computes the size and then writes forwards.
 *
 *   npx tsc -b src/wire && node bench/wire.mjs
 */

import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import * as kv from "../dist/wire/gen/kv.js";
import * as raft from "../dist/wire/gen/raft.js";
import * as internal from "../dist/wire/gen/raft-internal.js";
import * as rpc from "../dist/wire/gen/rpc.js";
import { encodeInternalRequest, splitInternalRequest } from "../dist/wire/internal-request.js";
import { encodeKeyValueParts, modRevisionOf } from "../dist/wire/key-value.js";
import { Writer } from "../dist/wire/writer.js";
import { parseFolder } from "../tools/gen-proto/schema.mjs";

const root = parseFolder(fileURLToPath(new URL("../proto", import.meta.url)));
const TARGET_MS = 400;
const ROUNDS = 5;

/** Keeps results alive, so that no call can be optimised away. */
let sink = 0;

/**
 * Best of a few rounds: the others had a neighbour on the machine.
 * @param {string} name
 * @param {() => number} call
 */
function measure(name, call) {
  let calls = 1000;
  for (let i = 0; i < 3 * calls; i++) sink += call();
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) sink += call();
    const nanoseconds = Number(process.hrtime.bigint() - start);
    best = Math.min(best, nanoseconds / calls);
    calls = Math.ceil(((TARGET_MS / ROUNDS) * 1e6) / best);
  }
  console.log(`${name.padEnd(58)} ${best.toFixed(0).padStart(7)} ns`);
}

/** @param {number} length */
const bytes = (length) => new Uint8Array(length).map((_, i) => (i * 31) & 0xff);
const long = (/** @type {number | bigint} */ value) => {
  const bits = BigInt(value);
  return new protobuf.util.Long(Number(bits & 0xffffffffn) | 0, Number(bits >> 32n) | 0, true);
};

/**
 * @param {string} name
 * @param {string} type
 * @param {any} codec
 * @param {any} message
 * @param {any} theirs
 */
function compare(name, type, codec, message, theirs) {
  const other = root.lookupType(type);
  const encoded = codec.encode(message);
  const same = Buffer.compare(encoded, other.encode(theirs).finish()) === 0;
  console.log(`${name}: ${encoded.length} bytes${same ? "" : " (DIFFERENT BYTES)"}`);
  const writer = new Writer();
  measure("  encode", () => codec.encode(message).length);
  measure("  write into a reused writer", () => {
    writer.reset();
    codec.write(writer, message);
    return writer.view().length;
  });
  if (codec.forward)
    measure("  encode, sizes first then forwards", () => codec.forward(message).length);
  measure("  encode, protobufjs", () => other.encode(theirs).finish().length);
  measure("  decode", () => (codec.decode(encoded) ? 1 : 0));
  measure("  decode, protobufjs", () => (other.decode(encoded) ? 1 : 0));
}

// --- The sketch: sizes first, then forwards. ---

/** @param {number} value */
function varintSize(value) {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

/**
 * @param {Uint8Array} target
 * @param {number} at
 * @param {number} value
 */
function putVarint(target, at, value) {
  let rest = value;
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/**
 * @param {Uint8Array} target
 * @param {number} at
 * @param {Uint8Array} value
 */
function putBytes(target, at, value) {
  at = putVarint(target, at, value.length);
  if (value.length <= 24) for (let i = 0; i < value.length; i++) target[at + i] = value[i];
  else target.set(value, at);
  return at + value.length;
}

/** @param {kv.KeyValue} m */
function keyValueSize(m) {
  let size = 0;
  if (m.key.length > 0) size += 1 + varintSize(m.key.length) + m.key.length;
  if (m.createRevision !== 0) size += 1 + varintSize(m.createRevision);
  if (m.modRevision !== 0) size += 1 + varintSize(m.modRevision);
  if (m.version !== 0) size += 1 + varintSize(m.version);
  if (m.value.length > 0) size += 1 + varintSize(m.value.length) + m.value.length;
  if (m.lease !== 0n) size += 11;
  return size;
}

/**
 * @param {Uint8Array} target
 * @param {number} start
 * @param {kv.KeyValue} m
 */
function putKeyValue(target, start, m) {
  let at = start;
  if (m.key.length > 0) at = putBytes(target, putVarint(target, at, 10), m.key);
  if (m.createRevision !== 0) at = putVarint(target, putVarint(target, at, 16), m.createRevision);
  if (m.modRevision !== 0) at = putVarint(target, putVarint(target, at, 24), m.modRevision);
  if (m.version !== 0) at = putVarint(target, putVarint(target, at, 32), m.version);
  if (m.value.length > 0) at = putBytes(target, putVarint(target, at, 42), m.value);
  return at;
}

/** @param {rpc.PutRequest} m */
function forwardPut(m) {
  let size = 0;
  if (m.key.length > 0) size += 1 + varintSize(m.key.length) + m.key.length;
  if (m.value.length > 0) size += 1 + varintSize(m.value.length) + m.value.length;
  if (m.lease !== 0n) size += 11;
  if (m.prevKv) size += 2;
  if (m.ignoreValue) size += 2;
  if (m.ignoreLease) size += 2;
  const target = new Uint8Array(size);
  let at = 0;
  if (m.key.length > 0) at = putBytes(target, putVarint(target, at, 10), m.key);
  if (m.value.length > 0) at = putBytes(target, putVarint(target, at, 18), m.value);
  if (m.prevKv) at = putVarint(target, putVarint(target, at, 32), 1);
  return target;
}

/** @param {rpc.RangeResponse} m */
function forwardRange(m) {
  let size = m.count === 0 ? 0 : 1 + varintSize(m.count);
  const sizes = [];
  for (const pair of m.kvs) {
    const one = keyValueSize(pair);
    sizes.push(one);
    size += 1 + varintSize(one) + one;
  }
  const target = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < m.kvs.length; i++) {
    at = putVarint(target, putVarint(target, at, 18), sizes[i]);
    at = putKeyValue(target, at, m.kvs[i]);
  }
  if (m.count !== 0) at = putVarint(target, putVarint(target, at, 32), m.count);
  return target;
}

// --- The messages. ---

const key = bytes(16);
const value = bytes(256);

compare(
  "PutRequest, 256 B value",
  "etcdserverpb.PutRequest",
  {
    encode: rpc.encodePutRequest,
    write: rpc.writePutRequest,
    decode: rpc.decodePutRequest,
    forward: forwardPut,
  },
  rpc.createPutRequest({ key, value }),
  { key, value },
);

const pair = { key, createRevision: 1234, modRevision: 123456, version: 3, value };
compare(
  "RangeResponse, 10 pairs of 256 B",
  "etcdserverpb.RangeResponse",
  {
    encode: rpc.encodeRangeResponse,
    write: rpc.writeRangeResponse,
    decode: rpc.decodeRangeResponse,
    forward: forwardRange,
  },
  rpc.createRangeResponse({
    kvs: Array.from({ length: 10 }, () => kv.createKeyValue(pair)),
    count: 10,
  }),
  {
    kvs: Array.from({ length: 10 }, () => ({
      key,
      create_revision: 1234,
      mod_revision: 123456,
      version: 3,
      value,
    })),
    count: 10,
  },
);

const kvs = Array.from({ length: 10 }, () => kv.encodeKeyValue(kv.createKeyValue(pair)));
measure("  encode from marshalled pairs", () => {
  return rpc.encodeRawRangeResponse({ header: undefined, kvs, more: false, count: 10 }).length;
});
measure("  read modRevision of the 10 marshalled pairs", () => {
  let sum = 0;
  for (const raw of kvs) sum += modRevisionOf(raw);
  return sum;
});
measure("  make one marshalled pair from its parts", () => {
  return encodeKeyValueParts(key, 1234, 123456, 3, value, 0n).length;
});

const header = {
  cluster_id: long(14841639068965178418n),
  member_id: long(10276657743932975437n),
  revision: 123456,
  raft_term: 3,
};
compare(
  "PutResponse",
  "etcdserverpb.PutResponse",
  { encode: rpc.encodePutResponse, write: rpc.writePutResponse, decode: rpc.decodePutResponse },
  rpc.createPutResponse({
    header: {
      clusterId: 14841639068965178418n,
      memberId: 10276657743932975437n,
      revision: 123456,
      raftTerm: 3,
    },
  }),
  { header },
);

const data = bytes(300);
compare(
  "raft Message, 10 entries of 300 B",
  "raftpb.Message",
  { encode: raft.encodeMessage, write: raft.writeMessage, decode: raft.decodeMessage },
  raft.createMessage({
    type: raft.MessageType.MsgApp,
    to: 10276657743932975437n,
    from: 10501334649042878790n,
    term: 3,
    logTerm: 3,
    index: 100000,
    commit: 99990,
    entries: Array.from({ length: 10 }, (_, i) => ({ type: 0, term: 3, index: 100001 + i, data })),
  }),
  {
    type: 3,
    to: long(10276657743932975437n),
    from: long(10501334649042878790n),
    term: long(3),
    logTerm: long(3),
    index: long(100000),
    commit: long(99990),
    reject: false,
    rejectHint: long(0),
    entries: Array.from({ length: 10 }, (_, i) => ({
      Type: 0,
      Term: long(3),
      Index: long(100001 + i),
      Data: data,
    })),
  },
);
const body = rpc.encodePutRequest(rpc.createPutRequest({ key, value }));
const requestHeader = internal.createRequestHeader({ id: 7587886512309876543n });
const entry = encodeInternalRequest(requestHeader, 4, body);
console.log(`InternalRaftRequest of a put: ${entry.length} bytes`);
measure("  encode around the marshalled put", () => {
  return encodeInternalRequest(requestHeader, 4, body).length;
});
measure("  split", () => splitInternalRequest(entry).field);
measure("  decode", () => (internal.decodeInternalRaftRequest(entry).operation ? 1 : 0));
if (sink === 0) throw new Error("nothing was measured");
