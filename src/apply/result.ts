/** What applying an entry answers, for whoever proposed it. */
import { unreachable } from "../stdx/assert.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import {
  type AlarmMember,
  type AuthenticateResponse,
  type AuthRoleGetResponse,
  type AuthRoleListResponse,
  type AuthStatusResponse,
  type AuthUserGetResponse,
  type AuthUserListResponse,
  type CompactionResponse,
  createAlarmResponse,
  encodeAlarmResponse,
  encodeAuthEnableResponse,
  encodeAuthenticateResponse,
  encodeAuthRoleGetResponse,
  encodeAuthRoleListResponse,
  encodeAuthStatusResponse,
  encodeAuthUserGetResponse,
  encodeAuthUserListResponse,
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
  type ResponseHeader,
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
  | { readonly kind: "authenticate"; readonly response: AuthenticateResponse }
  | { readonly kind: "authStatus"; readonly response: AuthStatusResponse }
  | { readonly kind: "authUserGet"; readonly response: AuthUserGetResponse }
  | { readonly kind: "authUserList"; readonly response: AuthUserListResponse }
  | { readonly kind: "authRoleGet"; readonly response: AuthRoleGetResponse }
  | { readonly kind: "authRoleList"; readonly response: AuthRoleListResponse }
  /** Users or roles were changed, or authentication was turned on or off: all answers are a header. */
  | { readonly kind: "authChange"; readonly response: { readonly header: ResponseHeader } }
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
    case "authenticate":
      return encodeAuthenticateResponse(result.response);
    case "authStatus":
      return encodeAuthStatusResponse(result.response);
    case "authUserGet":
      return encodeAuthUserGetResponse(result.response);
    case "authUserList":
      return encodeAuthUserListResponse(result.response);
    case "authRoleGet":
      return encodeAuthRoleGetResponse(result.response);
    case "authRoleList":
      return encodeAuthRoleListResponse(result.response);
    case "authChange":
      return encodeAuthEnableResponse(result.response);
    case "alarm":
      return encodeAlarmResponse(createAlarmResponse({ alarms: [...result.alarms] }));
    case "done":
      return EMPTY_BYTES;
    default:
      return unreachable(result);
  }
}
