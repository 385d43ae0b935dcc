/**
 * Assertions that stay on in production. A failed one is a bug in this program or corrupt state: it is
 * never caught below `cmd/`, which logs it and ends the process.
 */

/** A broken invariant. */
export class AssertionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "AssertionError";
  }
}

/** Throws `AssertionError` unless `condition` holds. Pass a function where building the message costs. */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionError(typeof message === "string" ? message : message());
}

/** Ends a `switch` over a union: the compiler proves it is never reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`Unreachable value: ${String(value)}`);
}
