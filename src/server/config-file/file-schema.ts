/**
 * The keys of a configuration file: to which flag each belongs, and its type by the name that error texts
 * give it. Most keys are the names of flags.
 *
 * Source: etcd server/embed/config.go (Config, configJSON, securityConfig), server/etcdmain/config.go
 * (configProxy) (3.5; keys of 3.6 beside them).
 */
import type { FlagName } from "../flags/table.ts";

/** Types of values, by their names in Go. "urls", "origins" and "hosts" are lists in one text. */
export type FileType =
  | "bool"
  | "int"
  | "int64"
  | "uint"
  | "uint32"
  | "uint64"
  | "string"
  | "time.Duration"
  | "[]string"
  | "urls"
  | "origins"
  | "hosts"
  | "gates"
  | "config.V2DeprecationEnum";

export interface FileField {
  readonly flag: FlagName;
  readonly type: FileType;
}

export interface FileSection {
  /** Name of the type that error texts give for a value of the wrong kind. */
  readonly type: string;
  /** Name of the type, and the way to it from the file, in texts about a field. */
  readonly owner: string;
  readonly path: string;
  readonly fields: ReadonlyMap<string, FileField | FileSection>;
}

/** Flags by type; their keys are their names. */
const PLAIN: { readonly [Type in FileType]?: readonly FlagName[] } = {
  string: [
    "name",
    "data-dir",
    "wal-dir",
    "backend-bbolt-freelist-type",
    "tls-min-version",
    "tls-max-version",
    "initial-cluster-state",
    "discovery-srv",
    "discovery-srv-name",
    "discovery-proxy",
    "discovery",
    "initial-cluster",
    "initial-cluster-token",
    "auto-compaction-mode",
    "auto-compaction-retention",
    "auth-token",
    "experimental-enable-v2v3",
    "metrics",
    "experimental-distributed-tracing-address",
    "experimental-distributed-tracing-service-name",
    "experimental-distributed-tracing-instance-id",
    "distributed-tracing-address",
    "distributed-tracing-service-name",
    "distributed-tracing-instance-id",
    "logger",
    "log-level",
    "log-format",
    "log-rotation-config-json",
    "audit-log",
  ],
  bool: [
    "initial-election-tick-advance",
    "strict-reconfig-check",
    "enable-v2",
    "pre-vote",
    "experimental-initial-corrupt-check",
    "experimental-compact-hash-check-enabled",
    "experimental-enable-lease-checkpoint",
    "experimental-enable-lease-checkpoint-persist",
    "experimental-peer-skip-client-san-verification",
    "force-new-cluster",
    "enable-pprof",
    "experimental-enable-distributed-tracing",
    "enable-distributed-tracing",
    "enable-log-rotation",
    "enable-grpc-gateway",
    "unsafe-no-fsync",
    "experimental-memory-mlock",
    "memory-mlock",
    "experimental-txn-mode-write-with-shared-buffer",
    "experimental-stop-grpc-service-on-defrag",
    "experimental-repair-from-peers",
    "experimental-learner-auto-promote",
    "repair",
  ],
  uint: [
    "max-snapshots",
    "max-wals",
    "heartbeat-interval",
    "election-timeout",
    "max-txn-ops",
    "max-request-bytes",
    "self-signed-cert-validity",
    "bcrypt-cost",
    "auth-token-ttl",
    "experimental-bootstrap-defrag-threshold-megabytes",
    "bootstrap-defrag-threshold-megabytes",
    "audit-log-maxage",
    "audit-log-maxbackups",
    "audit-log-maxsize",
  ],
  uint32: ["max-concurrent-streams"],
  uint64: ["snapshot-count", "snapshot-catchup-entries"],
  int: [
    "backend-batch-limit",
    "experimental-compaction-batch-limit",
    "compaction-batch-limit",
    "experimental-distributed-tracing-sampling-rate",
    "distributed-tracing-sampling-rate",
    "max-learners",
  ],
  int64: ["quota-backend-bytes"],
  "time.Duration": [
    "backend-batch-interval",
    "grpc-keepalive-min-time",
    "grpc-keepalive-interval",
    "grpc-keepalive-timeout",
    "experimental-corrupt-check-time",
    "corrupt-check-time",
    "experimental-compact-hash-check-time",
    "compact-hash-check-time",
    "experimental-compaction-sleep-interval",
    "compaction-sleep-interval",
    "experimental-watch-progress-notify-interval",
    "watch-progress-notify-interval",
    "experimental-warning-apply-duration",
    "warning-apply-duration",
    "experimental-warning-unary-request-duration",
    "warning-unary-request-duration",
    "experimental-downgrade-check-time",
    "downgrade-check-time",
  ],
  "[]string": ["cipher-suites", "log-outputs"],
  urls: [
    "listen-peer-urls",
    "listen-client-urls",
    "listen-client-http-urls",
    "initial-advertise-peer-urls",
    "advertise-client-urls",
    "listen-metrics-urls",
  ],
  origins: ["cors"],
  hosts: ["host-whitelist"],
  gates: ["feature-gates"],
  "config.V2DeprecationEnum": ["v2-deprecation"],
};

/** The part of etcd's configuration that a key lies in, where it is not "Config". */
const IN_JSON_PART: ReadonlySet<string> = new Set([
  "listen-peer-urls",
  "listen-client-urls",
  "listen-client-http-urls",
  "initial-advertise-peer-urls",
  "advertise-client-urls",
  "cors",
  "host-whitelist",
  "feature-gates",
  "client-transport-security",
  "peer-transport-security",
]);

/** The names under which the file itself stands in error texts. */
export const FILE_TYPE = "embed.configYAML";
const FILE_OWNER = "configYAML";
const PROXY_OWNER = "configProxy";

