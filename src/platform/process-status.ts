/**
 * What the operating system says of this process. Of some things only Linux says something.
 *
 * Source: prometheus procfs (proc_stat.go, proc_limits.go), client_golang (process collector).
 */
import * as fs from "node:fs";
import process from "node:process";

export interface ProcessStatus {
  /** User and system time. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Unix time. */
  readonly startSeconds: number;
  readonly virtualBytes: number | undefined;
  readonly threads: number | undefined;
}

export interface ProcessLimits {
  readonly openFiles: number;
  /** 2^64 - 1 where there is no limit. */
  readonly virtualBytes: number;
}

const NO_LIMIT = 2 ** 64;

/** What is asked for at each look. Microseconds of work. */
export function processStatus(): ProcessStatus {
  const { user, system } = process.cpuUsage();
  const stat = statFields();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    startSeconds: Date.now() / 1000 - process.uptime(),
    virtualBytes: stat === undefined ? undefined : Number(stat[20]),
    threads: stat === undefined ? undefined : Number(stat[17]),
  };
}

/** Descriptors that are open; `undefined` where that is not told. O(descriptors). */
export function openFiles(): number | undefined {
  try {
    return fs.readdirSync("/proc/self/fd").length;
  } catch {
    // No such directory on this system.
    return undefined;
  }
}

/** Bounds that the process was started with; `undefined` where they are not told. */
export function processLimits(): ProcessLimits | undefined {
  let text: string;
  try {
    text = fs.readFileSync("/proc/self/limits", "latin1");
  } catch {
    // No such file on this system.
    return undefined;
  }
  return {
    openFiles: softLimit(text, "Max open files"),
    virtualBytes: softLimit(text, "Max address space"),
  };
}

/** Fields of /proc/self/stat behind the name of the program, which may hold anything; the first is the state. */
function statFields(): string[] | undefined {
  try {
    const text = fs.readFileSync("/proc/self/stat", "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    // No such file on this system.
    return undefined;
  }
}

function softLimit(text: string, name: string): number {
  const line = text.split("\n").find((each) => each.startsWith(name)) ?? "";
  const value = line.slice(name.length).trim().split(/\s+/)[0] ?? "";
  return /^\d+$/.test(value) ? Number(value) : NO_LIMIT;
}
