/**
 * What a tool has of the process it runs in: its words, its environment and its three streams, which are
 * synchronous, except for `input`. Tests give a tool memory instead of a process. All texts are byte strings.
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
  /** Input as it comes, for a tool that has something else to do meanwhile; not to be mixed with `read`. */
  input(): AsyncIterable<Uint8Array>;
  /** Runs another program with more variables and this one's output, to its end. Returns how it failed. */
  execute(
    words: readonly string[],
    environment: readonly EnvironmentVariable[],
  ): Promise<ProgramFailure | undefined>;
  /** Calls `listener` when the tool is asked to end, which it does not do by itself then, until it is forgotten. */
  onInterrupt(listener: (signal: Interrupt) => void): () => void;
  /**
   * Asks a person at a terminal for a line that is not shown while it is typed; the line without its end. Where input
   * is no terminal it asks nobody: `undefined`. An interrupt ends the tool.
   */
  hiddenLine(prompt: string): string | undefined;
}

/** What asks a tool to end. */
export type Interrupt = "SIGINT" | "SIGTERM";

/** How a program failed. */
export interface ProgramFailure {
  /** Why, in Go's words: a byte string. */
  readonly reason: string;
  /** Its exit code; 255 after a signal, 1 when it could not be started. */
  readonly code: number;
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}
