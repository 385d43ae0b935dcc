/** Requests and answers of the API, between the form of histories (`../history.ts`) and that of the wire. */
import { bytesFromLatin1, latin1FromBytes } from "../../src/stdx/bytes.ts";
import type { KeyValue as WireKeyValue } from "../../src/wire/gen/kv.ts";
import {
  CompareResult,
  CompareTarget,
  type CompareTargetUnion,
  type Compare as WireCompare,
  createCompactionRequest,
  createCompare,
  createDeleteRangeRequest,
  createLeaseGrantRequest,
  createLeaseKeepAliveRequest,
  createLeaseRevokeRequest,
  createPutRequest,
  createRangeRequest,
  createTxnRequest,
  decodeCompactionResponse,
  decodeDeleteRangeResponse,
  decodeLeaseGrantResponse,
  decodeLeaseKeepAliveResponse,
  decodeLeaseRevokeResponse,
  decodePutResponse,
  decodeRangeResponse,
  decodeTxnResponse,
  type DeleteRangeResponse,
  encodeCompactionRequest,
  encodeDeleteRangeRequest,
  encodeLeaseGrantRequest,
  encodeLeaseKeepAliveRequest,
  encodeLeaseRevokeRequest,
  encodePutRequest,
  encodeRangeRequest,
  encodeTxnRequest,
  type PutResponse,
  type RangeResponse,
  type RequestOp,
  type ResponseHeader,
  type ResponseOp,
} from "../../src/wire/gen/rpc.ts";
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
  Request,
  Result,
} from "../history.ts";

