/**
 * Who founds the cluster of a member that is not told by --initial-cluster: DNS or another cluster is asked,
 * and the configuration goes on with what they say.
 *
 * Source: etcd server/embed/config.go (PeerURLsMapAndToken), server/etcdserver/bootstrap.go (3.5, 3.6).
 */
import { foundingMembers } from "../../membership/founding-entries.ts";
import { formatId } from "../../membership/member-info.ts";
import { goQuoteText } from "../../stdx/go-url.ts";
import type { Environment } from "../bootstrap.ts";
import type { ServerConfig } from "../config.ts";
import { StartError } from "../start-error.ts";
import { DiscoveryError, joinRegistry } from "./join-registry.ts";
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
  if (discovery.endpoints.length > 0 && initialClusterState === "new") {
    return fromRegistry(config, environment);
  }
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
  const urls = initialAdvertisePeerUrls.map(({ text }) => text);
  const { members } = foundingMembers([{ name, peerUrls: urls }], discovery.token, sha1);
  const member = {
    id: formatId(members[0].id),
    urls: urls.map((url) => `${name}=${url}`).join(","),
  };
  const registryLog = log.named("server/discovery/join-registry.ts");
  try {
    const registry = await openRegistry(discovery);
    try {
      const environment = { clock, log: registryLog };
      const initialCluster = await joinRegistry(registry, discovery.token, member, environment);
      registryLog.info("discovery joined cluster successfully", { cluster: initialCluster });
      return { ...config, initialCluster, initialClusterToken: discovery.token };
    } finally {
      registry.close();
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    registryLog.error("discovery failed to join cluster", { cluster: "", error: problem });
    if (error instanceof DiscoveryError) {
      const fields = { "discovery-token": discovery.token, error: problem };
      registryLog.warn("failed to bootstrap; discovery token was already used", fields);
      registryLog.warn("do not reuse discovery token; generate a new one to bootstrap a cluster");
    }
    throw failedToJoin(problem);
  }
}

function failedToJoin(problem: string): StartError {
  return new StartError(`failed to join discovery cluster (${problem})`);
}
