/** What `etcd --help` prints: the flags that have an effect, in etcd's layout. */
import { FLAG_GROUPS, FLAGS } from "./flags.ts";

/** How the program is called; printed on standard error, also after a bad flag. */
export const USAGE = `Usage:

  etcd [flags]
    Start an etcd server.

  etcd --version
    Show the version of etcd.

  etcd -h | --help
    Show the help information about etcd.
`;

/** Flags whose defaults etcd shows in its own way. */
const ODD_DEFAULTS: ReadonlyMap<string, string> = new Map([
  ["experimental-bootstrap-defrag-threshold-megabytes", ""],
  ["experimental-compaction-batch-limit", " 1000"],
  ["experimental-downgrade-check-time", ""],
]);

/** All flags with defaults and explanations, by group. */
export function helpText(): string {
  const groups = FLAG_GROUPS.map((heading) => {
    const flags = Object.entries(FLAGS).filter(([, { group }]) => group === heading);
    const blocks = flags.map(([name, { shown, help }]) => {
      const lines = help.map((line) => `    ${line}\n`).join("");
      return `  --${name}${ODD_DEFAULTS.get(name) ?? ` '${shown}'`}\n${lines}`;
    });
    return `\n${heading}:\n${blocks.join("")}`;
  });
  return `${groups.join("")}
Each flag can be given in the environment instead: ETCD_ and its name in upper case, with "_" for "-".
Flags of etcd 3.5 that are not listed are accepted with their defaults only.
`;
}
