/**
 * The flags that every command takes.
 *
 * Source: etcd etcdctl/ctlv3/ctl.go.
 */
import { FlagSet } from "../pflag.ts";

const SECOND_NS = 1_000_000_000n;

/** Fresh flags with their defaults. */
export function globalFlags(): FlagSet {
  return (
    new FlagSet()
      .stringSlice("endpoints", ["127.0.0.1:2379"], "gRPC endpoints")
      .bool("debug", false, "enable client-side debug logging")
      .string(
        "write-out",
        "simple",
        "set the output format (fields, json, protobuf, simple, table)",
        "w",
      )
      .bool("hex", false, "print byte strings as hex encoded strings")
      .duration("dial-timeout", 2n * SECOND_NS, "dial timeout for client connections")
      .duration(
        "command-timeout",
        5n * SECOND_NS,
        "timeout for short running command (excluding dial timeout)",
      )
      .duration("keepalive-time", 2n * SECOND_NS, "keepalive time for client connections")
      .duration("keepalive-timeout", 6n * SECOND_NS, "keepalive timeout for client connections")
      .bool("insecure-transport", true, "disable transport security for client connections")
      .bool("insecure-discovery", true, "accept insecure SRV records describing cluster endpoints")
      .bool(
        "insecure-skip-tls-verify",
        false,
        "skip server certificate verification (CAUTION: this option should be enabled only for testing purposes)",
      )
      .string("cert", "", "identify secure client using this TLS certificate file")
      .string("key", "", "identify secure client using this TLS key file")
      .string(
        "cacert",
        "",
        "verify certificates of TLS-enabled secure servers using this CA bundle",
      )
      .string(
        "user",
        "",
        "username[:password] for authentication (prompt if password is not supplied)",
      )
      .string(
        "password",
        "",
        "password for authentication (if this option is used, --user option shouldn't include password)",
      )
      .string(
        "discovery-srv",
        "",
        "domain name to query for SRV records describing cluster endpoints",
        "d",
      )
      .string("discovery-srv-name", "", "service name to query when using DNS discovery")
      // Of etcd 3.6 and 3.7.
      .int64(
        "max-request-bytes",
        0n,
        "client-side request send limit in bytes (if 0, it defaults to 2.0 MiB (2 * 1024 * 1024).)",
      )
      .int64(
        "max-recv-bytes",
        0n,
        'client-side response receive limit in bytes (if 0, it defaults to "math.MaxInt32")',
      )
      .string(
        "auth-jwt-token",
        "",
        "JWT token used for authentication (if this option is used, --user and --password should not be set)",
      )
      .hide("max-request-bytes", "max-recv-bytes", "auth-jwt-token")
  );
}
