/** What the flags of `etcd grpc-proxy start` mean. Source: etcd server/etcdmain/grpc_proxy.go (checkArgs; 3.5). */
import { type VersionRange, versionRange } from "../../tls/versions.ts";
import type { FlagSet } from "../pflag.ts";
import { ProxyExit } from "./proxy-exit.ts";

const NANOSECONDS_PER_MS = 1_000_000;

/** Milliseconds of a duration flag. */
export function millisecondsOf(flags: FlagSet, name: string): number {
  return Number(flags.getInteger(name)) / NANOSECONDS_PER_MS;
}

/** Refuses what does not go together; the versions of TLS that may be spoken with clients. */
export function checkProxyFlags(flags: FlagSet): VersionRange {
  const problem = registrationProblem(flags) ?? tlsProblem(flags) ?? missing(flags);
  const min = flags.getString("tls-min-version");
  const max = flags.getString("tls-max-version");
  const versions = versionRange(min, max);
  const told = problem ?? (typeof versions === "string" ? versions : undefined);
  if (told !== undefined || typeof versions === "string") {
    throw new ProxyExit(`${told ?? ""}\n`, "stderr");
  }
  if (min === "TLS1.3" && flags.getStrings("listen-cipher-suites").length > 0) {
    const text = "cipher suites cannot be configured when only TLS1.3 is enabled\n";
    throw new ProxyExit(text, "stderr");
  }
  return versions;
}

function registrationProblem(flags: FlagSet): string | undefined {
  const prefix = flags.getString("resolver-prefix");
  const ttl = flags.getInteger("resolver-ttl");
  if (prefix !== "" && ttl < 1n) return `invalid resolver-ttl ${ttl}`;
  if (prefix === "" && ttl > 0n) return 'invalid resolver-prefix ""';
  if (prefix !== "" && flags.getString("advertise-client-url") === "") {
    return 'invalid advertise-client-url ""';
  }
  return undefined;
}

function tlsProblem(flags: FlagSet): string | undefined {
  if (flags.getBool("auto-tls") && flags.getInteger("self-signed-cert-validity") === 0n) {
    return "selfSignedCertValidity is invalid,it should be greater than 0";
  }
  return undefined;
}

/** What this program does not do. */
function missing(flags: FlagSet): string | undefined {
  if (flags.getString("experimental-leasing-prefix") !== "") {
    return "--experimental-leasing-prefix is not supported by this version of etcd-ts: reads always go to the servers";
  }
  return undefined;
}
