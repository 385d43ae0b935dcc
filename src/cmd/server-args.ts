/**
 * From the command line and the environment of `etcd` to the configuration of a member, or to the end of the
 * program with etcd's texts and exit codes: 0 after help and version, 1 for values that do not go together,
 * 2 for a flag that cannot be read. A function of its arguments: it opens, prints and ends nothing.
 *
 * Source: etcd server/etcdmain/config.go and etcd.go (3.5).
 */
import { DEFAULT_LOG, type LogSettings } from "../platform/log.ts";
import { canReusePort } from "../platform/tcp.ts";
import type { LogFields } from "../ports/log.ts";
import { configFromFlags, type ServerConfig } from "../server/config/config.ts";
import {
  applyConfigFile,
  type FileValues,
  type PlainEnd,
} from "../server/config-file/apply-config-file.ts";
import { ConfigFileError, type FileNode } from "../server/config-file/file-node.ts";
import { logOf } from "../server/config/config-groups.ts";
import {
  ADVERTISE_REQUIRED,
  configProblem,
  parseLogLevel,
} from "../server/config/config-validation.ts";
import { helpText, USAGE } from "../server/flags/help.ts";
import { DEPRECATED_FLAGS } from "../server/flags/inert-flags.ts";
import { refusedProblem } from "../server/flags/refused-flags.ts";
import { gatedTwice, renamedTwice, settleRenamedFlags } from "../server/flags/renamed-flags.ts";
import { type FlagValues, initialFlagValues } from "../server/flags/table.ts";
import type { LogRecord } from "../server/observe/log-record.ts";
import { logProblem } from "../server/config/log-validation.ts";
import { goQuoteText } from "../stdx/go-url.ts";
import { completeValues, raiseRaftTimeouts } from "./complete-values.ts";
import { parseFlags } from "./flag.ts";
import { FlagReading } from "./flag-reading.ts";
import { type Environment, readEnvironment } from "./server-environment.ts";
import { type Runtime, versionText } from "./version-text.ts";
import { shownWords } from "../stdx/secret-words.ts";

/** What the program learns from outside, beside its environment. */
export interface ServerArgsInput {
  /** How the program was called, with its name first. Printed in the log. */
  readonly command: readonly string[];
  readonly environment: Environment;
  /** Address of the machine on its default route. */
  readonly defaultHost: string | undefined;
  /** For --version. */
  readonly runtime: Runtime;
  /** The tree of the configuration file at a path, or why there is none. */
  readonly readConfigFile: (path: string) => FileNode | ConfigFileError;
}

interface Said {
  /** Lines for standard error, said at level "info" because the log is not set up yet. */
  readonly early: readonly LogRecord[];
  /** Lines for the log that `log` describes. */
  readonly records: readonly LogRecord[];
  readonly log: LogSettings;
  /** Lines for standard error after those. */
  readonly last: readonly LogRecord[];
}

export interface CliStart extends Said {
  readonly kind: "start";
  readonly config: ServerConfig;
  /**
   * Whether somebody may be told things who has not met etcd before: neither the cluster nor anything about the log
   * was named, by whoever knows it, or by a program that reads the log.
   */
  readonly mayGreet: boolean;
}

export interface CliExit extends Said {
  readonly kind: "exit";
  readonly code: number;
  /** Plain text; comes after the early lines, and there are no others then. */
  readonly stdout: string;
  readonly stderr: string;
}

const CALLER = "cmd/server-args.ts";

const CONFIG_FILE_VARIABLE = "ETCD_CONFIG_FILE";

