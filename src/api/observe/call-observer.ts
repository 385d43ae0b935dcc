/** What is told to those who look on while calls are served: the audit log and the tracer. */
import type { GrpcServerCall } from "../../http2/grpc-server-types.ts";

/** Looks on calls. One for all methods of a server. */
export interface CallObserver {
  /**
   * A call of the method `path` begins. Returns whom to tell about it, or nothing where the observer does not care.
   */
  begin(path: string, call: GrpcServerCall): CallObservation | undefined;
}

/** Looks on one call. What it is handed is borrowed until return. */
export interface CallObservation {
  /** A request has arrived, before the method sees it. */
  received(message: Uint8Array): void;
  /** A response is about to be sent. Events of watchers, which are sent in two parts, are not told. */
  sent(message: Uint8Array): void;
  /** The call is over, once; by its status, or because it was given up. */
  ended(code: number, message: string): void;
}
