/** What `etcd --help` prints: every flag, in etcd's layout. */
import { FLAG_GROUPS } from "./flag.ts";
import { FLAGS } from "./table.ts";

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
  ["enable-grpc-gateway", ""],
  ["bcrypt-cost", " 10"],
  ["auth-token-ttl", " 300"],
  ["proxy-failure-wait", " 5000"],
  ["proxy-refresh-interval", " 30000"],
  ["proxy-dial-timeout", " 1000"],
  ["proxy-write-timeout", " 5000"],
  ["proxy-read-timeout", " 0"],
  ["experimental-bootstrap-defrag-threshold-megabytes", ""],
  ["experimental-compaction-batch-limit", " 1000"],
  ["experimental-downgrade-check-time", ""],
  ["experimental-memory-mlock", ""],
  ["experimental-stop-grpc-service-on-defrag", ""],
]);

/** All flags with defaults and explanations, by group. */
export function helpText(): string {
  const groups = FLAG_GROUPS.map((heading) => {
    const flags = Object.entries(FLAGS).filter(
      ([, { group, isOnlyInFiles }]) => group === heading && isOnlyInFiles !== true,
    );
    const blocks = flags.map(([name, { shown, help }]) => {
      const lines = help.map((line) => `    ${line}\n`).join("");
      return `  --${name}${ODD_DEFAULTS.get(name) ?? ` '${shown}'`}\n${lines}`;
    });
    return `\n${heading}:\n${blocks.join("")}`;
  });
  return `${groups.join("")}
Each flag can be given in the environment instead: ETCD_ and its name in upper case, with "_" for "-".
`;
}
