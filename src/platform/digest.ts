/** Digests of node:crypto as plain functions. */
import { createHash } from "node:crypto";

/** SHA-1, 20 bytes; etcd derives member and cluster ids from it, nothing secret. */
export function sha1(bytes: Uint8Array): Uint8Array {
  return createHash("sha1").update(bytes).digest();
}
