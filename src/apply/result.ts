/** What applying an entry answers, for whoever proposed it. */
import type {
  AlarmMember,
  CompactionResponse,
  LeaseGrantResponse,
  LeaseRevokeResponse,
  RawDeleteRangeResponse,
  RawPutResponse,
  RawTxnResponse,
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
