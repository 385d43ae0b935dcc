/** The profiler of the engine that runs the program, as a port. */

/** A function on a stack. */
export interface ProfiledFunction {
  /** Empty for one without a name. */
  readonly name: string;
  readonly file: string;
  /** Where it begins; from 1, or 0 when that is unknown. */
  readonly line: number;
  /** Who called it, as an index into the list that this one stands in; -1 for nobody. */
  readonly parent: number;
}

/** What was found on a stack. */
export interface ProfileSample {
  /** The innermost function, as an index. */
  readonly node: number;
  /** The line that ran; 0 when that is unknown. */
  readonly line: number;
  readonly values: readonly number[];
}

export interface StackProfile {
  readonly nodes: readonly ProfiledFunction[];
  readonly samples: readonly ProfileSample[];
}

export interface Profiler {
  /**
   * Looks at the stack for `durationMs`, and calls `done` with how often each was found and nanoseconds; the
   * returned function ends it early. Fails when it is under way already.
   */
  cpu(durationMs: number, done: (result: StackProfile | Error) => void): () => void;
  /** What the heap holds now: bytes by who allocated them, since the profiler was made. */
  heap(collectFirst: boolean, done: (result: StackProfile | Error) => void): void;
  /**
   * What is allocated in the next `durationMs`, held or not; the returned function ends it early. What `heap`
   * has noted is given up for it. Fails when it is under way already.
   */
  allocations(durationMs: number, done: (result: StackProfile | Error) => void): () => void;
  /** What the process waits for, by kind and number. */
  waiting(): ReadonlyMap<string, number>;
  /** Threads of the process. */
  threads(): number;
  gzip(bytes: Uint8Array): Uint8Array;
}

/** Between two looks at the stack. */
export const CPU_SAMPLE_INTERVAL_US = 10_000;

/** Bytes allocated between two that are noted, on average. */
export const HEAP_SAMPLE_INTERVAL_BYTES: number = 512 * 1024;
