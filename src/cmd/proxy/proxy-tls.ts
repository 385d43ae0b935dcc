/** TLS of the gRPC proxy, on both of its sides. Source: etcd server/etcdmain/grpc_proxy.go (3.5). */
import path from "node:path";
import { systemClock } from "../../platform/clock.ts";
import type { DialTls } from "../../platform/socket-dial.ts";
import { TlsAcceptor } from "../../platform/tls/acceptor.ts";
import { TlsDialer } from "../../platform/tls/dialer.ts";
import { TlsFileError } from "../../platform/tls/file-error.ts";
import { TlsFiles } from "../../platform/tls/files.ts";
import { selfSignedCertificate } from "../../platform/tls/self-signed.ts";
import type { NamedLog } from "../../ports/log.ts";
import { parseCertificate } from "../../tls/certificate.ts";
import { cipherSuitesProblem } from "../../tls/cipher-suites.ts";
import { DerError } from "../../tls/der-reader.ts";
import { pemBlocks } from "../../tls/pem.ts";
import { type VersionRange, versionRange } from "../../tls/versions.ts";
import { readTls } from "../tls-config.ts";
import type { FlagSet } from "../pflag.ts";
import { ProxyExit } from "./proxy-exit.ts";

const NO_NAMES = { commonNames: [], hostNames: [] };

/** What clients of the proxy are met with; undefined when TLS is not asked for. */
export function clientAcceptor(
  flags: FlagSet,
  versions: VersionRange,
  log: NamedLog,
): TlsAcceptor | undefined {
  const caFile = flags.getString("trusted-ca-file");
  let certFile = flags.getString("cert-file");
  let keyFile = flags.getString("key-file");
  const isGiven = caFile !== "" || certFile !== "" || keyFile !== "";
  if (!isGiven && !flags.getBool("auto-tls")) return undefined;
  if (!isGiven) {
    const directory = path.join(flags.getString("data-dir"), "fixtures", "proxy");
    const years = Number(flags.getInteger("self-signed-cert-validity"));
    const hosts = [flags.getString("listen-addr")];
    const nowMs = systemClock.wallMs();
    ({ certFile, keyFile } = selfSignedCertificate(directory, hosts, years, nowMs, log));
  }
  const cipherSuites = flags.getStrings("listen-cipher-suites");
  const problem = cipherSuitesProblem(cipherSuites);
  if (problem !== undefined) throw new ProxyExit(`${problem}\n`, "stderr");
  const crlFile = flags.getString("client-crl-file");
  return new TlsAcceptor({
    files: openFiles({ certFile, keyFile, caFile, crlFile }, log),
    strength: { versions, cipherSuites },
    rules: {
      requiresCertificate: caFile !== "",
      namesCaller: false,
      allowed: NO_NAMES,
      addressLookups: undefined,
    },
    clock: systemClock,
    log: log.named("platform/tls/acceptor.ts"),
    rejectedMessage: "rejected connection",
  });
}

/**
 * How servers are reached over TLS; undefined when TLS is not asked for.
 *
 * Servers may take the name in a certificate for that of a user, and would give everybody behind the proxy the
 * rights of that user; a certificate with a name is refused. Differs from etcd: without a certificate, its proxy
 * does not start when it has an authority for those of servers.
 */
export function serverTls(flags: FlagSet): DialTls | undefined {
  const insecureSkipVerify = flags.getBool("insecure-skip-tls-verify");
  const tls = readTls({
    cert: flags.getString("cert"),
    key: flags.getString("key"),
    cacert: flags.getString("cacert"),
    serverName: "",
    insecureTransport: !insecureSkipVerify,
    insecureSkipVerify,
  });
  const name = commonNameIn(tls?.cert ?? "");
  if (name !== "") {
    const message = `cert has non empty Common Name (${name}): ${flags.getString("cert")}\n`;
    throw new ProxyExit(message, "stderr");
  }
  return tls;
}

/** The name in the first certificate of a file. */
function commonNameIn(pem: string): string {
  const block = pemBlocks(pem).find(({ label }) => label === "CERTIFICATE");
  const certificate = block && parseCertificate(block.bytes);
  return certificate === undefined || certificate instanceof DerError ? "" : certificate.commonName;
}

/** The same for their pages of metrics. */
export function metricsDialer(flags: FlagSet, log: NamedLog): TlsDialer {
  const names = {
    certFile: flags.getString("cert"),
    keyFile: flags.getString("key"),
    caFile: flags.getString("cacert"),
    crlFile: "",
  };
  const versions = versionRange("TLS1.2", "");
  if (typeof versions === "string") throw new ProxyExit(`${versions}\n`, "stderr");
  return new TlsDialer({
    files: openFiles(names, log),
    strength: { versions, cipherSuites: [] },
    allowed: NO_NAMES,
    trustsAnybody: flags.getBool("insecure-skip-tls-verify"),
    serverName: "",
    clock: systemClock,
  });
}

function openFiles(names: Parameters<typeof TlsFiles.open>[0], log: NamedLog): TlsFiles {
  try {
    return TlsFiles.open(names, log.named("platform/tls/files.ts"));
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error;
    throw new ProxyExit(`${error.message}\n`, "stderr");
  }
}