export interface EncodedRequest {
  /** Such as "/etcdserverpb.KV/Put". */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface DecodedAnswer {
  readonly revision: number;
  readonly result: Result;
}

export function encodeRequest(request: Request): EncodedRequest {
  switch (request.kind) {
    case "range":
      return { path: "/etcdserverpb.KV/Range", bytes: encodeRangeRequest(rangeOf(request)) };
    case "put":
      return { path: "/etcdserverpb.KV/Put", bytes: encodePutRequest(putOf(request)) };
    case "delete":
      return {
        path: "/etcdserverpb.KV/DeleteRange",
        bytes: encodeDeleteRangeRequest(deleteOf(request)),
      };
    case "txn": {
      const body = createTxnRequest({
        compare: request.compares.map(compareOf),
        success: request.success.map(operationOf),
        failure: request.failure.map(operationOf),
      });
      return { path: "/etcdserverpb.KV/Txn", bytes: encodeTxnRequest(body) };
    }
    case "compact": {
      const body = createCompactionRequest({ revision: request.revision });
      return { path: "/etcdserverpb.KV/Compact", bytes: encodeCompactionRequest(body) };
    }
    case "grant": {
      const id = BigInt(request.lease);
      const body = createLeaseGrantRequest({ id, ttl: request.ttlSeconds });
      return { path: "/etcdserverpb.Lease/LeaseGrant", bytes: encodeLeaseGrantRequest(body) };
    }
    case "revoke": {
      const body = createLeaseRevokeRequest({ id: BigInt(request.lease) });
      return { path: "/etcdserverpb.Lease/LeaseRevoke", bytes: encodeLeaseRevokeRequest(body) };
    }
    case "alive": {
      const body = createLeaseKeepAliveRequest({ id: BigInt(request.lease) });
      return {
        path: "/etcdserverpb.Lease/LeaseKeepAlive",
        bytes: encodeLeaseKeepAliveRequest(body),
      };
    }
  }
}

export function decodeAnswer(request: Request, bytes: Uint8Array): DecodedAnswer {
  switch (request.kind) {
    case "range": {
      const { header, ...response } = decodeRangeResponse(bytes);
      return { revision: revisionOf(header), result: rangeResult(response) };
    }
    case "put": {
      const { header, ...response } = decodePutResponse(bytes);
      return { revision: revisionOf(header), result: putResult(response) };
    }
    case "delete": {
      const { header, ...response } = decodeDeleteRangeResponse(bytes);
      return { revision: revisionOf(header), result: deleteResult(response) };
    }
    case "txn": {
      const { header, succeeded, responses } = decodeTxnResponse(bytes);
      const results = responses.map(operationResult);
      return { revision: revisionOf(header), result: { succeeded, results } };
    }
    case "compact":
      return { revision: revisionOf(decodeCompactionResponse(bytes).header), result: {} };
    case "grant": {
      const { header, ttl } = decodeLeaseGrantResponse(bytes);
      return { revision: revisionOf(header), result: { ttlSeconds: ttl } };
    }
    case "revoke":
      return { revision: revisionOf(decodeLeaseRevokeResponse(bytes).header), result: {} };
    case "alive": {
      const { header, ttl } = decodeLeaseKeepAliveResponse(bytes);
      return { revision: revisionOf(header), result: { ttlSeconds: ttl } };
    }
  }
}

export function keyValueOf(kv: WireKeyValue): KeyValue {
  const known = {
    key: latin1FromBytes(kv.key),
    value: latin1FromBytes(kv.value),
    create: kv.createRevision,
    mod: kv.modRevision,
    version: kv.version,
  };
  return kv.lease === 0n ? known : { ...known, lease: kv.lease.toString() };
}

/** The bytes of `[key, end)`. */
export function rangeBytes(range: { readonly key: string; readonly end?: string }): {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
} {
  return { key: bytesFromLatin1(range.key), rangeEnd: bytesFromLatin1(range.end ?? "") };
}

function rangeOf(request: RangeRequest): ReturnType<typeof createRangeRequest> {
  return createRangeRequest({
    ...rangeBytes(request),
    revision: request.revision ?? 0,
    serializable: request.serializable ?? false,
    limit: request.limit ?? 0,
    countOnly: request.countOnly ?? false,
  });
}

function putOf(request: PutRequest): ReturnType<typeof createPutRequest> {
  return createPutRequest({
    key: bytesFromLatin1(request.key),
    value: bytesFromLatin1(request.value),
    lease: BigInt(request.lease ?? 0),
    prevKv: request.prevKv ?? false,
  });
}

function deleteOf(request: DeleteRequest): ReturnType<typeof createDeleteRangeRequest> {
  return createDeleteRangeRequest({ ...rangeBytes(request), prevKv: request.prevKv ?? false });
}

function operationOf(request: KvRequest): RequestOp {
  switch (request.kind) {
    case "range":
      return { request: { case: "requestRange", value: rangeOf(request) } };
    case "put":
      return { request: { case: "requestPut", value: putOf(request) } };
    case "delete":
      return { request: { case: "requestDeleteRange", value: deleteOf(request) } };
  }
}

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

function compareOf({ key, target, result, operand }: Compare): WireCompare {
  return createCompare({
    key: bytesFromLatin1(key),
    target: TARGETS[target],
    result: RESULTS[result],
    targetUnion: targetOf(target, operand),
  });
}

function targetOf(target: Compare["target"], operand: string | number): CompareTargetUnion {
  switch (target) {
    case "version":
      return { case: "version", value: Number(operand) };
    case "create":
      return { case: "createRevision", value: Number(operand) };
    case "mod":
      return { case: "modRevision", value: Number(operand) };
    case "value":
      return { case: "value", value: bytesFromLatin1(String(operand)) };
  }
}

function rangeResult({ kvs, count }: Pick<RangeResponse, "kvs" | "count">): RangeResult {
  return { kvs: kvs.map(keyValueOf), count };
}

function putResult({ prevKv }: Pick<PutResponse, "prevKv">): PutResult {
  return prevKv === undefined ? {} : { prev: keyValueOf(prevKv) };
}

function deleteResult(response: Pick<DeleteRangeResponse, "deleted" | "prevKvs">): DeleteResult {
  const { deleted, prevKvs } = response;
  return prevKvs.length === 0 ? { deleted } : { deleted, prevs: prevKvs.map(keyValueOf) };
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
      throw new Error("A transaction answers with what was not asked for");
  }
}

function revisionOf(header: ResponseHeader | undefined): number {
  if (header === undefined) throw new Error("An answer has no header");
  return header.revision;
}
