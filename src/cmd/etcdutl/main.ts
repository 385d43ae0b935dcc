/**
 * One run of etcdutl, from its words to its exit code; nothing of the process is touched here.
 *
 * Source: etcd etcdutl/main.go, ctl.go; spf13/cobra (ExecuteC).
 */
import { completionRequest } from "../completion/request.ts";
import { rememberCode } from "../launch/remember-code.ts";
import { FlagError } from "../pflag.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { plainUsagePage } from "../usage.ts";
import type { UtlSession } from "./session.ts";
import { etcdutlCommands } from "./tree.ts";

/** Runs the command that the words of `session` name. Returns the exit code. */
export async function runEtcdutl(session: UtlSession): Promise<number> {
  const { io } = session;
  const root = etcdutlCommands();
  const request = completionRequest(io.args);
  if (request !== undefined) {
    const { answerCompletion } = await import("../completion/complete.ts");
    return answerCompletion(root, request, io);
  }
  const found = root.find(io.args);
  if (found instanceof FlagError) {
    // Told twice: by the command library, and by the tool on its way out.
    const error = `Error: ${found.message}\n`;
    io.error(`${error}Run '${root.path} --help' for usage.\n${error}`);
    return ExitCode.ERROR;
  }
  const { name, spec } = found.command;
  if (spec.deprecated !== undefined) {
    io.error(`Command "${name}" is deprecated, ${spec.deprecated}\n`);
  }
  const call = found.command.parse(found.rest);
  if (call instanceof FlagError) {
    const page = plainUsagePage(found.command);
    if (call.isHelp) {
      io.out(page);
      return ExitCode.SUCCESS;
    }
    io.error(`Error: ${call.message}\n${page}\nError: ${call.message}\n`);
    return ExitCode.ERROR;
  }
  rememberCode(call.command.path, "at exit");
  try {
    const timeoutMs = Number(call.flags.getInteger("timeout")) / 1e6;
    const lockTimeoutMs = timeoutMs > 0 ? timeoutMs : undefined;
    await call.command.spec.run?.({ ...session, lockTimeoutMs }, call);
    return ExitCode.SUCCESS;
  } catch (error) {
    if (!(error instanceof ToolExit)) throw error;
    if (error.shown !== undefined) io.error(`${error.prefix}${error.shown}\n`);
    return error.code;
  }
}
