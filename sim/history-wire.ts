/**
 * Requests and answers of histories as messages of etcd, both ways. Keys and values of a history are texts
 * of which every character is one byte.
 */
import { type KeyValue as WireKeyValue, EventType, type Event } from "../src/wire/gen/kv.ts";
import {
  CompareResult,
  CompareTarget,
  createCompare,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  type Compare as WireCompare,
  type CompareTargetUnion,
  type DeleteRangeRequest as WireDeleteRequest,
  type DeleteRangeResponse,
  type PutRequest as WirePutRequest,
  type PutResponse,
  type RangeRequest as WireRangeRequest,
  type RangeResponse,
  type RequestOp,
  type ResponseOp,
  type TxnRequest as WireTxnRequest,
  type TxnResponse,
} from "../src/wire/gen/rpc.ts";
import type {
  Compare,
  DeleteRequest,
  DeleteResult,
  KeyValue,
  KvRequest,
  KvResult,
  PutRequest,
  PutResult,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
  WatchEvent,
} from "./history.ts";

const RESULTS = {
  "=": CompareResult.EQUAL,
  "!=": CompareResult.NOT_EQUAL,
  "<": CompareResult.LESS,
  ">": CompareResult.GREATER,
} as const;

const TARGETS = {
  version: CompareTarget.VERSION,
  create: CompareTarget.CREATE,
  mod: CompareTarget.MOD,
  value: CompareTarget.VALUE,
} as const;

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function wireRange({ key, end = "", ...rest }: RangeRequest): WireRangeRequest {
  const { revision = 0, serializable = false, limit = 0, countOnly = false } = rest;
  const range = { key: bytesOf(key), rangeEnd: bytesOf(end) };
  return createRangeRequest({ ...range, revision, serializable, limit, countOnly });
}

export function wirePut({ key, value, lease = "0", prevKv = false }: PutRequest): WirePutRequest {
  const pair = { key: bytesOf(key), value: bytesOf(value) };
  return createPutRequest({ ...pair, lease: BigInt(lease), prevKv });
}

export function wireDelete({ key, end = "", prevKv = false }: DeleteRequest): WireDeleteRequest {
  return createDeleteRangeRequest({ key: bytesOf(key), rangeEnd: bytesOf(end), prevKv });
}

export function wireTxn({ compares, success, failure }: TxnRequest): WireTxnRequest {
  return createTxnRequest({
    compare: compares.map(wireCompare),
    success: success.map(wireOperation),
    failure: failure.map(wireOperation),
  });
}

function wireOperation(request: KvRequest): RequestOp {
  switch (request.kind) {
    case "range":
      return createRequestOp({ request: { case: "requestRange", value: wireRange(request) } });
    case "put":
      return createRequestOp({ request: { case: "requestPut", value: wirePut(request) } });
    case "delete":
      return createRequestOp({
        request: { case: "requestDeleteRange", value: wireDelete(request) },
      });
  }
}

function wireCompare({ key, target, result, operand }: Compare): WireCompare {
  return createCompare({
    key: bytesOf(key),
    target: TARGETS[target],
    result: RESULTS[result],
    targetUnion: wireOperand(target, operand),
  });
}

function wireOperand(target: Compare["target"], operand: string | number): CompareTargetUnion {
  switch (target) {
    case "value":
      return { case: "value", value: bytesOf(String(operand)) };
    case "version":
      return { case: "version", value: Number(operand) };
    case "create":
      return { case: "createRevision", value: Number(operand) };
    case "mod":
      return { case: "modRevision", value: Number(operand) };
  }
}

export function rangeResult({ kvs, count }: RangeResponse): RangeResult {
  return { kvs: kvs.map(keyValue), count };
}

export function putResult({ prevKv }: PutResponse): PutResult {
  return prevKv === undefined ? {} : { prev: keyValue(prevKv) };
}

export function deleteResult({ deleted, prevKvs }: DeleteRangeResponse): DeleteResult {
  return prevKvs.length === 0 ? { deleted } : { deleted, prevs: prevKvs.map(keyValue) };
}

export function txnResult({ succeeded, responses }: TxnResponse): TxnResult {
  return { succeeded, results: responses.map(operationResult) };
}

function operationResult({ response }: ResponseOp): KvResult {
  switch (response?.case) {
    case "responseRange":
      return rangeResult(response.value);
    case "responsePut":
      return putResult(response.value);
    case "responseDeleteRange":
      return deleteResult(response.value);
    default:
      throw new Error(`Cannot record the answer ${response?.case} within a transaction`);
  }
}

export function watchEvent({ type, kv, prevKv }: Event): WatchEvent {
  if (kv === undefined) throw new Error("Cannot record an event without a key");
  const event = { type: type === EventType.PUT ? "put" : "delete", kv: keyValue(kv) } as const;
  return prevKv === undefined ? event : { ...event, prev: keyValue(prevKv) };
}

function keyValue({ key, value, lease, ...kv }: WireKeyValue): KeyValue {
  return {
    key: textOf(key),
    value: textOf(value),
    create: kv.createRevision,
    mod: kv.modRevision,
    version: kv.version,
    ...(lease === 0n ? {} : { lease: String(lease) }),
  };
}
