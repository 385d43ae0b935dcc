/** Work on a database file that is refused, in the words that etcd's tools print. */
import { BoltError, CorruptionError } from "../bolt/errors.ts";
import { DiskError } from "../ports/disk.ts";
import { WalError } from "../wal/wal-error.ts";

/** A file of a snapshot that cannot be written, or is none. */
export class SnapshotError extends Error {
  /** `cause`: what it follows from, if anything. */
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "SnapshotError";
  }
}

/** Go's names of what the disk was asked to do. */
const CALLS: Readonly<Record<string, string>> = {
  "make directory": "mkdir",
  list: "open",
};

/** Turns what bolt, the log or the disk say into a `SnapshotError`; throws everything else on. */
export function asSnapshotError(error: unknown): SnapshotError {
  if (error instanceof SnapshotError) return error;
  if (error instanceof DiskError) {
    const { operation, path } = error;
    const detail = error.message.slice(`Cannot ${operation} "${path}": `.length);
    return new SnapshotError(`${CALLS[operation] ?? operation} ${path}: ${detail}`, error);
  }
  if (error instanceof BoltError) return new SnapshotError(boltText(error), error);
  if (error instanceof CorruptionError || error instanceof WalError) {
    return new SnapshotError(error.message, error);
  }
  throw error;
}

/** The words of bbolt for a file that is none of its own. */
function boltText({ code, message }: BoltError): string {
  if (code === "version") return "version mismatch";
  if (code === "invalidMeta") return "checksum error";
  return code === "notBolt" ? "invalid database" : message;
}
