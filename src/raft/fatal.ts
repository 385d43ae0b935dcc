/** The end of a node whose state contradicts itself: log it, then stop. */
import type { Log } from "../ports/log.ts";
import { AssertionError } from "../stdx/assert.ts";

/** Logs `message` as fatal and throws it as a broken invariant. */
export function fatal(log: Log, message: string): never {
  log.fatal(message);
  throw new AssertionError(message);
}
