/**
 * Flags from the environment: ETCD_ and the name in upper case with "_" for "-". A variable is used where
 * the flag was not given; one whose flag was given as well ends the program, because one of the two is a
 * mistake; an empty one counts as not set.
 *
 * Source: etcd pkg/flags/flag.go (SetFlagsFromEnv), server/etcdmain/config.go (3.5).
 */
import type { LogRecord } from "../server/observe/log-record.ts";
import { goQuoteText } from "../stdx/go-url.ts";
import type { FlagTarget } from "./flag.ts";
import { shownValue } from "../stdx/secret-words.ts";

const PREFIX = "ETCD_";
const CALLER = "cmd/server-environment.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentReading {
  /** Flags that were set. */
  readonly given: ReadonlySet<string>;
  /** What the log says about it. The last one is fatal when the program must end. */
  readonly records: readonly LogRecord[];
  /** A value that was refused. */
  readonly problem: string | undefined;
}

export function variableOf(flag: string): string {
  return PREFIX + flag.toUpperCase().replaceAll("-", "_");
}

/** Sets the flags of `targets` that are not in `alreadyGiven` from `environment`. */
export function readEnvironment(
  environment: Environment,
  targets: ReadonlyMap<string, FlagTarget>,
  alreadyGiven: ReadonlySet<string>,
): EnvironmentReading {
  const given = new Set<string>();
  const used = new Set<string>();
  const records: LogRecord[] = [];
  let problem: string | undefined;

  const special = environment["ETCD_VERSION"] ?? "";
  if (special !== "") {
    const fields = { key: "ETCD_VERSION", value: special };
    records.push({ level: "warn", caller: CALLER, message: SPECIAL_VARIABLE, fields });
  }
  for (const name of [...targets.keys()].sort()) {
    const variable = variableOf(name);
    const value = environment[variable] ?? "";
    if (alreadyGiven.has(name) || value === "" || name === "version") continue;
    used.add(variable);
    const refusal = targets.get(name)?.set(value);
    if (refusal !== undefined) {
      problem = `invalid value ${goQuoteText(value)} for ${variable}: ${refusal}`;
      continue;
    }
    given.add(name);
    const fields = { "variable-name": variable, "variable-value": shownValue(variable, value) };
    records.push({ level: "info", caller: CALLER, message: RECOGNIZED_VARIABLE, fields });
  }
  records.push(...reportOthers(environment, used, new Set([...alreadyGiven].map(variableOf))));
  return { given, records, problem };
}

const SPECIAL_VARIABLE = "cannot set special environment variable";
const RECOGNIZED_VARIABLE = "recognized and used environment variable";
const UNRECOGNIZED_VARIABLE = "unrecognized environment variable";
const SHADOWED_VARIABLE =
  "conflicting environment variable is shadowed by corresponding command-line flag (either unset environment variable or disable flag))";

/** Warns of variables that mean nothing, up to the first one that a flag shadows. */
function reportOthers(
  environment: Environment,
  used: ReadonlySet<string>,
  shadowed: ReadonlySet<string>,
): LogRecord[] {
  const records: LogRecord[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || value === undefined || used.has(name)) continue;
    // etcd has taken this one out of the environment by now.
    if (name === "ETCD_VERSION" && value !== "") continue;
    if (shadowed.has(name)) {
      const fields = { "environment-variable": name };
      records.push({ level: "fatal", caller: CALLER, message: SHADOWED_VARIABLE, fields });
      return records;
    }
    const fields = { "environment-variable": `${name}=${shownValue(name, value)}` };
    records.push({ level: "warn", caller: CALLER, message: UNRECOGNIZED_VARIABLE, fields });
  }
  return records;
}
