/** Whoever wants to know how long it takes to apply entries: the shell, which has a clock. */
import type { AuthInfo } from "../auth/auth-info.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import type { InternalRaftRequestOperation } from "../wire/gen/raft-internal.ts";
import type { ProposalOrigin } from "./proposal-origin.ts";
import type { ApplyResult } from "./result.ts";

export interface ApplyTimer {
  /** A time, to be handed back. */
  start(): number;
  /** The operation of the entry with request id `id` is applied; its bytes are only lent. */
  applied(
    start: number,
    id: bigint,
    operation: InternalRaftRequestOperation,
    result: ApplyResult | EtcdError,
    caller?: AuthInfo,
  ): void;
  /** A request of the v2 API is applied. */
  appliedV2(start: number, method: string): void;
  /** The entry that was applied last was proposed here, by the call `origin`, which is answered. */
  proposalAnswered(
    origin: ProposalOrigin,
    operation: InternalRaftRequestOperation,
    result: ApplyResult | EtcdError,
  ): void;
}