/** How error texts name a field of `section` that is called `key`. */
export function fieldName({ owner, path }: FileSection, key: string): string {
  if (owner === PROXY_OWNER) return `${owner}.${key}`;
  if (owner !== FILE_OWNER) return `${owner}.${path}.${key}`;
  return `${owner}.${IN_JSON_PART.has(key) ? "configJSON" : "Config"}.${key}`;
}

function security(prefix: "" | "peer-", path: string): FileSection {
  const field = (flag: FlagName, type: FileType): FileField => ({ flag, type });
  const isPeer = prefix === "peer-";
  const fields = new Map<string, FileField>([
    ["cert-file", field(`${prefix}cert-file`, "string")],
    ["key-file", field(`${prefix}key-file`, "string")],
    ["client-cert-file", field(`${prefix}client-cert-file`, "string")],
    ["client-key-file", field(`${prefix}client-key-file`, "string")],
    ["client-cert-auth", field(`${prefix}client-cert-auth`, "bool")],
    ["trusted-ca-file", field(`${prefix}trusted-ca-file`, "string")],
    ["auto-tls", field(`${prefix}auto-tls`, "bool")],
    ["allowed-cn", field(isPeer ? "peer-cert-allowed-cn" : "client-cert-allowed-cn", "[]string")],
    [
      "allowed-hostname",
      field(isPeer ? "peer-cert-allowed-hostname" : "client-cert-allowed-hostname", "[]string"),
    ],
  ]);
  if (isPeer) {
    const skip = field("peer-skip-client-san-verification", "bool");
    fields.set("skip-client-san-verification", skip);
  }
  return { type: "embed.securityConfig", owner: "securityConfig", path, fields };
}

const SOCKET_OPTIONS: FileSection = {
  type: "transport.SocketOpts",
  owner: "SocketOpts",
  path: "Config.socket-options",
  fields: new Map<string, FileField>([
    ["reuse-port", { flag: "socket-reuse-port", type: "bool" }],
    ["reuse-address", { flag: "socket-reuse-address", type: "bool" }],
  ]),
};

const DISCOVERY_PATH = "Config.discovery-config";

const DISCOVERY_SECURE: FileSection = {
  type: "clientv3.SecureConfig",
  owner: "SecureConfig",
  path: `${DISCOVERY_PATH}.ConfigSpec.secure`,
  fields: new Map<string, FileField>([
    ["insecure-transport", { flag: "discovery-insecure-transport", type: "bool" }],
    ["insecure-skip-tls-verify", { flag: "discovery-insecure-skip-tls-verify", type: "bool" }],
    ["cert", { flag: "discovery-cert", type: "string" }],
    ["key", { flag: "discovery-key", type: "string" }],
    ["cacert", { flag: "discovery-cacert", type: "string" }],
  ]),
};

const DISCOVERY_AUTH: FileSection = {
  type: "clientv3.AuthConfig",
  owner: "AuthConfig",
  path: `${DISCOVERY_PATH}.ConfigSpec.auth`,
  fields: new Map<string, FileField>([
    ["username", { flag: "discovery-user", type: "string" }],
    ["password", { flag: "discovery-password", type: "string" }],
  ]),
};

const DISCOVERY: FileSection = {
  type: "v3discovery.DiscoveryConfig",
  owner: "DiscoveryConfig",
  path: DISCOVERY_PATH,
  fields: new Map<string, FileField | FileSection>([
    ["endpoints", { flag: "discovery-endpoints", type: "[]string" }],
    ["token", { flag: "discovery-token", type: "string" }],
    ["dial-timeout", { flag: "discovery-dial-timeout", type: "time.Duration" }],
    ["request-timeout", { flag: "discovery-request-timeout", type: "time.Duration" }],
    ["keepalive-time", { flag: "discovery-keepalive-time", type: "time.Duration" }],
    ["keepalive-timeout", { flag: "discovery-keepalive-timeout", type: "time.Duration" }],
    ["secure", DISCOVERY_SECURE],
    ["auth", DISCOVERY_AUTH],
  ]),
};

/** The whole file. */
export const FILE_SCHEMA: FileSection = {
  type: FILE_TYPE,
  owner: FILE_OWNER,
  path: "",
  fields: new Map<string, FileField | FileSection>([
    ...Object.entries(PLAIN).flatMap(([type, flags]) =>
      flags.map((flag): [string, FileField] => [flag, { flag, type: type as FileType }]),
    ),
    // Here the key is not the name of the flag.
    [
      "experimental-snapshot-catch-up-entries",
      { flag: "experimental-snapshot-catchup-entries", type: "uint64" },
    ],
    ["client-transport-security", security("", "configJSON.client-transport-security")],
    ["peer-transport-security", security("peer-", "configJSON.peer-transport-security")],
    ["socket-options", SOCKET_OPTIONS],
    ["discovery-config", DISCOVERY],
  ]),
};

/** What etcd reads out of the file a second time, once the rest has been found valid. */
export const PROXY_SCHEMA: FileSection = {
  type: "etcdmain.configProxy",
  owner: PROXY_OWNER,
  path: "",
  fields: new Map<string, FileField>([
    ["proxy", { flag: "proxy", type: "string" }],
    ["discovery-fallback", { flag: "discovery-fallback", type: "string" }],
    ["proxy-failure-wait", { flag: "proxy-failure-wait", type: "uint" }],
    ["proxy-refresh-interval", { flag: "proxy-refresh-interval", type: "uint" }],
    ["proxy-dial-timeout", { flag: "proxy-dial-timeout", type: "uint" }],
    ["proxy-write-timeout", { flag: "proxy-write-timeout", type: "uint" }],
    ["proxy-read-timeout", { flag: "proxy-read-timeout", type: "uint" }],
  ]),
};
