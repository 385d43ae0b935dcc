/**
 * Lines about where the time of a slow request went.
 *
 * Source: etcd pkg/traceutil/trace.go; server/etcdserver/v3_server.go, apply.go (names, fields; 3.5).
 */
import type { ApplyResult } from "../../apply/result.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { encodeTime, localZoneOffset } from "../../platform/log-line.ts";
import type { LogFields } from "../../ports/log.ts";
import { utf8FromBytes } from "../../stdx/bytes.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import type { InternalRaftRequestOperation } from "../../wire/gen/raft-internal.ts";
import {
  decodeRangeRequest,
  decodeRangeResponse,
  encodePutRequest,
  type ResponseHeader,
} from "../../wire/gen/rpc.ts";

/** What was done, and with what. */
export interface TraceDetails {
  readonly operation: string;
  /** `{key:foo; req_size:12; }`. */
  readonly detail: string;
}

/** Those of a proposal; there is no trace of other operations. */
export function proposalDetails(
  operation: InternalRaftRequestOperation,
  result: ApplyResult | EtcdError,
): TraceDetails | undefined {
  const revision = result instanceof EtcdError ? undefined : revisionOf(result);
  switch (operation.case) {
    case "put": {
      const key = utf8FromBytes(operation.value.key);
      const size = encodePutRequest(operation.value).length;
      const detail = braced([
        ["key", key],
        ["req_size", size],
        ["response_revision", revision],
      ]);
      return { operation: "put", detail };
    }
    case "txn": {
      const detail = braced([
        ["read_only", false],
        ["response_revision", revision],
      ]);
      return { operation: "transaction", detail };
    }
    case "compaction": {
      const asked = operation.value.revision;
      const detail = braced([
        ["revision", asked],
        ["response_revision", revision],
      ]);
      return { operation: "compact", detail };
    }
    default:
      return undefined;
  }
}

/** Those of a read, with its request and response as they were sent. */
export function readDetails(path: string, request: Uint8Array, response: Uint8Array): TraceDetails {
  if (!path.endsWith("/Range")) {
    return { operation: "transaction", detail: braced([["read_only", true]]) };
  }
  const { key, rangeEnd } = decodeRangeRequest(request);
  const answer = response.length === 0 ? undefined : decodeRangeResponse(response);
  const detail = braced([
    ["range_begin", utf8FromBytes(key)],
    ["range_end", utf8FromBytes(rangeEnd)],
    ["response_count", answer?.kvs.length],
    ["response_revision", answer?.header?.revision],
  ]);
  return { operation: "range", detail };
}

interface Trace {
  readonly number: number;
  readonly detail: string;
  readonly tookMs: number;
  readonly endWallMs: number;
  readonly steps: readonly { readonly name: string; readonly tookMs: number }[];
}

/** The fields of the line. */
export function traceFields({ number, detail, tookMs, endWallMs, steps }: Trace): LogFields {
  return {
    detail,
    duration: goDurationOfMs(tookMs),
    start: encodeTime(endWallMs - tookMs, localZoneOffset),
    end: encodeTime(endWallMs, localZoneOffset),
    steps: steps.map(
      (step) => `trace[${number}] '${step.name}'  (duration: ${goDurationOfMs(step.tookMs)})`,
    ),
    step_count: steps.length,
  };
}

function revisionOf(result: ApplyResult): number | undefined {
  if (!("response" in result)) return undefined;
  const { header }: { readonly header?: ResponseHeader | undefined } = result.response;
  return header?.revision;
}

function braced(
  fields: readonly (readonly [string, string | number | boolean | undefined])[],
): string {
  const told = fields.filter(([, value]) => value !== undefined);
  return `{${told.map(([name, value]) => `${name}:${String(value)}; `).join("")}}`;
}
