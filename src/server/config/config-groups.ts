/** Parts of the configuration that belong together: TLS, auth, HTTP, logs, tracing, discovery. */
import type { LogSettings } from "../../platform/log.ts";
import type { LogThreshold } from "../../ports/log.ts";
import { assert } from "../../stdx/assert.ts";
import type { FlagValues } from "../flags/table.ts";
import { parseLogRotation } from "./log-validation.ts";
import type { ServerUrl } from "./server-url.ts";

/** TLS of the listeners for clients, or of those for peers and of the connections to them. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  /** Of connections that this member makes itself; empty means the certificate of the listeners. */
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  readonly trustedCaFile: string;
  readonly crlFile: string;
  readonly clientCertAuth: boolean;
  readonly allowedCns: readonly string[];
  readonly allowedHostnames: readonly string[];
  readonly autoTls: boolean;
  readonly skipClientSanVerification: boolean;
}

export interface TlsVersions {
  /** "TLS1.2", "TLS1.3", or empty for the least or greatest there is. */
  readonly min: string;
  readonly max: string;
}

export interface AuthSettings {
  /** As given: "simple", "jwt,…" or empty. */
  readonly token: string;
  readonly bcryptCost: number;
  readonly tokenTtlSeconds: number;
}

export interface HttpSettings {
  /** Where HTTP is served alone; empty when it is served on the client URLs. */
  readonly clientHttpUrls: readonly ServerUrl[];
  readonly metricsUrls: readonly ServerUrl[];
  /** Whether the JSON gateway is served. */
  readonly gateway: boolean;
  /** Origins, or "*". */
  readonly cors: readonly string[];
  /** Host names, or "*". */
  readonly hostWhitelist: readonly string[];
  /** "basic" or "extensive". */
  readonly metrics: string;
  readonly pprof: boolean;
}

export interface TracingSettings {
  readonly enabled: boolean;
  readonly address: string;
  readonly serviceName: string;
  readonly instanceId: string;
  readonly samplingRatePerMillion: number;
}

export interface AuditSettings {
  /** A file, "-" for standard output, or empty for none. */
  readonly path: string;
  /** 0 means that they stay. */
  readonly maxAgeDays: number;
  /** 0 means all. */
  readonly maxBackups: number;
  readonly maxSizeMegabytes: number;
}

export interface DiscoverySettings {
  /** URL of a service of the v2 API, or empty. */
  readonly url: string;
  readonly proxy: string;
  /** Domain of DNS SRV records, or empty. */
  readonly srv: string;
  readonly srvName: string;
  /** Endpoints of a service of the v3 API; none means that it is not used. */
  readonly endpoints: readonly string[];
  readonly token: string;
  readonly dialTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly insecureTransport: boolean;
  readonly insecureSkipVerify: boolean;
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly user: string;
  readonly password: string;
}

export function clientTlsOf(values: FlagValues): TlsSettings {
  return {
    certFile: values["cert-file"],
    keyFile: values["key-file"],
    clientCertFile: values["client-cert-file"],
    clientKeyFile: values["client-key-file"],
    trustedCaFile: values["trusted-ca-file"],
    crlFile: values["client-crl-file"],
    clientCertAuth: values["client-cert-auth"],
    allowedCns: values["client-cert-allowed-cn"],
    allowedHostnames: values["client-cert-allowed-hostname"],
    autoTls: values["auto-tls"],
    skipClientSanVerification: false,
  };
}

export function peerTlsOf(values: FlagValues): TlsSettings {
  return {
    certFile: values["peer-cert-file"],
    keyFile: values["peer-key-file"],
    clientCertFile: values["peer-client-cert-file"],
    clientKeyFile: values["peer-client-key-file"],
    trustedCaFile: values["peer-trusted-ca-file"],
    crlFile: values["peer-crl-file"],
    clientCertAuth: values["peer-client-cert-auth"],
    allowedCns: values["peer-cert-allowed-cn"],
    allowedHostnames: values["peer-cert-allowed-hostname"],
    autoTls: values["peer-auto-tls"],
    skipClientSanVerification: values["peer-skip-client-san-verification"],
  };
}

export function tlsVersionsOf(values: FlagValues): TlsVersions {
  return { min: values["tls-min-version"], max: values["tls-max-version"] };
}

export function authOf(values: FlagValues): AuthSettings {
  return {
    token: values["auth-token"],
    bcryptCost: values["bcrypt-cost"],
    tokenTtlSeconds: values["auth-token-ttl"],
  };
}

export function httpOf(values: FlagValues): HttpSettings {
  return {
    clientHttpUrls: values["listen-client-http-urls"],
    metricsUrls: values["listen-metrics-urls"],
    gateway: values["enable-grpc-gateway"],
    cors: values.cors,
    hostWhitelist: values["host-whitelist"],
    metrics: values.metrics,
    pprof: values["enable-pprof"],
  };
}

export function tracingOf(values: FlagValues): TracingSettings {
  return {
    enabled: values["enable-distributed-tracing"],
    address: values["distributed-tracing-address"],
    serviceName: values["distributed-tracing-service-name"],
    instanceId: values["distributed-tracing-instance-id"],
    samplingRatePerMillion: values["distributed-tracing-sampling-rate"],
  };
}

/** `values` have been found valid. */
export function logOf(values: FlagValues, level: LogThreshold): LogSettings {
  const rotation = values["enable-log-rotation"]
    ? parseLogRotation(values["log-rotation-config-json"])
    : undefined;
  assert(typeof rotation !== "string", "The rotation of the log was found valid before");
  return {
    level,
    outputs: values["log-outputs"],
    format: values["log-format"] === "console" ? "console" : "json",
    rotation,
  };
}

export function auditOf(values: FlagValues): AuditSettings {
  return {
    path: values["audit-log"],
    maxAgeDays: values["audit-log-maxage"],
    maxBackups: values["audit-log-maxbackups"],
    maxSizeMegabytes: values["audit-log-maxsize"],
  };
}

export function discoveryOf(values: FlagValues): DiscoverySettings {
  return {
    url: values.discovery,
    proxy: values["discovery-proxy"],
    srv: values["discovery-srv"],
    srvName: values["discovery-srv-name"],
    endpoints: values["discovery-endpoints"],
    token: values["discovery-token"],
    dialTimeoutMs: values["discovery-dial-timeout"],
    requestTimeoutMs: values["discovery-request-timeout"],
    keepaliveTimeMs: values["discovery-keepalive-time"],
    keepaliveTimeoutMs: values["discovery-keepalive-timeout"],
    insecureTransport: values["discovery-insecure-transport"],
    insecureSkipVerify: values["discovery-insecure-skip-tls-verify"],
    certFile: values["discovery-cert"],
    keyFile: values["discovery-key"],
    caFile: values["discovery-cacert"],
    user: values["discovery-user"],
    password: values["discovery-password"],
  };
}
