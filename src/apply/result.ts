/** What applying an entry answers, for whoever proposed it. */
import { unreachable } from "../stdx/assert.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
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

/** Marshals the answer as it is; "done" has no bytes. O(bytes). */
export function encodeResult(result: ApplyResult): Uint8Array {
  switch (result.kind) {
    case "put":
      return encodeRawPutResponse(result.response);
    case "deleteRange":
      return encodeRawDeleteRangeResponse(result.response);
    case "txn":
      return encodeRawTxnResponse(result.response);
    case "compaction":
      return encodeCompactionResponse(result.response);
    case "leaseGrant":
      return encodeLeaseGrantResponse(result.response);
    case "leaseRevoke":
      return encodeLeaseRevokeResponse(result.response);
    case "alarm":
      return encodeAlarmResponse(createAlarmResponse({ alarms: [...result.alarms] }));
    case "done":
      return EMPTY_BYTES;
    default:
      return unreachable(result);
  }
}
