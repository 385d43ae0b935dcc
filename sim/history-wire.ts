/**
 * Requests and answers of histories as messages of etcd, both ways. Keys and values of a history are texts
 * of which every character is one byte.
 */
import { bytesFromLatin1, latin1FromBytes } from "../src/stdx/bytes.ts";
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

/** The bytes of `[key, end)`. */
export function rangeBytes(range: { readonly key: string; readonly end?: string }): {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
} {
  return { key: bytesFromLatin1(range.key), rangeEnd: bytesFromLatin1(range.end ?? "") };
}

export function wireRange(request: RangeRequest): WireRangeRequest {
  const { revision = 0, serializable = false, limit = 0, countOnly = false } = request;
  return createRangeRequest({ ...rangeBytes(request), revision, serializable, limit, countOnly });
}

export function wirePut({ key, value, lease = "0", prevKv = false }: PutRequest): WirePutRequest {
  const pair = { key: bytesFromLatin1(key), value: bytesFromLatin1(value) };
  return createPutRequest({ ...pair, lease: BigInt(lease), prevKv });
}

export function wireDelete(request: DeleteRequest): WireDeleteRequest {
  return createDeleteRangeRequest({ ...rangeBytes(request), prevKv: request.prevKv ?? false });
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
    key: bytesFromLatin1(key),
    target: TARGETS[target],
    result: RESULTS[result],
    targetUnion: wireOperand(target, operand),
  });
}

function wireOperand(target: Compare["target"], operand: string | number): CompareTargetUnion {
  switch (target) {
    case "value":
      return { case: "value", value: bytesFromLatin1(String(operand)) };
    case "version":
      return { case: "version", value: Number(operand) };
    case "create":
      return { case: "createRevision", value: Number(operand) };
    case "mod":
      return { case: "modRevision", value: Number(operand) };
  }
}

export function rangeResult({ kvs, count }: Pick<RangeResponse, "kvs" | "count">): RangeResult {
  return { kvs: kvs.map(keyValue), count };
}

export function putResult({ prevKv }: Pick<PutResponse, "prevKv">): PutResult {
  return prevKv === undefined ? {} : { prev: keyValue(prevKv) };
}

export function deleteResult(
  response: Pick<DeleteRangeResponse, "deleted" | "prevKvs">,
): DeleteResult {
  const { deleted, prevKvs } = response;
  return prevKvs.length === 0 ? { deleted } : { deleted, prevs: prevKvs.map(keyValue) };
}

export function txnResult({
  succeeded,
  responses,
}: Pick<TxnResponse, "succeeded" | "responses">): TxnResult {
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

/** What a history keeps of a key-value. */
export function keyValue({ key, value, lease, ...kv }: WireKeyValue): KeyValue {
  return {
    key: latin1FromBytes(key),
    value: latin1FromBytes(value),
    create: kv.createRevision,
    mod: kv.modRevision,
    version: kv.version,
    ...(lease === 0n ? {} : { lease: String(lease) }),
  };
}
