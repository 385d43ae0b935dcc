/** The one place where an answer that is not success becomes a gRPC status. */
import type { EtcdError } from "../errors/etcd-error.ts";
import { GrpcCode } from "../errors/codes.ts";
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";
import { WireError } from "../wire/wire-error.ts";

/** Ends the call with an expected error. */
export function fail(call: GrpcServerCall, error: EtcdError): void {
  call.sendStatus(error.code, error.message);
}

/**
 * Decodes the request of a call; `undefined` after it was answered with what grpc-go says to bytes that
 * are no such message.
 */
export function decodeRequest<T>(
  call: GrpcServerCall,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => T,
): T | undefined {
  return decodeOr(call, bytes, decode, "grpc: error unmarshalling request");
}

/** The same for a message of a stream, where grpc-go has other words. */
export function decodeStreamed<T>(
  call: GrpcServerCall,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => T,
): T | undefined {
  return decodeOr(call, bytes, decode, "grpc: failed to unmarshal the received message");
}

function decodeOr<T>(
  call: GrpcServerCall,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => T,
  complaint: string,
): T | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    call.sendStatus(GrpcCode.Internal, `${complaint}: ${error.message}`);
    return undefined;
  }
}
