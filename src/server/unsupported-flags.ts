/**
 * Flags of etcd 3.5 that have no effect here. They are read like any other, so that a mistake in a value is
 * told, and a value that asks for something this version does not do is refused at start: a member must
 * never run with less than it was told to. The list is also in docs/compatibility.md.
 *
 * Source: etcd server/etcdmain/config.go (3.5).
 */
import { bool, type FlagKind, int64, oneOf, string, texts, uint64, urls } from "./flag-kinds.ts";
import { FlagRefusal } from "./flag-refusal.ts";

export interface UnsupportedFlag {
  /** Returns the refusal of a text that has the wrong form, or whether it asks for nothing. */
  readonly check: (text: string) => FlagRefusal | boolean;
  readonly isBool: boolean;
  /** Why not, for the user. */
  readonly reason: string;
}

/** A flag that is accepted with its default and with `others`, which ask for nothing either. */
function unsupported<T>(
  reason: string,
  kind: FlagKind<T>,
  initial: T,
  ...others: readonly T[]
): UnsupportedFlag {
  const harmless = new Set([initial, ...others].map((value) => JSON.stringify(value)));
  return {
    isBool: kind.isBool,
    reason,
    check(text) {
      const value = kind.parse(text, initial);
      return value instanceof FlagRefusal ? value : harmless.has(JSON.stringify(value));
    },
  };
}

const TLS = "connections are not encrypted";
const AUTH = "there are no users, roles and tokens";
const DISCOVERY = "members are named by --initial-cluster only";
const V2 = "the v2 API does not exist";
const HTTP = "over HTTP there are /version and /health only, on the client URLs";
const TRACING = "there is no tracing";
const ROTATION = "log files are not rotated; a program such as logrotate can do it";

export const UNSUPPORTED_FLAGS: Readonly<Record<string, UnsupportedFlag>> = {
  "config-file": unsupported("give flags or environment variables instead", string, ""),

  "cert-file": unsupported(TLS, string, ""),
  "key-file": unsupported(TLS, string, ""),
  "client-cert-file": unsupported(TLS, string, ""),
  "client-key-file": unsupported(TLS, string, ""),
  "client-cert-auth": unsupported(TLS, bool, false),
  "client-crl-file": unsupported(TLS, string, ""),
  "client-cert-allowed-hostname": unsupported(TLS, string, ""),
  "trusted-ca-file": unsupported(TLS, string, ""),
  "auto-tls": unsupported(TLS, bool, false),
  "peer-cert-file": unsupported(TLS, string, ""),
  "peer-key-file": unsupported(TLS, string, ""),
  "peer-client-cert-file": unsupported(TLS, string, ""),
  "peer-client-key-file": unsupported(TLS, string, ""),
  "peer-client-cert-auth": unsupported(TLS, bool, false),
  "peer-trusted-ca-file": unsupported(TLS, string, ""),
  "peer-cert-allowed-cn": unsupported(TLS, string, ""),
  "peer-cert-allowed-hostname": unsupported(TLS, string, ""),
  "peer-auto-tls": unsupported(TLS, bool, false),
  "peer-crl-file": unsupported(TLS, string, ""),
  "self-signed-cert-validity": unsupported(TLS, uint64, 1),
  "cipher-suites": unsupported(TLS, string, ""),
  "tls-min-version": unsupported(TLS, string, "TLS1.2", ""),
  "tls-max-version": unsupported(TLS, string, ""),
  "experimental-peer-skip-client-san-verification": unsupported(TLS, bool, false),

  "auth-token": unsupported(AUTH, string, "simple"),
  "bcrypt-cost": unsupported(AUTH, uint64, 10),
  "auth-token-ttl": unsupported(AUTH, uint64, 300),

  discovery: unsupported(DISCOVERY, string, ""),
  "discovery-fallback": unsupported(DISCOVERY, oneOf("proxy", "exit"), "proxy", "exit"),
  "discovery-proxy": unsupported(DISCOVERY, string, ""),
  "discovery-srv": unsupported(DISCOVERY, string, ""),
  "discovery-srv-name": unsupported(DISCOVERY, string, ""),

  "unsafe-no-fsync": unsupported("an answer always means that the data is on disk", bool, false),
  "backend-bbolt-freelist-type": unsupported(
    "there is one kind of free list",
    string,
    "",
    "map",
    "array",
  ),
  "experimental-memory-mlock": unsupported("memory is not locked", bool, false),

  "listen-client-http-urls": unsupported(HTTP, urls, []),
  "listen-metrics-urls": unsupported(HTTP, urls, []),
  "enable-grpc-gateway": unsupported(HTTP, bool, true, false),
  cors: unsupported(HTTP, string, "*", ""),
  "host-whitelist": unsupported(HTTP, texts, ["*"], [""]),
  metrics: unsupported(HTTP, string, "basic"),
  "enable-pprof": unsupported("use the profiler of Node.js (node --cpu-prof)", bool, false),
  "socket-reuse-port": unsupported("listeners do not share ports", bool, false),
  "socket-reuse-address": unsupported("listeners do not share addresses", bool, false),

  "experimental-txn-mode-write-with-shared-buffer": unsupported(
    "transactions read through one buffer",
    bool,
    true,
  ),
  // Accepted: the service goes on during a defragmentation, so there is nothing to stop it for.
  "experimental-stop-grpc-service-on-defrag": unsupported(
    "a defragmentation does not stop the service",
    bool,
    false,
    true,
  ),

  "experimental-enable-distributed-tracing": unsupported(TRACING, bool, false),
  "experimental-distributed-tracing-address": unsupported(TRACING, string, "localhost:4317"),
  "experimental-distributed-tracing-service-name": unsupported(TRACING, string, "etcd"),
  "experimental-distributed-tracing-instance-id": unsupported(TRACING, string, ""),
  "experimental-distributed-tracing-sampling-rate": unsupported(TRACING, int64, 0),

  "enable-log-rotation": unsupported(ROTATION, bool, false),
  "log-rotation-config-json": unsupported(
    ROTATION,
    string,
    '{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}',
  ),

  "enable-v2": unsupported(V2, bool, false),
  "experimental-enable-v2v3": unsupported(V2, string, ""),
  "v2-deprecation": unsupported(
    V2,
    oneOf("not-yet", "write-only", "write-only-drop-data", "gone"),
    "not-yet",
  ),
  proxy: unsupported(V2, oneOf("off", "readonly", "on"), "off"),
  "proxy-failure-wait": unsupported(V2, uint64, 5000),
  "proxy-refresh-interval": unsupported(V2, uint64, 30_000),
  "proxy-dial-timeout": unsupported(V2, uint64, 1000),
  "proxy-write-timeout": unsupported(V2, uint64, 5000),
  "proxy-read-timeout": unsupported(V2, uint64, 0),
};

/** Flags of versions long gone, which etcd itself reads and ignores. */
export const IGNORED_FLAGS: readonly string[] = [
  "cluster-active-size",
  "cluster-remove-delay",
  "cluster-sync-interval",
  "config",
  "force",
  "max-result-buffer",
  "max-retry-attempts",
  "peer-heartbeat-interval",
  "peer-election-timeout",
  "retry-interval",
  "snapshot",
  "v",
  "vv",
];

/** The line that refuses `name`. */
export function unsupportedFlagMessage(name: string, reason: string): string {
  return `--${name} is not supported by this version of etcd-ts: ${reason}`;
}