/** Reads everything that `etcd` is told at start. */
export function parseServerArgs(input: ServerArgsInput): CliStart | CliExit {
  const [, ...args] = input.command;
  if (args[0] === "gateway" || args[0] === "grpc-proxy") {
    return exit(1, "", `etcd ${args[0]} is not supported by this version of etcd-ts\n`);
  }
  const reading = new FlagReading();
  const parsed = parseFlags(args, (name) => reading.targets.get(name));
  if (parsed.kind === "help") return exit(0, `${helpText()}\n`, `${USAGE}\n`);
  if (parsed.kind === "refused") return exit(2, "", `${parsed.message}\n${USAGE}\n`);
  if (parsed.rest.length > 0) {
    return refused(input, `'${parsed.rest[0]}' is not a valid flag`, { early: [] });
  }
  if (reading.printVersion) return exit(0, versionText(input.runtime), "");
  const path = reading.configFile || (input.environment[CONFIG_FILE_VARIABLE] ?? "");
  if (path !== "") return parseFile(input, path, reading, parsed.given);

  const environment = readEnvironment(input.environment, reading.targets, parsed.given);
  const { records } = environment;
  if (records.at(-1)?.level === "fatal") return { ...exit(1, "", ""), early: records };
  if (environment.problem !== undefined) {
    return refused(input, environment.problem, { early: records });
  }
  const early = [...records, ...raiseRaftTimeouts(reading.values)];
  const given = new Set([...parsed.given, ...environment.given]);
  forgetInitialCluster(reading.values, given);
  return configure(input, { values: reading.values, given, early });
}

/** Where the values of all flags come from, and what is said of that. */
interface Told {
  readonly values: FlagValues;
  readonly given: ReadonlySet<string>;
  readonly early: readonly LogRecord[];
  readonly file?: { readonly path: string } & FileValues;
  /** Flags on the command line beside a file. */
  readonly beside?: ReadonlySet<string>;
}

/** Everything from a file. Of the command line only what no file can say is kept. */
function parseFile(
  input: ServerArgsInput,
  path: string,
  reading: FlagReading,
  beside: ReadonlySet<string>,
): CliStart | CliExit {
  const values = initialFlagValues();
  for (const name of ["raft-read-timeout", "raft-write-timeout"] as const) {
    values[name] = reading.values[name];
  }
  const early = raiseRaftTimeouts(values);
  const root = input.readConfigFile(path);
  const file = root instanceof ConfigFileError ? root : applyConfigFile(root, values);
  if (file instanceof ConfigFileError) {
    return refused(input, file.message, { early, fields: placeOf(path, file) });
  }
  if ("code" in file) return { ...exit(file.code, "", `${file.text}\n`), early };
  return configure(input, { values, given: file.given, early, file: { path, ...file }, beside });
}

/** Checks the values and fills in what depends on the machine. */
function configure(input: ServerArgsInput, told: Told): CliStart | CliExit {
  const { values, given, early, file } = told;
  const conflict = renamedTwice(given) ?? gatedTwice(values, given);
  const unusable = conflict ?? logProblem(values);
  if (unusable !== undefined) return refused(input, unusable, { early });
  const level = parseLogLevel(values["log-level"]);
  if (level === undefined) {
    const text = goQuoteText(values["log-level"]);
    return { ...exit(2, "", `panic: unrecognized level: ${text}\n`), early };
  }
  settleRenamedFlags(values, given);
  const log = logOf(values, level);
  const warnings: LogRecord[] = [];
  const problem = configProblem(values, given, { isFile: file !== undefined, warnings });
  if (problem !== undefined) {
    const said = { early, log, before: warnings };
    return refused(input, problem, file === undefined ? said : { ...said, isWithoutLog: true });
  }
  const before = [...warnings, ...loadedRecords(told)];
  const late = file?.late;
  if (late !== undefined) return endLate(input, file?.path ?? "", late, { early, log, before });
  before.push(...deprecatedRecords(told.beside ?? given));
  const refusal = refusedProblem(values, given) ?? reusePortProblem(values, input.runtime);
  if (refusal !== undefined) return refused(input, refusal, { early, log, before });
  const records = [...before, running(input), ...completeValues(values, input.defaultHost)];
  const config = configFromFlags(values, level);
  const mayGreet = !KNOWING_FLAGS.some((flag) => given.has(flag));
  return { kind: "start", config, mayGreet, early, records, log, last: [] };
}

