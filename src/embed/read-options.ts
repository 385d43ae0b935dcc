/**
 * From options to the values of all flags, by the same rules that read the command line: the same kinds, the
 * same checks, the same words.
 */
import { completeValues, raiseRaftTimeouts } from "../cmd/complete-values.ts";
import { canReusePort } from "../platform/tcp.ts";
import type { LogThreshold } from "../ports/log.ts";
import { type ServerConfig, configFromFlags } from "../server/config/config.ts";
import { configProblem, parseLogLevel } from "../server/config/config-validation.ts";
import { durationMs, list, texts, urls } from "../server/flags/kinds.ts";
import { refusedProblem } from "../server/flags/refused-flags.ts";
import { FlagRefusal } from "../server/flags/refusal.ts";
import { gatedTwice, renamedTwice, settleRenamedFlags } from "../server/flags/renamed-flags.ts";
import {
  FLAG_NAMES,
  FLAGS,
  type FlagName,
  type FlagValues,
  initialFlagValues,
} from "../server/flags/table.ts";
import type { LogRecord } from "../server/observe/log-record.ts";
import { logProblem } from "../server/config/log-validation.ts";
import { EtcdConfigError } from "./errors.ts";
import type { EtcdOptions } from "./options.ts";

/** What options were read as. */
export interface ReadOptions {
  readonly values: FlagValues;
  readonly given: ReadonlySet<FlagName>;
  readonly logLevel: LogThreshold;
  /** Lines for the log. */
  readonly records: readonly LogRecord[];
}

const FLAG_OF_OPTION: ReadonlyMap<string, FlagName> = new Map(
  FLAG_NAMES.map((flag) => [optionOf(flag), flag]),
);

/** Options that are no flags. */
const HOST_OPTIONS: ReadonlySet<string> = new Set([
  "temporary",
  "log",
  "onFatal",
  "onLeader",
  "signal",
]);

/** Reads `options`; the data directory is still empty when none was given. Throws `EtcdConfigError`. */
export function readOptions(options: EtcdOptions): ReadOptions {
  const values = initialFlagValues();
  values["listen-peer-urls"] = [];
  values["listen-client-urls"] = [];
  values["advertise-client-urls"] = [];
  values["initial-cluster"] = "";
  const given = new Set<FlagName>();
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || HOST_OPTIONS.has(option)) continue;
    const flag = FLAG_OF_OPTION.get(option);
    if (flag === undefined) throw new EtcdConfigError(`there is no option "${option}"`);
    Object.assign(values, { [flag]: valueOf(flag, option, value) });
    given.add(flag);
  }
  checkHostOptions(options, values, given);
  const records = raiseRaftTimeouts(values);
  refuse(renamedTwice(given) ?? gatedTwice(values, given) ?? logProblem(values));
  const logLevel = parseLogLevel(values["log-level"]);
  if (logLevel === undefined) {
    throw new EtcdConfigError(`option logLevel: unrecognized level: "${values["log-level"]}"`);
  }
  settleRenamedFlags(values, given);
  refuse(
    configProblem(values, given, { isFile: true, warnings: [] }) ?? refusedProblem(values, given),
  );
  return { values, given, logLevel, records };
}

/** Fills in what depends on other values; returns what the log says of it. */
export function completeOptions({ values, records }: ReadOptions): LogRecord[] {
  return [...records, ...completeValues(values, undefined)];
}

/** The configuration that the values stand for. */
export function configOf({ values, logLevel }: ReadOptions): ServerConfig {
  return configFromFlags(values, logLevel);
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw new EtcdConfigError(problem);
}

function checkHostOptions(
  { temporary = false, log, onFatal, onLeader, signal }: EtcdOptions,
  values: FlagValues,
  given: Set<FlagName>,
): void {
  if (typeof temporary !== "boolean") {
    throw new EtcdConfigError("option temporary must be a boolean");
  }
  for (const [option, callback] of Object.entries({ log, onFatal, onLeader })) {
    if (callback !== undefined && typeof callback !== "function") {
      throw new EtcdConfigError(`option ${option} must be a function`);
    }
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new EtcdConfigError("option signal must be an AbortSignal");
  }
  if (temporary && given.has("data-dir")) {
    throw new EtcdConfigError("options temporary and dataDir cannot both be given");
  }
  if (log !== undefined && given.has("log-outputs")) {
    throw new EtcdConfigError("options log and logOutputs cannot both be given");
  }
  if (values.repair) {
    throw new EtcdConfigError("option repair: a member repairs nothing; run `etcd --repair`");
  }
  if (values["socket-reuse-port"] && !canReusePort(process.versions.node)) {
    throw new EtcdConfigError("option socketReusePort needs Node.js 22.12 or later");
  }
}

/** The value of `flag` that `given` stands for. */
function valueOf(flag: FlagName, option: string, given: unknown): FlagValues[FlagName] {
  const { kind, initial } = FLAGS[flag];
  const isEmpty = Array.isArray(given) && given.length === 0;
  if (isEmpty && EMPTY_KINDS.has(kind)) return [];
  const text = textOf(flag, option, given);
  // An empty list of URLs is none here; among flags it is one that was not given.
  if (text === "" && kind === urls) return [];
  const value = kind.parse(text, initial as never);
  if (!(value instanceof FlagRefusal)) return value;
  throw new EtcdConfigError(`option ${option}: invalid value "${text}": ${value.message}`);
}

const EMPTY_KINDS: ReadonlySet<unknown> = new Set([urls, texts, list]);

/** The text that a command line would have. */
function textOf(flag: FlagName, option: string, given: unknown): string {
  const { kind, initial } = FLAGS[flag];
  const wanted = wantedType(initial);
  if (wanted === "boolean" && typeof given === "boolean") return String(given);
  if (wanted === "number" && typeof given === "number") {
    return `${given}${kind === durationMs ? "ms" : ""}`;
  }
  if (wanted === "string" && typeof given === "string") return given;
  if (wanted === "list") {
    if (typeof given === "string") return given;
    if (Array.isArray(given) && given.every((item) => typeof item === "string")) {
      return given.join(",");
    }
  }
  if (wanted === "features" && typeof given === "object" && given !== null) {
    return Object.entries(given)
      .map(([name, isOn]) => `${name}=${String(isOn)}`)
      .join(",");
  }
  throw new EtcdConfigError(`option ${option} must be ${WANTED[wanted]}`);
}

type Wanted = keyof typeof WANTED;

const WANTED = {
  boolean: "a boolean",
  number: "a number",
  string: "a string",
  list: "a string or an array of strings",
  features: "an object of features and booleans",
} as const;

function wantedType(initial: FlagValues[FlagName]): Wanted {
  if (typeof initial === "boolean") return "boolean";
  if (typeof initial === "number") return "number";
  if (typeof initial === "string") return "string";
  return Array.isArray(initial) ? "list" : "features";
}

/** `listen-client-urls` as `listenClientUrls`. */
function optionOf(flag: FlagName): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
