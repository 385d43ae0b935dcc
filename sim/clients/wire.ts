/** Requests and answers of the API, between the form of histories (`../history.ts`) and that of the wire. */
import {
  createCompactionRequest,
  createLeaseGrantRequest,
  createLeaseKeepAliveRequest,
  createLeaseRevokeRequest,
  decodeCompactionResponse,
  decodeDeleteRangeResponse,
  decodeLeaseGrantResponse,
  decodeLeaseKeepAliveResponse,
  decodeLeaseRevokeResponse,
  decodePutResponse,
  decodeRangeResponse,
  decodeTxnResponse,
  encodeCompactionRequest,
  encodeDeleteRangeRequest,
  encodeLeaseGrantRequest,
  encodeLeaseKeepAliveRequest,
  encodeLeaseRevokeRequest,
  encodePutRequest,
  encodeRangeRequest,
  encodeTxnRequest,
  type ResponseHeader,
} from "../../src/wire/gen/rpc.ts";
import type { Request, Result } from "../history.ts";
import {
  deleteResult,
  putResult,
  rangeResult,
  txnResult,
  wireDelete,
  wirePut,
  wireRange,
  wireTxn,
} from "../history-wire.ts";

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
      return { path: "/etcdserverpb.KV/Range", bytes: encodeRangeRequest(wireRange(request)) };
    case "put":
      return { path: "/etcdserverpb.KV/Put", bytes: encodePutRequest(wirePut(request)) };
    case "delete":
      return {
        path: "/etcdserverpb.KV/DeleteRange",
        bytes: encodeDeleteRangeRequest(wireDelete(request)),
      };
    case "txn":
      return { path: "/etcdserverpb.KV/Txn", bytes: encodeTxnRequest(wireTxn(request)) };
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
      const { header, ...response } = decodeTxnResponse(bytes);
      return { revision: revisionOf(header), result: txnResult(response) };
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

function revisionOf(header: ResponseHeader | undefined): number {
  if (header === undefined) throw new Error("An answer has no header");
  return header.revision;
}
