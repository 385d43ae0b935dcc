/** gRPC status codes, by their standard names and numbers. Source: grpc/grpc doc/statuscodes.md. */
export const GrpcCode = {
  /** No error. */
  OK: 0,
  /** The caller has cancelled the call. */
  Canceled: 1,
  /** Whatever has no code of its own. */
  Unknown: 2,
  /** The request makes no sense, whatever the state. */
  InvalidArgument: 3,
  /** The time of the call was over. */
  DeadlineExceeded: 4,
  /** What was asked for is not there. */
  NotFound: 5,
  /** What was to be made is there. */
  AlreadyExists: 6,
  /** The user may not do it. */
  PermissionDenied: 7,
  /** Too large, too many, or no space left. */
  ResourceExhausted: 8,
  /** The state does not allow it; trying again will not help. */
  FailedPrecondition: 9,
  /** Others were in the way; trying again may help. */
  Aborted: 10,
  /** A revision that is compacted, or not there yet. */
  OutOfRange: 11,
  /** The server has no such call. */
  Unimplemented: 12,
  /** An invariant is broken. */
  Internal: 13,
  /** No server could be reached, or none that can answer now. */
  Unavailable: 14,
  /** Data was lost or is corrupt. */
  DataLoss: 15,
  /** Nobody, or a token that is not known any more. */
  Unauthenticated: 16,
} as const;

/** One of the codes. */
export type GrpcCode = (typeof GrpcCode)[keyof typeof GrpcCode];

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(GrpcCode).map(([name, code]) => [code, name]),
);

/** A status as Go prints it as an error. */
export function goRpcError(code: number, message: string): string {
  return `rpc error: code = ${NAMES.get(code) ?? `Code(${code})`} desc = ${message}`;
}
