/**
 * The real etcd for tests. A file that needs it says
 *
 *   describe.skipIf(REFERENCE === undefined)("…", () => { … });
 *
 * and `npm test` reports at the end when nothing was found.
 */
import { execFile } from "node:child_process";
import path from "node:path";
import { findReference } from "../../tools/reference.mjs";

/** The folder with etcd, etcdctl and etcdutl, or undefined. */
export const REFERENCE: string | undefined = findReference();

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the reference to its end. Without `env` nothing is in its environment. */
export function runReference(
  program: "etcd" | "etcdctl" | "etcdutl",
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  if (REFERENCE === undefined) throw new Error("Cannot run the real etcd: it was not found");
  const file = path.join(REFERENCE, program);
  return new Promise((resolve) => {
    execFile(file, args, { env, timeout: 10_000 }, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error === null ? 0 : -1;
      resolve({ code, stdout, stderr });
    });
  });
}
