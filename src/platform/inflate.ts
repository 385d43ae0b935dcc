/** Decompression of gzip-compressed requests, bounded against bombs. */
import { gunzipSync } from "node:zlib";

/**
 * The content of a gzip member; `undefined` when it is not valid. When it is larger than `limit` bytes,
 * `limit + 1` bytes are returned, which tells the caller so.
 */
export function inflate(bytes: Uint8Array, limit: number): Uint8Array | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: limit + 1 });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    return isTooLarge ? new Uint8Array(limit + 1) : undefined;
  }
}
