/** A call, as those see it who look at passwords. */
import type { PasswordCaller } from "../auth/password-checks.ts";
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";

export function passwordCallerOf(call: GrpcServerCall): PasswordCaller {
  const { address } = call.peer;
  // Without the port, which is another one for every connection.
  const colon = address.lastIndexOf(":");
  return {
    host: colon < 0 ? address : address.slice(0, colon),
    isGone: () => !call.open,
  };
}
