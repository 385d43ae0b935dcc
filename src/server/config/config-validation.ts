/**
 * Which values of flags do not go together, in etcd's words and in etcd's order: the first problem found is
 * the one that is told.
 *
 * Source: etcd server/embed/config.go (Validate), config_logging.go (3.5).
 */
import type { LogThreshold } from "../../ports/log.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { goQuoteText } from "../../stdx/go-url.ts";
import { versionRange } from "../../tls/versions.ts";
import { isFeatureOn } from "../flags/feature-gates.ts";
import type { FlagName, FlagValues } from "../flags/table.ts";
import type { LogRecord } from "../observe/log-record.ts";
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

export interface ValidationContext {
  /** Whether the values come from a configuration file. */
  readonly isFile: boolean;
  /** What is worth a warning goes here, up to the first problem. */
  readonly warnings: LogRecord[];
}

/**
 * Why no member can run with `values`; `given` names the flags that were set. In etcd's order, so that of
 * several problems the same one is told.
 */
export function configProblem(
  values: FlagValues,
  given: ReadonlySet<string>,
  { isFile, warnings }: ValidationContext,
): string | undefined {
  const unreachable =
    bindProblem(values["listen-peer-urls"]) ??
    bindProblem(values["listen-client-urls"]) ??
    bindProblem(values["listen-client-http-urls"]);
  if (unreachable !== undefined) return unreachable;
  if (values["listen-client-http-urls"].length === 0) warnings.push(SINGLE_PORT);
  const unusable =
    bindProblem(values["listen-metrics-urls"]) ??
    hostProblem("--initial-advertise-peer-urls", values["initial-advertise-peer-urls"]) ??
    hostProblem("--advertise-client-urls", values["advertise-client-urls"]) ??
    bootstrapProblem(values) ??
    timingProblem(values) ??
    (isFile ? undefined : advertiseMissing(values, given)) ??
    compactionProblem(values);
  if (unusable !== undefined) return unusable;
  const gates = values["feature-gates"];
  const isCheckpointed = isFeatureOn(gates, "LeaseCheckpoint");
  if (isCheckpointed && !isFeatureOn(gates, "LeaseCheckpointPersist")) {
    warnings.push(LOST_CHECKPOINTS);
  }
  return (
    leaseCheckpointProblem(values, given) ??
    compactHashCheckProblem(values, given) ??
    tlsVersionProblem(values) ??
    unaryDurationProblem(values) ??
    tracingProblem(values)
  );
}

const CALLER = "server/config/config-validation.ts";

const SINGLE_PORT: LogRecord = {
  level: "warn",
  caller: CALLER,
  message: "Running http and grpc server on single port. This is not recommended for production.",
};

const LOST_CHECKPOINTS: LogRecord = {
  level: "warn",
  caller: CALLER,
  message:
    "Detected that checkpointing is enabled without persistence. Consider enabling experimental-enable-lease-checkpoint-persist",
};

const CONFLICTING_BOOTSTRAP =
  'multiple discovery or bootstrap flags are set. Choose one of "initial-cluster", "discovery" or "discovery-srv"';
const CONFLICTING_DISCOVERY =
  "both v2 discovery settings (discovery, discovery-proxy) and v3 discovery settings (discovery-token, discovery-endpoints, discovery-cert, discovery-key, discovery-cacert, discovery-user, discovery-password) are set";

/** Where the members of the cluster are found. */
function bootstrapProblem(values: FlagValues): string | undefined {
  const state: string = values["initial-cluster-state"];
  if (state !== "new" && state !== "existing") {
    return `unexpected clusterState ${goQuoteText(state)}`;
  }
  const endpoints = values["discovery-endpoints"];
  const ways = [
    values.discovery !== "",
    values["initial-cluster"] !== "",
    values["discovery-srv"] !== "",
    endpoints.length > 0,
  ];
  if (ways.filter(Boolean).length > 1) return CONFLICTING_BOOTSTRAP;
  const isV3 = endpoints.length > 0 || V3_DISCOVERY_TEXTS.some((name) => values[name] !== "");
  if (values["discovery-proxy"] !== "" && isV3) return CONFLICTING_DISCOVERY;
  if ((values["discovery-token"] !== "") !== endpoints.length > 0) {
    return "both --discovery-token and --discovery-endpoints must be set";
  }
  const isEmpty = endpoints.some((endpoint) => endpoint.trim() === "");
  return isEmpty ? "--discovery-endpoints must not contain empty endpoints" : undefined;
}

const V3_DISCOVERY_TEXTS = [
  "discovery-token",
  "discovery-cert",
  "discovery-key",
  "discovery-cacert",
  "discovery-user",
  "discovery-password",
] as const satisfies readonly FlagName[];

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

function advertiseMissing(values: FlagValues, given: ReadonlySet<string>): string | undefined {
  // What may become a proxy of the v2 API need not be found by clients.
  if (values.discovery !== "" && values["discovery-fallback"] === "proxy") return undefined;
  const isMissing = given.has("listen-client-urls") && !given.has("advertise-client-urls");
  return isMissing ? ADVERTISE_REQUIRED : undefined;
}

function compactionProblem(values: FlagValues): string | undefined {
  const mode = values["auto-compaction-mode"];
  if (mode === "" || mode === "periodic" || mode === "revision") return undefined;
  return `unknown auto-compaction-mode ${goQuoteText(mode)}`;
}

function leaseCheckpointProblem(
  values: FlagValues,
  given: ReadonlySet<string>,
): string | undefined {
  const gates = values["feature-gates"];
  const isLone =
    isFeatureOn(gates, "LeaseCheckpointPersist") && !isFeatureOn(gates, "LeaseCheckpoint");
  if (!isLone) return undefined;
  return given.has("feature-gates")
    ? "enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint"
    : "setting experimental-enable-lease-checkpoint-persist requires experimental-enable-lease-checkpoint";
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

function tlsVersionProblem(values: FlagValues): string | undefined {
  const min = values["tls-min-version"];
  const max = values["tls-max-version"];
  const range = versionRange(min, max);
  if (typeof range === "string") return range;
  if (min === "TLS1.3" && values["cipher-suites"].length > 0) {
    return "cipher suites cannot be configured when only TLS1.3 is enabled";
  }
  return undefined;
}

function unaryDurationProblem(values: FlagValues): string | undefined {
  const isTwice =
    values["warning-unary-request-duration"] !== 0 &&
    values["experimental-warning-unary-request-duration"] !== 0;
  if (!isTwice) return undefined;
  return "both --experimental-warning-unary-request-duration and --warning-unary-request-duration flags are set. Use only --warning-unary-request-duration";
}

const SAMPLING_RATE_MAX = 1_000_000;

function tracingProblem(values: FlagValues): string | undefined {
  if (!values["enable-distributed-tracing"]) return undefined;
  const rate = values["distributed-tracing-sampling-rate"];
  if (rate < 0) return invalidTracing("tracing sampling rate must be positive");
  if (rate <= SAMPLING_RATE_MAX) return undefined;
  return invalidTracing(`tracing sampling rate must be less than ${SAMPLING_RATE_MAX}`);
}

function invalidTracing(problem: string): string {
  return `distributed tracing configurition is not valid: (${problem})`;
}
