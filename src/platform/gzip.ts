/** Compresses what is sent to clients that ask for it. */
import { gzipSync } from "node:zlib";

/**
 * Compresses as fast as there is a way to. At once, because the threads that could do it are those that write the
 * log.
 */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 1 });
}
