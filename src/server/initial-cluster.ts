/**
 * The members that --initial-cluster names, and whether this member can start a new cluster from them.
 *
 * Source: etcd client/pkg/types/urlsmap.go, server/config/config.go (VerifyBootstrap) (3.5).
 */
import { goQuoteText } from "../stdx/go-url.ts";
import type { ServerConfig } from "./config.ts";
import { FlagRefusal } from "./flag-refusal.ts";
import { parseServerUrls, type ServerUrl } from "./server-url.ts";

/** Peer URLs by name, names in order of their text. */
export type InitialCluster = ReadonlyMap<string, readonly ServerUrl[]>;

/** Reads "name=URL,name=URL": a name may come several times. Returns the refusal instead of throwing it. */
export function parseInitialCluster(text: string): InitialCluster | FlagRefusal {
  const lists = new Map<string, string[]>();
  for (const part of text.split(",")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    const urls = lists.get(name) ?? [];
    urls.push(equals < 0 ? "" : part.slice(equals + 1));
    lists.set(name, urls);
  }
  const cluster = new Map<string, readonly ServerUrl[]>();
  for (const name of [...lists.keys()].sort()) {
    const urls = parseServerUrls((lists.get(name) ?? []).join(","));
    if (urls instanceof FlagRefusal) return urls;
    cluster.set(name, urls);
  }
  return cluster;
}

/** "name=URL" of every member, in order of their texts. */
export function printInitialCluster(cluster: InitialCluster): string {
  const pairs = [...cluster].flatMap(([name, urls]) => urls.map(({ text }) => `${name}=${text}`));
  return pairs.sort().join(",");
}

/** The cluster that a member without data starts, or the refusal, in etcd's words. */
export function verifyBootstrap(config: ServerConfig): InitialCluster | FlagRefusal {
  const cluster = parseInitialCluster(config.initialCluster);
  if (cluster instanceof FlagRefusal) {
    return new FlagRefusal(`error setting up initial cluster: ${cluster.message}`);
  }
  return (
    clusterProblem(cluster, config.name, config.initialAdvertisePeerUrls) ??
    unsupportedCluster(config, cluster) ??
    cluster
  );
}

/**
 * Why the member `name`, which advertises these URLs, cannot be one of `cluster`, in etcd's words.
 * Differs from etcd: host names are compared as they are written, not looked up.
 */
export function clusterProblem(
  cluster: InitialCluster,
  name: string,
  advertised: readonly ServerUrl[],
): FlagRefusal | undefined {
  const own = cluster.get(name);
  if (own === undefined) {
    const shown = goQuoteText(name);
    return new FlagRefusal(
      `couldn't find local name ${shown} in the initial cluster configuration`,
    );
  }
  const mismatch = advertiseMismatch(name, advertised, own);
  if (mismatch !== undefined) return new FlagRefusal(mismatch);
  const urls = [...cluster.values()].flat().map(({ text }) => text);
  if (new Set(urls).size < urls.length) {
    return new FlagRefusal(`initial cluster ${printInitialCluster(cluster)} has duplicate url`);
  }
  return undefined;
}

/** Differs from etcd: a cluster has one member, so there is no other one to start with or to join. */
function unsupportedCluster(
  config: ServerConfig,
  cluster: InitialCluster,
): FlagRefusal | undefined {
  const unsupported = "is not supported by this version of etcd-ts: a cluster has one member";
  if (cluster.size > 1) {
    return new FlagRefusal(`--initial-cluster with ${cluster.size} members ${unsupported}`);
  }
  if (config.initialClusterState === "existing") {
    return new FlagRefusal(`--initial-cluster-state=existing without data ${unsupported}`);
  }
  return undefined;
}

function advertiseMismatch(
  name: string,
  advertised: readonly ServerUrl[],
  named: readonly ServerUrl[],
): string | undefined {
  const reason = difference(advertised, named);
  if (reason === undefined) return undefined;
  const notAdvertised = missingFrom(advertised, named).map((text) => `${name}=${text}`);
  const advertisedList = advertised.map(({ text }) => text).join(",");
  if (notAdvertised.length > 0) {
    const missing = notAdvertised.join(",");
    return `--initial-cluster has ${missing} but missing from --initial-advertise-peer-urls=${advertisedList} (${reason})`;
  }
  const missing = missingFrom(named, advertised).join(",");
  const pairs = advertised.map(({ text }) => `${name}=${text}`).join(",");
  return `--initial-advertise-peer-urls has ${missing} but missing from --initial-cluster=${pairs}`;
}

/** Texts of `wanted` that `urls` lacks. */
function missingFrom(urls: readonly ServerUrl[], wanted: readonly ServerUrl[]): string[] {
  const there = new Set(urls.map(({ text }) => text));
  return wanted.map(({ text }) => text).filter((text) => !there.has(text));
}

function difference(a: readonly ServerUrl[], b: readonly ServerUrl[]): string | undefined {
  if (a.length !== b.length) return `len(${quotedList(a)}) != len(${quotedList(b)})`;
  const at = a.findIndex(({ text }, index) => text !== b[index].text);
  if (at < 0) return undefined;
  return `resolved urls: ${goQuoteText(a[at].text)} != ${goQuoteText(b[at].text)}`;
}

function quotedList(urls: readonly ServerUrl[]): string {
  return `[${urls.map(({ text }) => goQuoteText(text)).join(" ")}]`;
}
