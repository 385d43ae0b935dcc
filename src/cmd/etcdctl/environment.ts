/**
 * Global flags from the environment: `ETCDCTL_ENDPOINTS` stands for `--endpoints`, and so on. A flag that is
 * given in both ways ends the tool; variables that belong to no flag are named on standard error.
 *
 * Source: etcd pkg/flags/flag.go (SetPflagsFromEnv, verifyEnv).
 */
import type { Clock } from "../../ports/clock.ts";
import { textOf } from "../byte-text.ts";
import type { FlagSet } from "../pflag.ts";
import { shownValue } from "../../stdx/secret-words.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import type { ToolIo } from "../tool-io.ts";
import { zapLog } from "../zap-line.ts";

const PREFIX = "ETCDCTL";

/** Read by the tool's entry, so it is no unknown variable. */
export const API_VARIABLE = `${PREFIX}_API`;

const SHADOWED =
  "conflicting environment variable is shadowed by corresponding command-line flag " +
  "(either unset environment variable or disable flag))";

/** The variable of a flag. */
export function variableOf(flagName: string): string {
  return `${PREFIX}_${flagName.replaceAll("-", "_").toUpperCase()}`;
}

/**
 * Sets the flags of `flags` that the command line left alone. A value that cannot be read is ignored.
 * `others` are variables that are known although they belong to no flag, where they are not empty.
 */
export function setFlagsFromEnvironment(
  flags: FlagSet,
  io: ToolIo,
  clock: Clock,
  others: readonly string[] = [],
): void {
  const values = new Map(io.environment.map(({ name, value }) => [name, value]));
  const given = new Set<string>();
  const used = new Set<string>(others.filter((name) => (values.get(name) ?? "") !== ""));
  for (const flag of flags.all()) {
    const variable = variableOf(flag.name);
    const value = values.get(variable) ?? "";
    if (flag.changed) given.add(variable);
    else if (value !== "") {
      used.add(variable);
      flags.set(flag, value);
    }
  }
  const caller = "etcdctl/environment.ts";
  const log = zapLog({ logger: "", caller, level: "info", clock, write: (line) => io.error(line) });
  for (const { name, value } of io.environment) {
    if (used.has(name) || name === API_VARIABLE) continue;
    if (given.has(name)) {
      log.fatal(SHADOWED, { "environment-variable": textOf(name) });
      throw new ToolExit(ExitCode.ERROR, undefined);
    }
    if (name.startsWith(`${PREFIX}_`)) {
      const shown = textOf(`${name}=${shownValue(name, value)}`);
      log.warn("unrecognized environment variable", { "environment-variable": shown });
    }
  }
}
