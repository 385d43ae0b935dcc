/**
 * From the command line and the environment of `etcd` to the configuration of a member, or to the end of the
 * program with etcd's texts and exit codes: 0 after help and version, 1 for values that do not go together,
 * 2 for a flag that cannot be read. A function of its arguments: it opens, prints and ends nothing.
 *
 * Source: etcd server/etcdmain/config.go and etcd.go (3.5).
 */
import { DEFAULT_LOG, type LogSettings } from "../platform/log.ts";
import type { LogFields, LogLevel } from "../ports/log.ts";
import { configFromFlags, type ServerConfig } from "../server/config.ts";
import {
  ADVERTISE_REQUIRED,
  configProblem,
  listenProblem,
  parseLogLevel,
} from "../server/config-validation.ts";
import { fillAdvertised } from "../server/default-host.ts";
import { bool, type FlagKind } from "../server/flags/kinds.ts";
import { FlagRefusal } from "../server/flags/refusal.ts";
import { helpText, USAGE } from "../server/flags/help.ts";
import { IGNORED_FLAGS } from "../server/flags/inert-flags.ts";
import { notYetProblem } from "../server/flags/not-yet.ts";
import { renamedTwice, settleRenamedFlags } from "../server/flags/renamed-flags.ts";
import {
  FLAG_NAMES,
  FLAGS,
  type FlagName,
  type FlagValues,
  initialFlagValues,
} from "../server/flags/table.ts";
import { logOf } from "../server/config-groups.ts";
import { logProblem } from "../server/log-validation.ts";
import type { LogRecord } from "../server/log-record.ts";
import { ETCD_VERSION, PROJECT_VERSION } from "../server/version.ts";
import { goQuoteText } from "../stdx/go-url.ts";
import { humanBytes } from "../stdx/humanize.ts";
import { type FlagTarget, parseFlags } from "./flag.ts";
import { type Environment, readEnvironment } from "./server-environment.ts";

/** What the program learns from outside, beside its environment. */
export interface ServerArgsInput {
  /** How the program was called, with its name first. Printed in the log. */
  readonly command: readonly string[];
  readonly environment: Environment;
  /** Address of the machine on its default route. */
  readonly defaultHost: string | undefined;
  /** Of the runtime, for --version: its version, operating system and processor as Node.js names them. */
  readonly runtime: { readonly version: string; readonly platform: string; readonly arch: string };
}

interface Said {
  /** Lines for standard error, said at level "info" because the log is not set up yet. */
  readonly early: readonly LogRecord[];
  /** Lines for the log that `log` describes. */
  readonly records: readonly LogRecord[];
  readonly log: LogSettings;
}

export interface CliStart extends Said {
  readonly kind: "start";
  readonly config: ServerConfig;
}

export interface CliExit extends Said {
  readonly kind: "exit";
  readonly code: number;
  /** Plain text; comes after the early lines, and there are no others then. */
  readonly stdout: string;
  readonly stderr: string;
}

const CALLER = "cmd/server-args.ts";

const NO_CONFIG_FILE =
  "--config-file is not supported by this version of etcd-ts: give flags or environment variables instead";

/** Above this size of a request a warning is logged. */
const RECOMMENDED_REQUEST_BYTES = 10 * 1024 * 1024;

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
  if (reading.printVersion) return exit(0, versionText(input), "");

  const environment = readEnvironment(input.environment, reading.targets, parsed.given);
  const { records } = environment;
  if (records.at(-1)?.level === "fatal") return { ...exit(1, "", ""), early: records };
  if (environment.problem !== undefined) {
    return refused(input, environment.problem, { early: records });
  }
  if (reading.configFile !== "") return refused(input, NO_CONFIG_FILE, { early: records });
  const early = [...records, ...raiseRaftTimeouts(reading.values)];
  return configure(input, reading, new Set([...parsed.given, ...environment.given]), early);
}

/** Checks the values and fills in what depends on the machine. */
function configure(
  input: ServerArgsInput,
  { values }: FlagReading,
  given: ReadonlySet<string>,
  early: readonly LogRecord[],
): CliStart | CliExit {
  const unusable = notYetProblem(values, given) ?? renamedTwice(given) ?? logProblem(values);
  if (unusable !== undefined) return refused(input, unusable, { early });
  const level = parseLogLevel(values["log-level"]);
  if (level === undefined) {
    const text = goQuoteText(values["log-level"]);
    return { ...exit(2, "", `panic: unrecognized level: ${text}\n`), early };
  }
  settleRenamedFlags(values, given);
  const log = logOf(values, level);
  const unreachable = listenProblem(values);
  if (unreachable !== undefined) return refused(input, unreachable, { early, log });
  const problem = configProblem(values, given);
  if (problem !== undefined) return refused(input, problem, { early, log, before: [SINGLE_PORT] });
  const records = [SINGLE_PORT, running(input), ...fillIn(values, input.defaultHost)];
  return { kind: "start", config: configFromFlags(values, level), early, records, log };
}

/** The flags of one command line, with the values they have so far. */
class FlagReading {
  readonly values: FlagValues = initialFlagValues();
  readonly targets = new Map<string, FlagTarget>();
  printVersion = false;
  configFile = "";

