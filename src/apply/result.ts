/** What applying an entry answers, for whoever proposed it. */
import type { KvResult } from "../mvcc/kv-result.ts";
import type { AlarmMember } from "../wire/gen/rpc.ts";

export type ApplyResult =
  | KvResult
  | { readonly kind: "compaction"; readonly revision: number }
  | { readonly kind: "alarm"; readonly alarms: readonly AlarmMember[]; readonly revision: number }
  /** Nothing to report: membership, cluster version. */
  | { readonly kind: "done" };