const KNOWING_FLAGS = ["initial-cluster", "log-level", "log-outputs", "logger"];

/** The members are not those of --initial-cluster by default when they are to be found elsewhere. */
function forgetInitialCluster(values: FlagValues, given: ReadonlySet<string>): void {
  const isDiscovered =
    values.discovery !== "" ||
    values["discovery-srv"] !== "" ||
    values["discovery-srv-name"] !== "" ||
    values["discovery-endpoints"].length > 0;
  if (isDiscovered && !given.has("initial-cluster")) values["initial-cluster"] = "";
}

function reusePortProblem(values: FlagValues, { version }: Runtime): string | undefined {
  if (!values["socket-reuse-port"] || canReusePort(version)) return undefined;
  return `--socket-reuse-port needs Node.js 22.12 or later: this is ${version}`;
}

function placeOf(path: string, { line, advice }: ConfigFileError): LogFields {
  return {
    path,
    ...(line > 0 ? { line } : {}),
    ...(advice === undefined ? {} : { advice }),
  };
}

function loadedRecords({ file }: Told): LogRecord[] {
  if (file === undefined) return [];
  const records: LogRecord[] = file.unknown.map(({ key, line }) => ({
    level: "warn",
    caller: CALLER,
    message: "unknown key in the configuration file; ignored",
    fields: { path: file.path, key, line },
  }));
  records.push({
    level: "info",
    caller: CALLER,
    message: LOADED,
    fields: { path: file.path },
  });
  return records;
}

const LOADED =
  "loaded server configuration, other configuration command line flags and environment variables will be ignored if provided";

/** Warnings for `given` flags that etcd 3.6 no longer has. */
function deprecatedRecords(given: ReadonlySet<string>): LogRecord[] {
  const names = DEPRECATED_FLAGS.filter((name) => given.has(name));
  return names.map((name) => {
    const message = `--${name} is deprecated in 3.5 and will be decommissioned in 3.6.`;
    return { level: "warn", caller: CALLER, message };
  });
}

/** The end over what etcd reads out of the file last. */
function endLate(
  input: ServerArgsInput,
  path: string,
  late: ConfigFileError | PlainEnd,
  { early, log, before }: { early: readonly LogRecord[]; log: LogSettings; before: LogRecord[] },
): CliExit {
  if (late instanceof ConfigFileError) {
    return refused(input, late.message, { early, log, before, fields: placeOf(path, late) });
  }
  return { ...exit(late.code, "", `${late.text}\n`), early };
}

function running(input: ServerArgsInput): LogRecord {
  return {
    level: "info",
    caller: CALLER,
    message: "Running: ",
    fields: { args: shownWords(input.command) },
  };
}

function exit(code: number, stdout: string, stderr: string): CliExit {
  return { kind: "exit", code, stdout, stderr, early: [], records: [], log: DEFAULT_LOG, last: [] };
}

interface Refusal {
  readonly early: readonly LogRecord[];
  /** The log that was set up before. */
  readonly log?: LogSettings;
  /** What was said to it before. */
  readonly before?: readonly LogRecord[];
  /** Beside the problem itself. */
  readonly fields?: LogFields;
  /** Whether that log has had its last line: what a file says of the log counts only if all of it is valid. */
  readonly isWithoutLog?: boolean;
}

/** The end of the program over `problem`. */
function refused(
  input: ServerArgsInput,
  problem: string,
  { early, log = DEFAULT_LOG, before = [], fields: others = {}, isWithoutLog = false }: Refusal,
): CliExit {
  const fields = { error: problem, ...others };
  const records: LogRecord[] = [
    running(input),
    { level: "warn", caller: CALLER, message: "failed to verify flags", fields },
  ];
  if (problem === ADVERTISE_REQUIRED) {
    const message = "advertise client URLs are not set";
    records.push({ level: "warn", caller: CALLER, message, fields });
  }
  const said = isWithoutLog
    ? { records: before, last: records }
    : { records: [...before, ...records], last: [] };
  return { ...exit(1, "", ""), early, log, ...said };
}
