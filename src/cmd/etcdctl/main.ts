/**
 * One run of etcdctl, from its words to its exit code; nothing of the process is touched here.
 *
 * Source: etcd etcdctl/main.go, ctlv3/ctl.go; spf13/cobra (ExecuteC).
 */
import { completionRequest } from "../completion/request.ts";
import { rememberCode } from "../launch/remember-code.ts";
import { FlagError } from "../pflag.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { usagePage } from "../usage.ts";
import { API_VARIABLE } from "./environment.ts";
import type { Session } from "./session.ts";
import { etcdctlCommands } from "./tree.ts";
import { ETCDCTL_VERSION } from "./version.ts";

/** Runs the command that the words of `session` name. Returns the exit code. */
export async function runEtcdctl(session: Session): Promise<number> {
  const { io } = session;
  const api = io.environment.find(({ name }) => name === API_VARIABLE)?.value ?? "";
  // Differs from etcd: version 2 of the interface is not offered.
  if (api !== "" && api !== "3") {
    io.error(`unsupported API version: ${api}\n`);
    return ExitCode.ERROR;
  }
  const root = etcdctlCommands();
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
  const call = found.command.parse(found.rest);
  if (call instanceof FlagError) {
    const page = usagePage(found.command, ETCDCTL_VERSION);
    if (call.isHelp) {
      io.out(page);
      return ExitCode.SUCCESS;
    }
    io.error(`Error: ${call.message}\n`);
    io.out(page);
    io.error(`\nError: ${call.message}\n`);
    return ExitCode.ERROR;
  }
  rememberCode(call.command.path, "at exit");
  let failure: ToolExit | undefined;
  try {
    await call.command.spec.run?.(session, call);
  } catch (error) {
    if (!(error instanceof ToolExit)) throw error;
    failure = error;
  } finally {
    for (const cleanup of session.cleanups) cleanup();
  }
  if (failure?.shown !== undefined) io.error(`${failure.prefix}${failure.shown}\n`);
  return failure?.code ?? ExitCode.SUCCESS;
}
