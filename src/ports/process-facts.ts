/** What a process knows of itself, as a port. */

/** Memory in bytes. */
export interface MemoryFacts {
  /** All that the operating system gave and that is in memory. */
  readonly residentBytes: number;
  /** Of objects, used and had. */
  readonly heapUsedBytes: number;
  readonly heapBytes: number;
  /** At how much the heap may not grow any more. */
  readonly heapLimitBytes: number;
  /** Beside the heap: buffers of bytes, and what libraries hold. */
  readonly externalBytes: number;
  /** Collections of garbage so far, and what they took. */
  readonly collections: number;
  readonly collectionSeconds: number;
  /** Wall clock of the end of the last one, in milliseconds; 0 before the first one. */
  readonly lastCollectionMs: number;
}

export interface ProcessFacts {
  /** The program and its arguments. */
  readonly commandLine: readonly string[];
  /** How many files may be open at once; undefined when that cannot be known. */
  fileDescriptorLimit(): number | undefined;
  memory(): MemoryFacts;
}
