/** Unary methods: a handler is one function from decoded request to answer; the rest is the same for all. */
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { decodeRequest } from "./status.ts";

/**
 * `decode` reads the request; `handle` answers the call, at once or later. `bytes`, and what was decoded
 * from it, are valid until `handle` returns: what is kept must be copied.
 */
export function unary<Request>(
  decode: (bytes: Uint8Array) => Request,
  handle: (call: GrpcServerCall, request: Request, bytes: Uint8Array) => void,
): GrpcMethodHandler {
  return {
    kind: "unary",
    onMessage(call, bytes) {
      const request = decodeRequest(call, bytes, decode);
      if (request !== undefined) handle(call, request, bytes);
    },
    onHalfClose() {},
    onCancel() {},
  };
}
