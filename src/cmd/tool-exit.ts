/**
 * How a tool ends before its work is done. Thrown anywhere below the tool's main function, which prints the
 * message behind "Error: " and ends the process with the code.
 *
 * Source: etcd pkg/cobrautl/error.go.
 */
export const ExitCode = {
  SUCCESS: 0,
  ERROR: 1,
  BAD_CONNECTION: 2,
  /** What a crash of a Go program ends with. */
  CRASH: 2,
  /** Input of txn or watch that cannot be read. */
  INVALID_INPUT: 3,
  /** A valid flag with an unsupported value. */
  BAD_FEATURE: 4,
  INTERRUPTED: 5,
  IO: 6,
  BAD_ARGUMENTS: 128,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** `shown` is a byte string; `undefined` where everything is said already. */
export class ToolExit extends Error {
  /** One of `ExitCode`, or that of a program that the tool has run. */
  readonly code: number;
  readonly shown: string | undefined;
  /** What is printed in front of `shown`. */
  readonly prefix: string;

  constructor(code: number, shown: string | undefined, prefix = "Error: ") {
    super(shown ?? `exit ${code}`);
    this.name = "ToolExit";
    this.code = code;
    this.shown = shown;
    this.prefix = prefix;
  }
}