  constructor() {
    for (const name of FLAG_NAMES) this.targets.set(name, this.#target(name));
    for (const name of IGNORED_FLAGS) {
      this.targets.set(name, { isBool: true, set: () => undefined });
    }
    this.targets.set("config-file", {
      isBool: false,
      set: (text) => {
        this.configFile = text;
        return undefined;
      },
    });
    this.targets.set("version", {
      isBool: true,
      set: (text) => {
        const value = bool.parse(text, false);
        if (value instanceof FlagRefusal) return value.message;
        this.printVersion = value;
        return undefined;
      },
    });
  }

  #target<Name extends FlagName>(name: Name): FlagTarget {
    const kind: FlagKind<FlagValues[Name]> = FLAGS[name].kind;
    return {
      isBool: kind.isBool,
      set: (text) => {
        const value = kind.parse(text, this.values[name]);
        if (value instanceof FlagRefusal) return value.message;
        this.values[name] = value;
        return undefined;
      },
    };
  }
}

/** Timeouts of peers below the least one are raised to it; returns what is said of that. */
function raiseRaftTimeouts(values: FlagValues): LogRecord[] {
  const records: LogRecord[] = [];
  for (const name of ["raft-read-timeout", "raft-write-timeout"] as const) {
    const { initial, shown } = FLAGS[name];
    if (values[name] >= initial) continue;
    values[name] = initial;
    const message = `${name} increased to minimum value: ${shown}`;
    records.push({ level: "info", caller: CALLER, message });
  }
  return records;
}

/** Completes `values`; returns what is worth a line. */
function fillIn(values: FlagValues, host: string | undefined): LogRecord[] {
  const records: LogRecord[] = [];
  const say = (level: LogLevel, message: string, fields: LogFields): void => {
    records.push({ level, caller: CALLER, message, fields });
  };
  if (fillAdvertised(values, host) && host !== undefined) {
    say("info", "detected default host for advertise", { host });
  }
  if (values["data-dir"] === "") {
    values["data-dir"] = `${values.name}.etcd`;
    say("warn", "'data-dir' was empty; using default", { "data-dir": values["data-dir"] });
  }
  if (values["snapshot-count"] === 0) {
    values["snapshot-count"] = FLAGS["snapshot-count"].initial;
    say("info", "updating snapshot-count to default", {
      "given-snapshot-count": 0,
      "updated-snapshot-count": values["snapshot-count"],
    });
  }
  if (values["snapshot-catchup-entries"] === 0) {
    const entries = FLAGS["snapshot-catchup-entries"].initial;
    values["snapshot-catchup-entries"] = entries;
    say("info", "updating snapshot catch-up entries to default", {
      "given-snapshot-catchup-entries": 0,
      "updated-snapshot-catchup-entries": entries,
    });
  }
  if (values["max-request-bytes"] > RECOMMENDED_REQUEST_BYTES) {
    say("warn", "exceeded recommended request limit", {
      "max-request-bytes": values["max-request-bytes"],
      "max-request-size": humanBytes(values["max-request-bytes"]),
      "recommended-request-bytes": RECOMMENDED_REQUEST_BYTES,
      "recommended-request-size": humanBytes(RECOMMENDED_REQUEST_BYTES),
    });
  }
  return records;
}

const SINGLE_PORT: LogRecord = {
  level: "warn",
  caller: CALLER,
  message: "Running http and grpc server on single port. This is not recommended for production.",
};

function running(input: ServerArgsInput): LogRecord {
  return { level: "info", caller: CALLER, message: "Running: ", fields: { args: input.command } };
}

function exit(code: number, stdout: string, stderr: string): CliExit {
  return { kind: "exit", code, stdout, stderr, early: [], records: [], log: DEFAULT_LOG };
}

interface Refusal {
  readonly early: readonly LogRecord[];
  /** The log that was set up before. */
  readonly log?: LogSettings;
  /** What was said to it before. */
  readonly before?: readonly LogRecord[];
}

/** The end of the program over `problem`. */
function refused(
  input: ServerArgsInput,
  problem: string,
  { early, log = DEFAULT_LOG, before = [] }: Refusal,
): CliExit {
  const fields = { error: problem };
  const records: LogRecord[] = [
    ...before,
    running(input),
    { level: "warn", caller: CALLER, message: "failed to verify flags", fields },
  ];
  if (problem === ADVERTISE_REQUIRED) {
    const message = "advertise client URLs are not set";
    records.push({ level: "warn", caller: CALLER, message, fields });
  }
  return { ...exit(1, "", ""), early, records, log };
}

/** The processors of Node.js by the names that Go has for them, where they differ. */
const GO_ARCH: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

function versionText({ runtime }: ServerArgsInput): string {
  return [
    `etcd Version: ${ETCD_VERSION}`,
    `Git SHA: Not provided (etcd-ts ${PROJECT_VERSION})`,
    `Go Version: none (Node.js ${runtime.version})`,
    `Go OS/Arch: ${runtime.platform}/${GO_ARCH[runtime.arch] ?? runtime.arch}`,
    "",
  ].join("\n");
}
