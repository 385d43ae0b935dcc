/**
 * The first steps of `etcd` as a process: reads the command line and the environment, sets up the log, says
 * what there is to say. Whoever calls it starts the member, or ends the program with the code returned.
 */
import { systemClock } from "../platform/clock.ts";
import { defaultHost } from "../platform/default-host.ts";
import { LogOutputError } from "../platform/log-output.ts";
import { DEFAULT_LOG, openLog, type ProcessLog } from "../platform/log.ts";
import type { NamedLog } from "../ports/log.ts";
import type { ServerConfig } from "../server/config/config.ts";
import { ConfigFileError } from "../server/config-file/file-node.ts";
import { type LogRecord, replayRecords } from "../server/observe/log-record.ts";
import { parseServerArgs, type ServerArgsInput } from "./server-args.ts";
import { shownWords } from "../stdx/secret-words.ts";

const CALLER = "cmd/server-startup.ts";

export type Startup =
  | {
      readonly kind: "start";
      readonly config: ServerConfig;
      readonly log: ProcessLog;
      readonly mayGreet: boolean;
    }
  | { readonly kind: "exit"; readonly code: number };

/** Reads the arguments, environment and machine of this process. Prints; never ends the process. */
export async function readStartup(): Promise<Startup> {
  const parsed = parseServerArgs({
    readConfigFile: await configFileReader(),
    command: process.argv.slice(1),
    environment: process.env,
    defaultHost: defaultHost(),
    runtime: { version: process.versions.node, platform: process.platform, arch: process.arch },
  });
  const earlyLog = openLog(DEFAULT_LOG, systemClock, CALLER);
  const named = (caller: string): NamedLog => earlyLog.named(caller);
  replayRecords(parsed.early, named);
  if (parsed.kind === "exit") {
    process.stderr.write(parsed.stderr);
    process.stdout.write(parsed.stdout);
  }
  let log: ProcessLog;
  try {
    log = openLog(parsed.log, systemClock, CALLER);
  } catch (error) {
    if (!(error instanceof LogOutputError)) throw error;
    replayRecords(withoutLog(error.message), named);
    return { kind: "exit", code: 1 };
  }
  replayRecords(parsed.records, (caller) => log.named(caller));
  replayRecords(parsed.last, named);
  if (parsed.kind === "exit") return parsed;
  const { config, mayGreet } = parsed;
  return { kind: "start", config, log, mayGreet };
}

/** What reads configuration files is loaded only where one may be named. */
async function configFileReader(): Promise<ServerArgsInput["readConfigFile"]> {
  const isNamed =
    (process.env["ETCD_CONFIG_FILE"] ?? "") !== "" ||
    process.argv.some((argument) => argument.includes("config-file"));
  if (!isNamed) return noConfigFile;
  const { readConfigFile } = await import("./config-file/read-config-file.ts");
  return readConfigFile;
}

function noConfigFile(path: string): ConfigFileError {
  return new ConfigFileError(`open ${path}: no such file or directory`, 0);
}

function withoutLog(problem: string): LogRecord[] {
  const message = "failed to verify flags";
  const running: LogRecord = {
    level: "info",
    caller: CALLER,
    message: "Running: ",
    fields: { args: shownWords(process.argv.slice(1)) },
  };
  return [running, { level: "warn", caller: CALLER, message, fields: { error: problem } }];
}
