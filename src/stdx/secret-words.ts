/**
 * Secrets among the words of a command line and the variables of an environment, which the log must not show:
 * values of flags that are passwords, and of variables whose names say that they are secret, also those that are
 * meant for somebody else.
 *
 * Differs from etcd: passwords among the flags and variables of a program are logged as `***`.
 */

const SECRET_FLAGS: ReadonlySet<string> = new Set([
  "auth-jwt-token",
  "discovery-password",
  "password",
]);
const SECRET_VARIABLE = /PASSWORD|PASSWD|SECRET|_TOKEN$|CREDENTIAL|PRIVATE_KEY/;
/** These are flags with which nobody gets in: names of a cluster that is new, and how tokens are made. */
const PLAIN_VARIABLES: ReadonlySet<string> = new Set([
  "ETCD_AUTH_TOKEN",
  "ETCD_INITIAL_CLUSTER_TOKEN",
  "ETCD_DISCOVERY_TOKEN",
]);
const MASK = "***";

/** The value of a variable as the log may show it. */
export function shownValue(variable: string, value: string): string {
  // The name of a user, and perhaps a password.
  if (variable.endsWith("_USER")) return value.replace(/:.*$/s, `:${MASK}`);
  if (value === "" || PLAIN_VARIABLES.has(variable)) return value;
  return SECRET_VARIABLE.test(variable) ? MASK : value;
}

/** The words of a command line as the log may show them. */
export function shownWords(words: readonly string[]): string[] {
  return words.map((word, at) => {
    const given = /^--?([a-z-]+)=/.exec(word);
    if (given !== null) return SECRET_FLAGS.has(given[1]) ? given[0] + MASK : word;
    const before = at > 0 ? /^--?([a-z-]+)$/.exec(words[at - 1]) : null;
    return before !== null && SECRET_FLAGS.has(before[1]) ? MASK : word;
  });
}
