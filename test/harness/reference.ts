/**
 * The real etcd for tests. A file that needs it says
 *
 *   describe.skipIf(REFERENCE === undefined)("…", () => { … });
 *
 * and `npm test` reports at the end when nothing was found.
 */
import path from "node:path";
import { findReference } from "../../tools/reference.mjs";
import { runProgram } from "./processes.ts";

/** The folder with etcd, etcdctl and etcdutl, or undefined. */
export const REFERENCE: string | undefined = findReference();

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the reference to its end. Without `environment` nothing is in its environment. */
export async function runReference(
  program: "etcd" | "etcdctl" | "etcdutl",
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  if (REFERENCE === undefined) throw new Error("Cannot run the real etcd: it was not found");
  const { code, stdout, stderr } = await runProgram(path.join(REFERENCE, program), args, {
    environment,
  });
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
}
