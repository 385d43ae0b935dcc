/**
 * What a tool has of the process it runs in: its words, its environment and its three streams, all of them
 * synchronous. Tests give a tool memory instead of a process. All texts are byte strings.
 */
export interface ToolIo {
  /** The words after the name of the program. */
  readonly args: readonly string[];
  /** In the order of the process environment. */
  readonly environment: readonly EnvironmentVariable[];
  out(text: string): void;
  error(text: string): void;
  /** Whether a person sees what is written on the error stream. */
  readonly isTerminal: boolean;
  /** Waits for input and returns up to `bytesMax` bytes of it; empty at the end. */
  read(bytesMax: number): Uint8Array;
  /** Runs `ask` while what is typed is not shown. */
  withoutEcho<T>(ask: () => T): T;
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}
