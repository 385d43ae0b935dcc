/** Processes that a benchmark starts: none outlives it, however it ends. */
import { spawn } from "node:child_process";

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/** As `spawn`, for a process that ends with this one. */
export function startChild(program, args, options) {
  const child = spawn(program, args, options);
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.once("error", () => running.delete(child));
  return child;
}

/** Resolves when `child` has ended; after `timeoutMs` it is killed. */
export async function untilEnded(child, timeoutMs) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const late = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  await new Promise((resolve) => child.once("exit", resolve));
  clearTimeout(late);
}

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
