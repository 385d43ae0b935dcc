/** A log that is off. */
import type { Log } from "../../src/ports/log.ts";

export const QUIET_LOG: Log = {
  enabled: () => false,
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {},
};
