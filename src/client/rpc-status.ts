/**
 * From the status of a call to the error that a caller sees.
 *
 * Source: etcd api/v3rpc/rpctypes/error.go (Error), client/v3/client.go (ContextError); grpc-go status text.
 */
import { goRpcError, GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";

/** A code and its message, as the server or our own side of the connection said it. */
export interface RpcStatus {
  readonly code: number;
  readonly message: string;
}

/** The status as grpc-go prints an error. */
export function statusText({ code, message }: RpcStatus): string {
  return goRpcError(code, message);
}

let byMessage: ReadonlyMap<string, EtcdError> | undefined;

/** The answer of the table of errors that `status` is, by its text. */
export function knownError(status: RpcStatus): EtcdError | undefined {
  byMessage ??= new Map(
    Object.values(Errors)
      // Go's client does not know the others as answers, nor this one: it is the end of a context.
      .filter((error) => error.message.startsWith("etcdserver: "))
      .filter((error) => error !== Errors.DeadlineExceeded)
      .map((error) => [error.message, error]),
  );
  return byMessage.get(status.message);
}

/** Why a call of ours was ended on our side. */
export type EndReason = "deadline" | "cancelled" | undefined;

/** What is thrown for `status`: a known answer, our own deadline or cancellation, or the status as text. */
export function errorFromStatus(status: RpcStatus, ended: EndReason): EtcdError {
  const known = knownError(status);
  if (known !== undefined) return known;
  const isOurs = status.code === GrpcCode.DeadlineExceeded || status.code === GrpcCode.Canceled;
  if (isOurs && ended === "deadline") return DEADLINE_EXCEEDED;
  if (isOurs && ended === "cancelled") return CANCELLED;
  return new EtcdError(codeOf(status.code), statusText(status));
}

/** The deadline of a call passed. */
export const DEADLINE_EXCEEDED: EtcdError = Errors.DeadlineExceeded;

/** The caller cancelled. */
export const CANCELLED = new EtcdError(GrpcCode.Canceled, "context canceled");

/** The client was closed before the call was sent. */
export const CLOSING: RpcStatus = {
  code: GrpcCode.Canceled,
  message: "grpc: the client connection is closing",
};

/** Whether `error` says that the client was closed. */
export function isClosing(error: EtcdError): boolean {
  return error.message === statusText(CLOSING);
}

/** A server may send numbers that no version of gRPC has: they are unknown errors. */
function codeOf(code: number): GrpcCode {
  for (const known of Object.values(GrpcCode)) {
    if (known === code) return known;
  }
  return GrpcCode.Unknown;
}
