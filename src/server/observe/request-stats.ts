/**
 * What the log tells of one unary call that took long: how much was asked for and answered, without values.
 *
 * Source: etcd server/etcdserver/api/v3rpc/interceptor.go (logUnaryRequestStats; 3.5).
 */
import { deleteRangeText, putText, rangeText, txnText } from "../../apply/request-text.ts";
import type { LogFields } from "../../ports/log.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import {
  decodeDeleteRangeRequest,
  decodeDeleteRangeResponse,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
  decodeTxnResponse,
  encodeRequestOp,
} from "../../wire/gen/rpc.ts";
import { countOf } from "../../wire/response-facts.ts";
import { WireError } from "../../wire/wire-error.ts";
import { encodeTime, localZoneOffset } from "../../platform/log-line.ts";

/** A call that is over. */
export interface FinishedCall {
  readonly path: string;
  /** Where it came from. */
  readonly remote: string;
  /** When it came, in milliseconds since the Unix epoch. */
  readonly startWallMs: number;
  readonly tookMs: number;
  readonly request: Uint8Array;
  /** Empty where there was none, but an error. */
  readonly response: Uint8Array;
}

/** Fields of the line "request stats". */
export function requestStats(call: FinishedCall): LogFields {
  const counted = countedOf(call);
  return {
    "start time": encodeTime(call.startWallMs, localZoneOffset),
    "time spent": goDurationOfMs(call.tookMs),
    remote: call.remote,
    "response type": call.path,
    "request count": counted.requests,
    "request size": counted.requestSize,
    "response count": counted.responses,
    "response size": counted.responseSize,
    "request content": counted.content,
  };
}

/** Nothing is counted of bytes that are no request: the call itself says what is wrong with them. */
function countedOf(call: FinishedCall): Counted {
  try {
    return (COUNTED[call.path] ?? NOT_COUNTED)(call);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return NOT_COUNTED();
  }
}

interface Counted {
  readonly requests: number;
  readonly requestSize: number;
  readonly responses: number;
  readonly responseSize: number;
  readonly content: string;
}

const NOT_COUNTED = (): Counted => ({
  requests: -1,
  requestSize: -1,
  responses: -1,
  responseSize: -1,
  content: "",
});

const COUNTED: Readonly<Record<string, (call: FinishedCall) => Counted>> = {
  "/etcdserverpb.KV/Range": ({ request, response }) => ({
    requests: 0,
    requestSize: request.length,
    responses: response.length === 0 ? 0 : countOf(response),
    responseSize: response.length,
    content: rangeText(decodeRangeRequest(request)),
  }),
  "/etcdserverpb.KV/Put": ({ request, response }) => ({
    requests: 1,
    requestSize: request.length,
    responses: 0,
    responseSize: response.length,
    content: putText(decodePutRequest(request)),
  }),
  "/etcdserverpb.KV/DeleteRange": ({ request, response }) => ({
    requests: 0,
    requestSize: request.length,
    responses: response.length === 0 ? 0 : decodeDeleteRangeResponse(response).deleted,
    responseSize: response.length,
    content: deleteRangeText(decodeDeleteRangeRequest(request)),
  }),
  "/etcdserverpb.KV/Txn": ({ request, response }) => {
    const asked = decodeTxnRequest(request);
    const isAnswered = response.length > 0;
    const taken =
      isAnswered && decodeTxnResponse(response).succeeded ? asked.success : asked.failure;
    return {
      requests: isAnswered ? taken.length : 0,
      requestSize: isAnswered
        ? taken.reduce((size, operation) => size + encodeRequestOp(operation).length, 0)
        : 0,
      responses: 0,
      responseSize: response.length,
      content: isAnswered ? txnText(asked) : "",
    };
  },
};
