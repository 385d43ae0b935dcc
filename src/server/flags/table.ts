/**
 * Every flag: kind, default, group and help. The command line, the environment (ETCD_ and the name in upper
 * case with underscores), the configuration file, the help text and the configuration all come from these
 * tables.
 *
 * Source: etcd server/etcdmain/config.go and help.go (3.5; names of 3.6 beside them).
 */
import { AUTH_FLAGS } from "./auth-flags.ts";
import { CLUSTER_FLAGS } from "./cluster-flags.ts";
import { EXPERIMENTAL_FLAGS } from "./experimental-flags.ts";
import type { Flag } from "./flag.ts";
import { LOGGING_FLAGS } from "./logging-flags.ts";
import { MEMBER_FLAGS } from "./member-flags.ts";
import { MONITORING_FLAGS } from "./monitoring-flags.ts";
import { SECURITY_FLAGS } from "./security-flags.ts";
import { TRACING_FLAGS } from "./tracing-flags.ts";
import { UNSAFE_FLAGS } from "./unsafe-flags.ts";
import { V2_PROXY_FLAGS } from "./v2-proxy-flags.ts";

const TABLE = {
  ...MEMBER_FLAGS,
  ...CLUSTER_FLAGS,
  ...SECURITY_FLAGS,
  ...AUTH_FLAGS,
  ...MONITORING_FLAGS,
  ...LOGGING_FLAGS,
  ...TRACING_FLAGS,
  ...V2_PROXY_FLAGS,
  ...EXPERIMENTAL_FLAGS,
  ...UNSAFE_FLAGS,
} as const;

export type FlagName = keyof typeof TABLE;

/** A value for every flag. */
export type FlagValues = {
  -readonly [Name in FlagName]: (typeof TABLE)[Name] extends Flag<infer T> ? T : never;
};

export const FLAGS: { readonly [Name in FlagName]: Flag<FlagValues[Name]> } = TABLE;

export const FLAG_NAMES: readonly FlagName[] = Object.keys(FLAGS) as FlagName[];

/** What holds when no flag is given. */
export function initialFlagValues(): FlagValues {
  const values = Object.fromEntries(
    Object.entries(FLAGS).map(([name, { initial }]) => [name, initial]),
  );
  return values as FlagValues;
}
