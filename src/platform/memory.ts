/** Memory of the process, as the operating system counts it. */
import process from "node:process";

/** Bytes of the process that are in memory now. */
export function residentBytes(): number {
  return process.memoryUsage.rss();
}
