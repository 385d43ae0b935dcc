/**
 * What a configuration file makes of the values of all flags. It is all there is: flags and variables beside
 * it are not looked at.
 *
 * Source: etcd server/embed/config.go (configFromFile), server/etcdmain/config.go (configFromFile) (3.5).
 */
import { DEFAULT_INITIAL_CLUSTER } from "../flags/defaults.ts";
import { gates } from "../flags/feature-gates.ts";
import { oneOf, origins, texts } from "../flags/kinds.ts";
import { FlagRefusal } from "../flags/refusal.ts";
import type { FlagName, FlagValues } from "../flags/table.ts";
import { parseServerUrls } from "../config/server-url.ts";
import { ConfigFileError, type FileNode } from "./file-node.ts";
import { FILE_SCHEMA, PROXY_SCHEMA } from "./file-schema.ts";
import { type FileText, readFileValues } from "./read-file-values.ts";

/** A mistake that etcd tells as plain text on standard error before it ends. */
export interface PlainEnd {
  readonly text: string;
  readonly code: number;
}

/** A key that means nothing. */
export interface UnknownKey {
  readonly key: string;
  readonly line: number;
}

export interface FileValues {
  /** Flags that the file gives. */
  readonly given: ReadonlySet<FlagName>;
  readonly unknown: readonly UnknownKey[];
  /** What is found only after everything else has been found valid. */
  readonly late: ConfigFileError | PlainEnd | undefined;
}

/** Defaults that are others in a file than on the command line. */
const FILE_DEFAULTS: Partial<FlagValues> = {
  "auto-compaction-mode": "",
  "auto-compaction-retention": "",
  "tls-min-version": "",
  "experimental-distributed-tracing-address": "",
  "experimental-distributed-tracing-service-name": "",
  "discovery-fallback": "exit",
};

/** Sets `values`, which are those of no flags at all, to what the file says. */
export function applyConfigFile(
  root: FileNode,
  values: FlagValues,
): FileValues | ConfigFileError | PlainEnd {
  Object.assign(values, FILE_DEFAULTS);
  const reading = readFileValues(root, FILE_SCHEMA, values);
  if (reading instanceof ConfigFileError) return reading;
  for (const text of inOrder(reading.texts)) {
    const problem = applyText(text, values);
    if (problem !== undefined) return problem;
  }
  settle(values);
  const proxy = readFileValues(root, PROXY_SCHEMA, values);
  const second = new Set(PROXY_SCHEMA.fields.keys());
  return {
    given: reading.given,
    unknown: reading.unknown.filter(({ key }) => !second.has(key.toLowerCase())),
    late: proxy instanceof ConfigFileError ? proxy : proxyProblem(values),
  };
}

/** The order in which etcd takes the texts apart. */
const TEXT_ORDER: readonly FlagName[] = [
  "feature-gates",
  "listen-peer-urls",
  "listen-client-urls",
  "listen-client-http-urls",
  "initial-advertise-peer-urls",
  "advertise-client-urls",
  "listen-metrics-urls",
  "cors",
  "host-whitelist",
];

function inOrder(found: readonly FileText[]): FileText[] {
  return [...found].sort((a, b) => TEXT_ORDER.indexOf(a.flag) - TEXT_ORDER.indexOf(b.flag));
}

function applyText(
  { flag, type, text, line }: FileText,
  values: FlagValues,
): ConfigFileError | PlainEnd | undefined {
  if (type === "urls") {
    const urls = parseServerUrls(text);
    if (!(urls instanceof FlagRefusal)) {
      Object.assign(values, { [flag]: urls });
      return undefined;
    }
    // The name in this text is etcd's slip.
    const name = flag === "advertise-client-urls" ? "advertise-peer-urls" : flag;
    return { text: `unexpected error setting up ${name}: ${urls.message}`, code: 1 };
  }
  if (type === "origins") {
    const parsed = origins.parse(text, []);
    if (parsed instanceof FlagRefusal) {
      return { text: `panic: new UniqueURLs should never fail: ${parsed.message}`, code: 2 };
    }
    values.cors = parsed;
    return undefined;
  }
  if (type === "hosts") {
    const parsed = texts.parse(text, []);
    if (!(parsed instanceof FlagRefusal)) values["host-whitelist"] = parsed;
    return undefined;
  }
  const parsed = gates.parse(text, new Map());
  if (parsed instanceof FlagRefusal) return new ConfigFileError(parsed.message, line);
  values["feature-gates"] = parsed;
  return undefined;
}

/** What follows from what the file says. */
function settle(values: FlagValues): void {
  const isDiscovered =
    values.discovery !== "" ||
    values["discovery-srv"] !== "" ||
    values["discovery-endpoints"].length > 0;
  if (isDiscovered && values["initial-cluster"] === DEFAULT_INITIAL_CLUSTER) {
    values["initial-cluster"] = "";
  }
  if (String(values["initial-cluster-state"]) === "") values["initial-cluster-state"] = "new";
  if (values["self-signed-cert-validity"] === 0) values["self-signed-cert-validity"] = 1;
  if (values["log-outputs"].length === 0) values["log-outputs"] = ["default"];
}

const FALLBACKS = oneOf("proxy", "exit");
const PROXIES = oneOf("off", "readonly", "on");

function proxyProblem(values: FlagValues): PlainEnd | undefined {
  const fallback = FALLBACKS.parse(values["discovery-fallback"], "exit");
  if (fallback instanceof FlagRefusal) {
    return {
      text: `unexpected error setting up discovery-fallback flag: ${fallback.message}`,
      code: 1,
    };
  }
  const proxy = PROXIES.parse(values.proxy, "off");
  if (proxy instanceof FlagRefusal) {
    return { text: `unexpected error setting up proxyFlag: ${proxy.message}`, code: 1 };
  }
  return undefined;
}
