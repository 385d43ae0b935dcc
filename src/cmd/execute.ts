/**
 * Other programs, run for a tool that waits for their end. Failures are worded as Go words them.
 *
 * Source: Go os/exec (Cmd.Run), os (ProcessState), syscall (Signal).
 */
import { goQuote } from "../stdx/go-quote.ts";
import { byteString, textOf } from "./byte-text.ts";
import { ExitCode } from "./tool-exit.ts";
import type { EnvironmentVariable, ProgramFailure } from "./tool-io.ts";

const SIGNAL_NAMES: Readonly<Record<string, string>> = {
  SIGABRT: "aborted",
  SIGALRM: "alarm clock",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGHUP: "hangup",
  SIGILL: "illegal instruction",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGQUIT: "quit",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
  SIGTRAP: "trace/breakpoint trap",
  SIGUSR1: "user defined signal 1",
  SIGUSR2: "user defined signal 2",
};

const REASONS: Readonly<Record<string, string>> = {
  E2BIG: "argument list too long",
  EACCES: "permission denied",
  ENOENT: "no such file or directory",
  ENOEXEC: "exec format error",
  ENOTDIR: "not a directory",
};

/** What Go makes of the end of a program that has no exit code. */
const NO_EXIT_CODE = 255;

/**
 * Runs a program with this process's environment and `added`, no input, and this process's output. Returns
 * how it failed, `undefined` when it did not. All texts are byte strings.
 */
export function execute(
  words: readonly string[],
  added: readonly EnvironmentVariable[],
): Promise<ProgramFailure | undefined> {
  const [program, ...args] = words;
  if (program === "") return Promise.resolve({ reason: "exec: no command", code: ExitCode.ERROR });
  const { spawn } = process.getBuiltinModule("node:child_process");
  const env = { ...process.env };
  for (const { name, value } of added) env[textOf(name)] = textOf(value);
  const child = spawn(textOf(program), args.map(textOf), {
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return new Promise((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      resolve({ reason: startFailure(program, error), code: ExitCode.ERROR });
    });
    child.once("exit", (code, signal) => {
      if (signal !== null) {
        resolve({ reason: `signal: ${SIGNAL_NAMES[signal] ?? signal}`, code: NO_EXIT_CODE });
      } else if (code === 0 || code === null) resolve(undefined);
      else resolve({ reason: `exit status ${code}`, code });
    });
  });
}

function startFailure(program: string, { code = "", message }: NodeJS.ErrnoException): string {
  if (!program.includes("/") && (code === "ENOENT" || code === "EACCES")) {
    return `exec: ${goQuote(program)}: executable file not found in $PATH`;
  }
  return `fork/exec ${program}: ${REASONS[code] ?? byteString(message)}`;
}
