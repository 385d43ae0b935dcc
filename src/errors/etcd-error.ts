import type { GrpcCode } from "./codes.ts";

/** V8's switch for stack capture; absent from the language, so from its type library. */
const engine: { stackTraceLimit: number } = Error as unknown as { stackTraceLimit: number };

/**
 * An expected answer that is not success: what a client may see, never a bug of ours.
 *
 * Values come preallocated from `table.ts`; pure folders return them (`T | EtcdError`, narrowed with
 * `instanceof`), asynchronous shells throw them. No stack is captured, so one costs nothing to make.
 */
export class EtcdError extends Error {
  /** gRPC status code as a 3.5 server really sends it. */
  readonly code: GrpcCode;

  /** `message`: the text as on the wire. */
  constructor(code: GrpcCode, message: string) {
    const limit = engine.stackTraceLimit;
    engine.stackTraceLimit = 0;
    super(message);
    engine.stackTraceLimit = limit;
    this.name = "EtcdError";
    this.code = code;
  }
}
