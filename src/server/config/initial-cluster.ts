/**
 * The members that --initial-cluster names, and whether this member can found or join a cluster of them.
 *
 * Source: etcd client/pkg/types/urlsmap.go, server/config/config.go (VerifyBootstrap, VerifyJoinExisting)
 * (3.5).
 */
import { goQuoteText } from "../../stdx/go-url.ts";
import type { ServerConfig } from "./config.ts";
import { FlagRefusal } from "../flags/refusal.ts";
import { type UrlComparison, urlDifference } from "../start/peer-urls.ts";
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

/** What --initial-cluster says, or the refusal, in etcd's words. */
export function initialClusterOf(config: ServerConfig): InitialCluster | FlagRefusal {
  const cluster = parseInitialCluster(config.initialCluster);
  if (!(cluster instanceof FlagRefusal)) return cluster;
  return new FlagRefusal(`error setting up initial cluster: ${cluster.message}`);
}

/**
 * Why the member `name`, which advertises these URLs, cannot found `cluster` together with the others, in
 * etcd's words.
 */
export async function foundingProblem(
  cluster: InitialCluster,
  name: string,
  advertised: readonly ServerUrl[],
  comparison: UrlComparison,
): Promise<FlagRefusal | undefined> {
  const own = cluster.get(name);
  if (own === undefined) return withoutLocalName(name);
  const mismatch = await advertiseMismatch(name, textsOf(advertised), textsOf(own), comparison);
  if (mismatch !== undefined) return new FlagRefusal(mismatch);
  return duplicateProblem(cluster);
}

/** Why the member `name` cannot join a cluster that exists and consists of `cluster`, in etcd's words. */
export function joiningProblem(cluster: InitialCluster, name: string): FlagRefusal | undefined {
  return cluster.has(name) ? duplicateProblem(cluster) : withoutLocalName(name);
}

function withoutLocalName(name: string): FlagRefusal {
  const shown = goQuoteText(name);
  return new FlagRefusal(`couldn't find local name ${shown} in the initial cluster configuration`);
}

function duplicateProblem(cluster: InitialCluster): FlagRefusal | undefined {
  const urls = textsOf([...cluster.values()].flat());
  if (new Set(urls).size === urls.length) return undefined;
  return new FlagRefusal(`initial cluster ${printInitialCluster(cluster)} has duplicate url`);
}

async function advertiseMismatch(
  name: string,
  advertised: readonly string[],
  named: readonly string[],
  comparison: UrlComparison,
): Promise<string | undefined> {
  const reason = await urlDifference(comparison, advertised, named);
  if (reason === undefined) return undefined;
  const pairs = advertised.map((url) => `${name}=${url}`).join(",");
  const advertisedList = advertised.join(",");
  const notAdvertised = named.filter((url) => !advertised.includes(url));
  if (notAdvertised.length > 0) {
    const missing = notAdvertised.map((url) => `${name}=${url}`).join(",");
    return `--initial-cluster has ${missing} but missing from --initial-advertise-peer-urls=${advertisedList} (${reason})`;
  }
  const notNamed = advertised.filter((url) => !named.includes(url));
  if (notNamed.length > 0) {
    return `--initial-advertise-peer-urls has ${notNamed.join(",")} but missing from --initial-cluster=${pairs}`;
  }
  return `failed to resolve ${advertisedList} to match --initial-cluster=${pairs} (${reason})`;
}

function textsOf(urls: readonly ServerUrl[]): string[] {
  return urls.map(({ text }) => text);
}
