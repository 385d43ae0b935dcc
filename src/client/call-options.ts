/** What a caller may say about one call, and what that has to do with how the call ended. */
import { GrpcCode } from "../errors/codes.ts";
import type { GrpcMetadata } from "../http2/grpc-metadata.ts";
import type { Clock } from "../ports/clock.ts";
import type { CancelSignal } from "./cancel-signal.ts";
import { DEADLINE_SLACK_MS } from "./limits.ts";
import type { EndReason, RpcStatus } from "./rpc-status.ts";

/** Bounds of one call. */
export interface CallOptions {
  /** When the call must have ended, in milliseconds of the client's clock; never when absent. */
  readonly deadlineMs?: number | undefined;
  /** Ends the call when aborted. */
  readonly signal?: CancelSignal | undefined;
  /** Sent instead of the channel's own. */
  readonly metadata?: GrpcMetadata | undefined;
}

/** Bounds of one stream. */
export interface StreamOptions extends CallOptions {
  /** Whether the server must end the stream, with `Errors.NoLeader`, when its cluster has no leader. */
  readonly requireLeader?: boolean | undefined;
}

/** Which bound of `options` ended the call, if one did. */
export function endReason(
  status: RpcStatus,
  { deadlineMs, signal }: CallOptions,
  clock: Clock,
): EndReason {
  if (!isOver(status)) return undefined;
  if (signal?.aborted === true) return "cancelled";
  const lateMs = clock.nowMs() + DEADLINE_SLACK_MS;
  return deadlineMs !== undefined && deadlineMs <= lateMs ? "deadline" : undefined;
}

/** Whether `status` is one that a bound of the call may have caused. */
export function isOver({ code }: RpcStatus): boolean {
  return code === GrpcCode.Canceled || code === GrpcCode.DeadlineExceeded;
}
