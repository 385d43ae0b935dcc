/** Which HTTP status stands for which gRPC code. Source: grpc-gateway v1 runtime (HTTPStatusFromCode). */
import { GrpcCode } from "../../errors/codes.ts";

const STATUS: ReadonlyMap<number, number> = new Map<number, number>([
  [GrpcCode.OK, 200],
  [GrpcCode.Canceled, 408],
  [GrpcCode.InvalidArgument, 400],
  [GrpcCode.DeadlineExceeded, 504],
  [GrpcCode.NotFound, 404],
  [GrpcCode.AlreadyExists, 409],
  [GrpcCode.PermissionDenied, 403],
  [GrpcCode.Unauthenticated, 401],
  [GrpcCode.ResourceExhausted, 429],
  [GrpcCode.FailedPrecondition, 400],
  [GrpcCode.Aborted, 409],
  [GrpcCode.OutOfRange, 400],
  [GrpcCode.Unimplemented, 501],
  [GrpcCode.Unavailable, 503],
]);

/** Go's words for them. */
const TEXTS: ReadonlyMap<number, string> = new Map([
  [200, "OK"],
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [408, "Request Timeout"],
  [409, "Conflict"],
  [429, "Too Many Requests"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [503, "Service Unavailable"],
  [504, "Gateway Timeout"],
]);

export function httpStatusOf(code: number): number {
  return STATUS.get(code) ?? 500;
}

export function httpStatusText(status: number): string {
  return TEXTS.get(status) ?? "";
}
