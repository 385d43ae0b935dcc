/** Digests of node:crypto as plain functions. It is loaded by the first one. */
import type { Hash } from "node:crypto";
import type { Digest } from "../ports/digest.ts";

/** SHA-1, 20 bytes; etcd derives member and cluster ids from it, nothing secret. */
export function sha1(bytes: Uint8Array): Uint8Array {
  return startHash("sha1").update(bytes).digest();
}

/** Starts a SHA-256, 32 bytes: what guards backups of the database. */
export function sha256(): Digest {
  const hash = startHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    finish: () => hash.digest(),
  };
}

function startHash(algorithm: string): Hash {
  return process.getBuiltinModule("node:crypto").createHash(algorithm);
}
