/**
 * Where two answers to one request differ, beyond who answered and in which term. Answers are compared byte
 * by byte, so that also the order of fields and what is left out must agree; of a few methods only what two
 * servers can have in common is compared.
 */
import { compareBytes, equalBytes } from "../../src/stdx/bytes.ts";
import {
  decodeHashKVResponse,
  decodeLeaseTimeToLiveResponse,
  decodeResponseHeader,
  decodeStatusResponse,
  encodeLeaseTimeToLiveResponse,
  encodeStatusResponse,
  type HashKVRequest,
  type RangeRequest,
} from "../../src/wire/gen/rpc.ts";
import { KVService, LeaseService, MaintenanceService } from "../../src/wire/gen/services.ts";
import { Reader } from "../../src/wire/reader.ts";
import type { Operation } from "./operation.ts";
import { isSameUpToTies } from "./range-ties.ts";
import type { RawAnswer } from "./raw-calls.ts";

/** Whether both answers say the same. */
export function isSameAnswer(operation: Operation, a: RawAnswer, b: RawAnswer): boolean {
  if (a.code !== b.code || a.text !== b.text) return false;
  if (a.body === undefined || b.body === undefined) return a.body === b.body;
  const [left, right] = [splitHeader(a.body), splitHeader(b.body)];
  if (left.revision !== right.revision) return false;
  if (equalBytes(left.rest, right.rest)) return true;
  switch (operation.method) {
    case KVService.range:
      return isSameUpToTies(operation.request as RangeRequest, a.body, b.body);
    case LeaseService.leaseTimeToLive:
      return isSameTimeToLive(left.rest, right.rest);
    case MaintenanceService.hashKV:
      return isSameHash(operation.request as HashKVRequest, left.rest, right.rest);
    case MaintenanceService.status:
      return equalBytes(comparableStatus(left.rest), comparableStatus(right.rest));
    default:
      return false;
  }
}

/** The revision that an answer tells; `undefined` for an error. */
export function revisionOf({ body }: RawAnswer): number | undefined {
  return body === undefined ? undefined : splitHeader(body).revision;
}

/** An answer for people. */
export function describeAnswer({ method }: Operation, { code, text, body }: RawAnswer): string {
  if (body === undefined) return `code ${code}: ${text}`;
  return describeMessage(method.response.decode(body));
}

export function describeMessage(message: object): string {
  const show = (_: string, value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value.subarray(0, 400)).toString("latin1");
    return typeof value === "bigint" ? `${value}n` : value;
  };
  return JSON.stringify(message, show, 1);
}

/** An answer has its header, field 1, in front; a few have none, and no revision then. */
export function splitHeader(body: Uint8Array): {
  readonly revision: number | undefined;
  readonly rest: Uint8Array;
} {
  const reader = new Reader(body);
  if (!reader.more() || reader.tag() !== 0x0a) return { revision: undefined, rest: body };
  const header = reader.bytes();
  const rest = body.subarray(reader.position);
  return { revision: decodeResponseHeader(header).revision, rest };
}

/**
 * At the revision of the newest compaction a server tells the hash that the compaction made, with what was
 * compacted before, if the one before had come to its end by then, and otherwise makes it anew.
 */
function isSameHash({ revision }: HashKVRequest, a: Uint8Array, b: Uint8Array): boolean {
  const [left, right] = [a, b].map((body) => decodeHashKVResponse(body));
  const isAnew = left.compactRevision === revision || right.compactRevision === revision;
  return isAnew && left.hash === right.hash;
}

/** The remaining time runs, and etcd tells the keys in no order. */
function isSameTimeToLive(a: Uint8Array, b: Uint8Array): boolean {
  const [left, right] = [a, b].map((body) => {
    const message = decodeLeaseTimeToLiveResponse(body);
    message.keys.sort(compareBytes);
    return message;
  });
  if (Math.abs(left.ttl - right.ttl) > 1) return false;
  right.ttl = left.ttl;
  return equalBytes(encodeLeaseTimeToLiveResponse(left), encodeLeaseTimeToLiveResponse(right));
}

/** Without sizes of files and without Raft's counters. */
function comparableStatus(body: Uint8Array): Uint8Array {
  const none = { dbSize: 0, dbSizeInUse: 0, raftIndex: 0, raftAppliedIndex: 0, raftTerm: 0 };
  return encodeStatusResponse({ ...decodeStatusResponse(body), ...none });
}
