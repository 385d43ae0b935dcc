/** Digests of node:crypto as plain functions. */
import { createHash } from "node:crypto";
import type { Digest } from "../ports/digest.ts";

/** SHA-1, 20 bytes; etcd derives member and cluster ids from it, nothing secret. */
export function sha1(bytes: Uint8Array): Uint8Array {
  return createHash("sha1").update(bytes).digest();
}

/** Starts a SHA-256, 32 bytes: what guards backups of the database. */
export function sha256(): Digest {
  const hash = createHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    finish: () => hash.digest(),
  };
}
