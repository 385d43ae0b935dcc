/**
 * Changes of which nobody knows whether they were made: the request went out, and what came back does not say that the
 * server refused it.
 */
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { RpcStatus } from "./rpc-status.ts";

/**
 * A change may have been made, or may still be made: its connection was lost, its time ran out or it was cancelled under
 * way, or the server itself does not know. Code and message are those of the `cause`. It was not tried again: whether it
 * may be made twice, only the program knows.
 */
export class UnknownOutcomeError extends EtcdError {
  /** What is known of it. */
  override readonly cause: EtcdError;

  /** Code and message are those of `cause`. */
  constructor(cause: EtcdError) {
    super(cause.code, cause.message);
    this.name = "UnknownOutcomeError";
    this.cause = cause;
  }
}

/** With these codes servers refuse a call. */
const REFUSALS: ReadonlySet<number> = new Set([
  GrpcCode.InvalidArgument,
  GrpcCode.NotFound,
  GrpcCode.AlreadyExists,
  GrpcCode.PermissionDenied,
  GrpcCode.FailedPrecondition,
  GrpcCode.OutOfRange,
  GrpcCode.Unimplemented,
  GrpcCode.Unauthenticated,
]);

/** Answers of servers that gave up waiting for a proposal, which may be carried out later. */
const UNSURE: readonly EtcdError[] = [
  Errors.DeadlineExceeded,
  Errors.LeaderChanged,
  Errors.Stopped,
  Errors.Timeout,
  Errors.TimeoutDueToConnectionLost,
  Errors.TimeoutDueToLeaderFail,
  Errors.TransferTimeout,
  Errors.TimeoutWaitAppliedIndex,
];

let refusalTexts: ReadonlySet<string> | undefined;

/** Whether a call that was sent and ended with `status` may have been carried out. */
export function isOutcomeUnknown({ code, message }: RpcStatus): boolean {
  if (REFUSALS.has(code)) return false;
  refusalTexts ??= new Set(
    Object.values(Errors)
      .filter((error) => !UNSURE.includes(error))
      .map((error) => error.message),
  );
  return !refusalTexts.has(message);
}
