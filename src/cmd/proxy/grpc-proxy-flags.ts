/** Flags of `etcd grpc-proxy start`. Source: etcd server/etcdmain/grpc_proxy.go (3.5). */
import { FlagSet } from "../pflag.ts";

const SECOND = 1_000_000_000n;

/** A fresh set. */
export function grpcProxyFlags(): FlagSet {
  const flags = new FlagSet();
  addUpstream(flags);
  addOwn(flags);
  addTls(flags);
  return flags;
}

/** About the servers behind the proxy. */
function addUpstream(flags: FlagSet): void {
  flags
    .string(
      "discovery-srv",
      "",
      "domain name to query for SRV records describing cluster endpoints",
    )
    .string("discovery-srv-name", "", "service name to query when using DNS discovery")
    .bool("insecure-discovery", false, "accept insecure SRV records")
    .stringSlice("endpoints", ["127.0.0.1:2379"], "comma separated etcd cluster endpoints")
    .duration(
      "endpoints-auto-sync-interval",
      0n,
      "etcd endpoints auto sync interval (disabled by default)",
    )
    .duration(
      "dial-keepalive-time",
      0n,
      "keepalive time for client(grpc-proxy) connections (default 0, disable).",
    )
    .duration(
      "dial-keepalive-timeout",
      20n * SECOND,
      "keepalive timeout for client(grpc-proxy) connections (default 20s).",
    )
    .bool(
      "permit-without-stream",
      false,
      "Enable client(grpc-proxy) to send keepalive pings even with no active RPCs.",
    )
    .int64("max-send-bytes", 1_572_864n, "message send limits in bytes (default value is 1.5 MiB)")
    .int64(
      "max-recv-bytes",
      2_147_483_647n,
      "message receive limits in bytes (default value is math.MaxInt32)",
    );
}

/** About the proxy itself. */
function addOwn(flags: FlagSet): void {
  flags
    .string("listen-addr", "127.0.0.1:23790", "listen address")
    .string("metrics-addr", "", "listen for endpoint /metrics requests on an additional interface")
    .string(
      "advertise-client-url",
      "127.0.0.1:23790",
      "advertise address to register (must be reachable by client)",
    )
    .string(
      "resolver-prefix",
      "",
      "prefix to use for registering proxy (must be shared with other grpc-proxy members)",
    )
    .int64("resolver-ttl", 0n, "specify TTL, in seconds, when registering proxy endpoints")
    .string("namespace", "", "string to prefix to all keys for namespacing requests")
    .bool(
      "enable-pprof",
      false,
      'Enable runtime profiling data via HTTP server. Address is at client URL + "/debug/pprof/"',
    )
    .string("data-dir", "default.proxy", "Data directory for persistent data")
    .duration(
      "grpc-keepalive-min-time",
      5n * SECOND,
      "Minimum interval duration that a client should wait before pinging proxy.",
    )
    .duration(
      "grpc-keepalive-interval",
      7200n * SECOND,
      "Frequency duration of server-to-client ping to check if a connection is alive (0 to disable).",
    )
    .duration(
      "grpc-keepalive-timeout",
      20n * SECOND,
      "Additional duration of wait before closing a non-responsive connection (0 to disable).",
    )
    .uint32(
      "max-concurrent-streams",
      4_294_967_295n,
      "Maximum concurrent streams that each client can open at a time.",
    )
    .bool(
      "experimental-serializable-ordering",
      false,
      "Ensure serializable reads have monotonically increasing store revisions across endpoints.",
    )
    .string(
      "experimental-leasing-prefix",
      "",
      "leasing metadata prefix for disconnected linearized reads.",
    )
    .bool("debug", false, "Enable debug-level logging for grpc-proxy.");
}

function addTls(flags: FlagSet): void {
  flags
    .string(
      "cert",
      "",
      "identify secure connections with etcd servers using this TLS certificate file",
    )
    .string("key", "", "identify secure connections with etcd servers using this TLS key file")
    .string(
      "cacert",
      "",
      "verify certificates of TLS-enabled secure etcd servers using this CA bundle",
    )
    .bool(
      "insecure-skip-tls-verify",
      false,
      "skip authentication of etcd server TLS certificates (CAUTION: this option should be enabled only for testing purposes)",
    )
    .string(
      "cert-file",
      "",
      "identify secure connections to the proxy using this TLS certificate file",
    )
    .string("key-file", "", "identify secure connections to the proxy using this TLS key file")
    .string(
      "trusted-ca-file",
      "",
      "verify certificates of TLS-enabled secure proxy using this CA bundle",
    )
    .stringSlice(
      "listen-cipher-suites",
      [],
      "Comma-separated list of supported TLS cipher suites between client/proxy (empty will be auto-populated by Go).",
    )
    .bool("auto-tls", false, "proxy TLS using generated certificates")
    .string("client-crl-file", "", "proxy client certificate revocation list file.")
    .uint64(
      "self-signed-cert-validity",
      1n,
      "The validity period of the proxy certificates, unit is year",
    )
    .string(
      "tls-min-version",
      "TLS1.2",
      "Minimum TLS version supported by grpc proxy. Possible values: TLS1.2, TLS1.3.",
    )
    .string(
      "tls-max-version",
      "",
      "Maximum TLS version supported by grpc proxy. Possible values: TLS1.2, TLS1.3 (empty defers to Go).",
    );
}
