/** Faults that a test puts into the simulated disk, and the crash that it sets at a numbered point. */
import type { Random } from "../src/ports/random.ts";
import type { Survival } from "./disk-dice.ts";

/** Everything that changes the disk or its durability. Each occurrence is one numbered point. */
export type DiskOperation =
  | "create"
  | "write"
  | "writeDurable"
  | "sync"
  | "truncate"
  | "preallocate"
  | "rename"
  | "remove"
  | "makeDirectory"
  | "syncDirectory";

/** One point on the way of a program over the disk; `number` counts from 1. */
export interface DiskPoint {
  readonly number: number;
  readonly operation: DiskOperation;
  readonly path: string;
}

/** The disk at `crashAt`, thrown into the program under test. It must not catch it. */
export class SimulatedCrash extends Error {
  constructor(point: DiskPoint) {
    super(`Simulated crash at point ${point.number}: ${point.operation} "${point.path}"`);
    this.name = "SimulatedCrash";
  }
}

/** A failure to come. */
export interface DiskFault {
  /** The operations that fail; "write" covers volatile and durable ones. */
  readonly operation: DiskOperation;
  readonly code: "EIO" | "ENOSPC";
  /** Only for paths that end in this; default: all. */
  readonly pathSuffix?: string;
  /** Only for paths with this in them; default: all. */
  readonly pathPart?: string;
  /** How many matching operations still succeed first; default 0. */
  readonly after?: number;
  /** How many fail then; default 1. */
  readonly times?: number;
}

/** The faults not used up, in the order they were put in. */
export class FaultPlan {
  readonly #faults: { readonly fault: DiskFault; after: number; times: number }[] = [];

  add(fault: DiskFault): void {
    this.#faults.push({ fault, after: fault.after ?? 0, times: fault.times ?? 1 });
  }

  clear(): void {
    this.#faults.length = 0;
  }

  /** The code with which this operation fails, or `undefined`. Counts the occurrence. */
  take(operation: DiskOperation, path: string): DiskFault["code"] | undefined {
    for (const entry of this.#faults) {
      if (entry.times === 0 || !matches(entry.fault, operation, path)) continue;
      if (entry.after > 0) {
        entry.after--;
        continue;
      }
      entry.times--;
      return entry.fault.code;
    }
    return undefined;
  }
}

function matches(fault: DiskFault, operation: DiskOperation, path: string): boolean {
  if (fault.pathSuffix !== undefined && !path.endsWith(fault.pathSuffix)) return false;
  if (fault.pathPart !== undefined && !path.includes(fault.pathPart)) return false;
  if (fault.operation === operation) return true;
  return fault.operation === "write" && operation === "writeDurable";
}

export interface CrashOptions {
  /** `power`: unsynced changes are at risk. `process`: only what was under way is. Default `power`. */
  readonly cause?: "power" | "process";
  /** What happens to changes at risk. Default `random`. */
  readonly survival?: Survival;
}

export interface SimulatedDiskOptions {
  /** Decides the order in which operations under way complete, and what a failed one leaves. */
  readonly random: Random;
  /** ENOSPC beyond this sum of file sizes. Default: no limit. */
  readonly capacityBytes?: number;
  /** Sees every point before it happens: traces, hashes of traces. */
  readonly onPoint?: (point: DiskPoint) => void;
  /**
   * Takes over the timing: is handed each operation under way and calls `complete` later, once. Default:
   * operations wait for `step`, `runPending` or `runUntilIdle`.
   */
  readonly schedule?: (complete: () => void, point: DiskPoint) => void;
}
