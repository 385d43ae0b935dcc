/** What the kernel knows of a process: CPU time and memory of it alone. */
import fs from "node:fs";

/** Clock ticks a second in /proc/<pid>/stat: 100 on every Linux that Node runs on. */
const CLOCK_TICKS = 100;

/** CPU time of all threads, user and system, in seconds. */
export function processCpuSeconds(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/**
 * Memory in bytes: resident now, the most that was resident, and the part of now that is the process's own
 * and not a page of a mapped file, which the kernel can take back.
 */
export function processMemory(pid) {
  const text = fs.readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name) => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text);
    return match === null ? Number.NaN : Number(match[1]) * 1024;
  };
  return { resident: field("VmRSS"), peak: field("VmHWM"), own: field("RssAnon") };
}
