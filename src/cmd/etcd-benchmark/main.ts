/**
 * One run of the load generator, from its words to its exit code; nothing of the process is touched here.
 *
 * Source: etcd tools/benchmark/main.go (3.5); spf13/cobra (ExecuteC).
 */
import { completionRequest } from "../completion/request.ts";
import { rememberCode } from "../launch/remember-code.ts";
import { FlagError } from "../pflag.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { plainUsagePage } from "../usage.ts";
import { helpPage } from "./run-help.ts";
import { Interruption } from "./interruption.ts";
import type { BenchmarkOutlets } from "./session.ts";
import { checkGlobalFlags } from "./settings.ts";
import { benchmarkCommands } from "./tree.ts";

/** What the tool ends with when its words cannot be understood: -1, as a process has it. */
const BAD_WORDS = 255;

/** Runs the command that the words of `outlets` name. Returns the exit code. */
export async function runBenchmark(outlets: BenchmarkOutlets): Promise<number> {
  const { io } = outlets;
  const session = { ...outlets, interruption: new Interruption(io) };
  const root = benchmarkCommands();
  const request = completionRequest(io.args);
  if (request !== undefined) {
    const { answerCompletion } = await import("../completion/complete.ts");
    return answerCompletion(root, request, io);
  }
  const found = root.find(io.args);
  if (found instanceof FlagError) {
    const { message } = found;
    io.error(`Error: ${message}\nRun '${root.path} --help' for usage.\n${message}\n`);
    return BAD_WORDS;
  }
  const call = found.command.parse(found.rest);
  if (call instanceof FlagError) {
    if (call.isHelp) {
      io.out(helpPage(found.command));
      return ExitCode.SUCCESS;
    }
    io.error(`Error: ${call.message}\n${plainUsagePage(found.command)}\n${call.message}\n`);
    return BAD_WORDS;
  }
  rememberCode(call.command.path, "at exit");
  try {
    checkGlobalFlags(call);
    await call.command.spec.run?.(session, call);
    return session.interruption.code ?? ExitCode.SUCCESS;
  } catch (error) {
    if (!(error instanceof ToolExit)) throw error;
    if (error.shown !== undefined) io.error(`${error.prefix}${error.shown}\n`);
    return error.code;
  } finally {
    for (const cleanup of session.cleanups) cleanup();
  }
}
