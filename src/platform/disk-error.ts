/** The system's errors as `DiskError`, once, with what was tried and on which path. */
import { DiskError } from "../ports/disk.ts";

/** Words for codes that people meet; others show the system's own. */
const TEXTS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "disk quota exceeded",
  EEXIST: "file exists",
  EIO: "input/output error",
  EISDIR: "is a directory",
  EMFILE: "too many open files",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
};

/** Wraps what `node:fs` threw or handed to a callback. */
export function toDiskError(operation: string, path: string, cause: unknown): DiskError {
  if (cause instanceof DiskError) return cause;
  const code = isSystemError(cause) ? cause.code : "EUNKNOWN";
  const detail = TEXTS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new DiskError(operation, path, code, detail);
}

/** Runs a synchronous step and wraps what it throws. */
export function wrapped<T>(operation: string, path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw toDiskError(operation, path, error);
  }
}

/** Whether nothing is at the path. */
export function isMissing(error: unknown): boolean {
  return isSystemError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function isSystemError(error: unknown): error is { readonly code: string } {
  return (
    typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
  );
}
