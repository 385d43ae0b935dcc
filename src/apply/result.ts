/** What applying an entry answers, for whoever proposed it. */
import { unreachable } from "../stdx/assert.ts";
import {
  type AlarmMember,
  type CompactionResponse,
  createAlarmResponse,
  encodeAlarmResponse,
  encodeCompactionResponse,
  encodeLeaseGrantResponse,
  encodeLeaseRevokeResponse,
  encodeRawDeleteRangeResponse,
  encodeRawPutResponse,
  encodeRawTxnResponse,
  type LeaseGrantResponse,
  type LeaseRevokeResponse,
  type RawDeleteRangeResponse,
  type RawPutResponse,
  type RawTxnResponse,
} from "../wire/gen/rpc.ts";

/**
 * Answers hold bytes of the backend: encode them before returning. Their headers carry the revision only.
 */
export type ApplyResult =
  | { readonly kind: "put"; readonly response: RawPutResponse }
  | { readonly kind: "deleteRange"; readonly response: RawDeleteRangeResponse }
  | { readonly kind: "txn"; readonly response: RawTxnResponse }
  | { readonly kind: "compaction"; readonly response: CompactionResponse }
  | { readonly kind: "leaseGrant"; readonly response: LeaseGrantResponse }
  | { readonly kind: "leaseRevoke"; readonly response: LeaseRevokeResponse }
  | { readonly kind: "alarm"; readonly alarms: readonly AlarmMember[] }
  /** Nothing to report, as for membership and the cluster version. */
  | { readonly kind: "done" };

/** The answer of operations that report nothing. */
export const DONE: ApplyResult = { kind: "done" };

/** Bytes of the answer as it is, for the log. O(bytes). */
export function resultBytes(result: ApplyResult): number {
  switch (result.kind) {
    case "put":
      return encodeRawPutResponse(result.response).length;
    case "deleteRange":
      return encodeRawDeleteRangeResponse(result.response).length;
    case "txn":
      return encodeRawTxnResponse(result.response).length;
    case "compaction":
      return encodeCompactionResponse(result.response).length;
    case "leaseGrant":
      return encodeLeaseGrantResponse(result.response).length;
    case "leaseRevoke":
      return encodeLeaseRevokeResponse(result.response).length;
    case "alarm":
      return encodeAlarmResponse(createAlarmResponse({ alarms: [...result.alarms] })).length;
    case "done":
      return 0;
    default:
      return unreachable(result);
  }
}
