/**
 * Who founds the cluster of a member that is not told by --initial-cluster: DNS or another cluster is asked,
 * and the configuration goes on with what they say.
 *
 * Source: etcd server/embed/config.go (PeerURLsMapAndToken), server/etcdserver/bootstrap.go (3.5, 3.6).
 */
import { foundingMembers } from "../../membership/founding-entries.ts";
import { formatId } from "../../membership/member-info.ts";
import type { Log } from "../../ports/log.ts";
import { GoUrlError, goQuoteText, parseGoUrl } from "../../stdx/go-url.ts";
import type { Environment } from "../start/bootstrap.ts";
import type { ServerConfig } from "../config/config.ts";
import { StartError } from "../start/start-error.ts";
import { DiscoveryError, joinRegistry, tokenKeys, urlKeys } from "./join-registry.ts";
import { srvCluster } from "./srv-cluster.ts";

/** What of the world is asked. */
export type DiscoveryEnvironment = Pick<
  Environment,
  "clock" | "log" | "lookUpHost" | "lookUpSrv" | "openRegistry" | "sha1"
>;

/** `config` with the cluster that was found. Rejects with a `StartError`. */
export async function discoveredConfig(
  config: ServerConfig,
  environment: DiscoveryEnvironment,
): Promise<ServerConfig> {
  const { discovery, initialClusterState } = config;
  if (discovery.srv !== "") return fromDns(config, environment);
  const isAsked = discovery.endpoints.length > 0 || discovery.url !== "";
  if (isAsked && initialClusterState === "new") return fromRegistry(config, environment);
  return config;
}

async function fromDns(
  config: ServerConfig,
  { log, lookUpHost, lookUpSrv }: DiscoveryEnvironment,
): Promise<ServerConfig> {
  if (lookUpHost === undefined || lookUpSrv === undefined) {
    throw new StartError("error setting up initial cluster: there is no DNS here");
  }
  const { srv: domain, srvName: suffix } = config.discovery;
  const { name, initialAdvertisePeerUrls: advertised } = config;
  const query = { domain, suffix, name, advertised };
  const environment = { lookUpHost, lookUpSrv, log: log.named("server/discovery/srv-cluster.ts") };
  const found = await srvCluster(query, environment);
  if (found instanceof Error) {
    throw new StartError(`error setting up initial cluster: ${found.message}`);
  }
  if (!found.some((member) => member.startsWith(`${name}=`))) {
    const problem = `cannot find local etcd member ${goQuoteText(name)} in SRV records`;
    throw new StartError(`error setting up initial cluster: ${problem}`);
  }
  return { ...config, initialCluster: found.join(",") };
}

async function fromRegistry(
  config: ServerConfig,
  { clock, log, openRegistry, sha1 }: DiscoveryEnvironment,
): Promise<ServerConfig> {
  const { discovery, name, initialAdvertisePeerUrls } = config;
  if (openRegistry === undefined) throw failedToJoin("there is no discovery service here");
  const path = urlPathOf(discovery.url);
  if (path instanceof Error) throw failedToJoin(path.message);
  const token = path === undefined ? discovery.token : discovery.url;
  const keys = path === undefined ? tokenKeys(token) : urlKeys(path);
  const urls = initialAdvertisePeerUrls.map(({ text }) => text);
  const { members } = foundingMembers([{ name, peerUrls: urls }], token, sha1);
  const member = {
    id: formatId(members[0].id),
    urls: urls.map((url) => `${name}=${url}`).join(","),
  };
  const registryLog = log.named("server/discovery/join-registry.ts");
  try {
    const registry = await openRegistry(discovery);
    try {
      const environment = { clock, log: registryLog };
      const initialCluster = await joinRegistry(registry, keys, member, environment);
      registryLog.info("discovery joined cluster successfully", { cluster: initialCluster });
      return { ...config, initialCluster, initialClusterToken: token };
    } finally {
      registry.close();
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    registryLog.error("discovery failed to join cluster", { cluster: "", error: problem });
    if (error instanceof DiscoveryError) sayWayOut(config, token, problem, registryLog);
    throw failedToJoin(problem);
  }
}

/** The path of a discovery URL; `undefined` when there is none. */
function urlPathOf(text: string): string | Error | undefined {
  if (text === "") return undefined;
  const url = parseGoUrl(text);
  return url instanceof GoUrlError ? url : url.path;
}

/** What an operator can do about an answer of the service that ends the start. */
function sayWayOut({ name, dataDir }: ServerConfig, token: string, error: string, log: Log): void {
  const fields = { "discovery-token": token, error };
  if (error.endsWith("found duplicate id")) {
    log.warn("member has been registered with discovery service", { name, ...fields });
    log.warn("but could not find valid cluster configuration", { "data-dir": dataDir });
    log.warn("check data dir if previous bootstrap succeeded");
    log.warn("or use a new discovery token if previous bootstrap failed");
    return;
  }
  if (error.endsWith("found duplicate name")) {
    log.warn("member with duplicated name has already been registered", fields);
    log.warn("cURL the discovery token URL for details");
  } else {
    log.warn("failed to bootstrap; discovery token was already used", fields);
  }
  log.warn("do not reuse discovery token; generate a new one to bootstrap a cluster");
}

function failedToJoin(problem: string): StartError {
  return new StartError(`failed to join discovery cluster (${problem})`);
}
