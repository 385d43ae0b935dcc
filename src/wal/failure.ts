/** The expected failures of storage: everything else that is thrown is a bug and passes through. */
import { DiskError } from "../ports/disk.ts";
import type { WalFailure } from "./types.ts";
import { WalError } from "./wal-error.ts";

/** The error if it is an expected one; others are thrown on. */
export function asFailure(error: unknown): WalFailure {
  if (error instanceof DiskError || error instanceof WalError) return error;
  throw error;
}

/** Runs a step, and hands an expected failure of it to `fail`. */
export function attempt(step: () => void, fail: (failure: WalFailure) => void): void {
  try {
    step();
  } catch (error) {
    fail(asFailure(error));
  }
}
