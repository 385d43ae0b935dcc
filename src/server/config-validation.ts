/**
 * Which values of flags do not go together, in etcd's words and in etcd's order: the first problem found is
 * the one that is told.
 *
 * Source: etcd server/embed/config.go (Validate), config_logging.go (3.5).
 */
import type { LogThreshold } from "../ports/log.ts";
import { goDurationOfMs } from "../stdx/go-duration.ts";
import { goQuoteText } from "../stdx/go-url.ts";
import type { FlagValues } from "./flags/table.ts";
import { advertiseProblem, bindProblem, joinUrls, type ServerUrl } from "./server-url.ts";

const ELECTION_TIMEOUT_MS_MAX = 50_000;

const LOG_LEVELS: readonly LogThreshold[] = [
  "debug",
  "info",
  "warn",
  "error",
  "dpanic",
  "panic",
  "fatal",
];

/** What --log-level means; `undefined` when it names no level. An empty text is "info". */
export function parseLogLevel(text: string): LogThreshold | undefined {
  if (text === "") return "info";
  return LOG_LEVELS.find((level) => level === text.toLowerCase());
}

export const ADVERTISE_REQUIRED =
  "--advertise-client-urls is required when --listen-client-urls is set explicitly";

/** Why the member cannot listen where it should. */
export function listenProblem(values: FlagValues): string | undefined {
  return (
    bindProblem(values["listen-peer-urls"]) ??
    bindProblem(values["listen-client-urls"]) ??
    tlsProblem(values)
  );
}

/** Why no member can run with `values` otherwise; `given` names the flags that were set. */
export function configProblem(values: FlagValues, given: ReadonlySet<string>): string | undefined {
  return (
    hostProblem("--initial-advertise-peer-urls", values["initial-advertise-peer-urls"]) ??
    hostProblem("--advertise-client-urls", values["advertise-client-urls"]) ??
    timingProblem(values) ??
    advertiseMissing(given) ??
    compactionProblem(values) ??
    leaseCheckpointProblem(values) ??
    compactHashCheckProblem(values, given)
  );
}

function tlsProblem(values: FlagValues): string | undefined {
  const listen = [...values["listen-peer-urls"], ...values["listen-client-urls"]];
  const encrypted = listen.find(({ scheme }) => scheme === "https" || scheme === "unixs");
  if (encrypted === undefined) return undefined;
  return `${encrypted.text} is not supported by this version of etcd-ts: connections are not encrypted`;
}

function hostProblem(flag: string, urls: readonly ServerUrl[]): string | undefined {
  const problem = advertiseProblem(urls);
  if (problem === undefined) return undefined;
  return `${flag} ${goQuoteText(joinUrls(urls))} must be "host:port" (${problem})`;
}

function timingProblem(values: FlagValues): string | undefined {
  const heartbeat = values["heartbeat-interval"];
  const election = values["election-timeout"];
  if (heartbeat === 0) return "--heartbeat-interval must be >0 (set to 0ms)";
  if (election === 0) return "--election-timeout must be >0 (set to 0ms)";
  if (5 * heartbeat > election) {
    return `--election-timeout[${election}ms] should be at least as 5 times as --heartbeat-interval[${heartbeat}ms]`;
  }
  if (election > ELECTION_TIMEOUT_MS_MAX) {
    return `--election-timeout[${election}ms] is too long, and should be set less than ${ELECTION_TIMEOUT_MS_MAX}ms`;
  }
  return undefined;
}

function advertiseMissing(given: ReadonlySet<string>): string | undefined {
  const isMissing = given.has("listen-client-urls") && !given.has("advertise-client-urls");
  return isMissing ? ADVERTISE_REQUIRED : undefined;
}

function compactionProblem(values: FlagValues): string | undefined {
  const mode = values["auto-compaction-mode"];
  if (mode === "" || mode === "periodic" || mode === "revision") return undefined;
  return `unknown auto-compaction-mode ${goQuoteText(mode)}`;
}

function leaseCheckpointProblem(values: FlagValues): string | undefined {
  const isLone =
    values["experimental-enable-lease-checkpoint-persist"] &&
    !values["experimental-enable-lease-checkpoint"];
  if (!isLone) return undefined;
  return "setting experimental-enable-lease-checkpoint-persist requires experimental-enable-lease-checkpoint";
}

function compactHashCheckProblem(
  values: FlagValues,
  given: ReadonlySet<string>,
): string | undefined {
  const intervalMs = values["compact-hash-check-time"];
  if (intervalMs > 0) return undefined;
  const name = given.has("compact-hash-check-time") ? "" : "experimental-";
  return `--${name}compact-hash-check-time must be >0 (set to ${goDurationOfMs(intervalMs)})`;
}
