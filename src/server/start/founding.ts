/**
 * Who a member without data is: a founder of a new cluster, as its flags determine it, or one that joins a
 * cluster that exists.
 *
 * Source: etcd server/etcdserver/server.go (NewServer, 3.5).
 */
import { foundingMembers } from "../../membership/founding-entries.ts";
import { formatId, type MemberInfo } from "../../membership/member-info.ts";
import { assert } from "../../stdx/assert.ts";
import type { Environment } from "./bootstrap.ts";
import type { ServerConfig } from "../config/config.ts";
import { discoveredConfig } from "../discovery/discovered-config.ts";
import { FlagRefusal } from "../flags/refusal.ts";
import { foundingProblem, initialClusterOf, joiningProblem } from "../config/initial-cluster.ts";
import { joinCluster, type NamedMember, remoteUrls } from "./join-cluster.ts";
import { BOOTSTRAP_PROBE_TIMEOUT_MS } from "../limits.ts";
import { urlComparison } from "./peer-urls.ts";
import { askForCluster } from "./remote-cluster.ts";
import { StartError } from "./start-error.ts";

export interface Founding {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** Who founds the cluster, by ascending id; empty when it exists already. */
  readonly founders: readonly MemberInfo[];
  /** Whom to reach before the log says who the members are. */
  readonly remotes: readonly MemberInfo[];
}

/** What of the world decides about an identity. */
export type FoundingEnvironment = Pick<
  Environment,
  | "clock"
  | "firstLife"
  | "isCancelled"
  | "log"
  | "lookUpHost"
  | "lookUpSrv"
  | "openRegistry"
  | "peers"
  | "sha1"
>;

/** Rejects with a `StartError` when the flags, or the other members, do not let this one start. */
export async function establishIdentity(
  config: ServerConfig,
  environment: FoundingEnvironment,
): Promise<Founding> {
  const founding =
    config.initialClusterState === "existing"
      ? await joining(config, environment)
      : await foundingOf(config, environment);
  if (config.initialClusterState === "new" && environment.firstLife === undefined) {
    await refuseSecondStart(config, environment, founding);
  }
  if (environment.isCancelled?.() === true) throw new StartError("the start was cancelled");
  return founding;
}

/** The identity that the flags of a founder determine. Rejects with a `StartError`. */
export async function foundingOf(
  given: ServerConfig,
  environment: FoundingEnvironment,
): Promise<Founding> {
  const config = await discoveredConfig(given, environment);
  const { clock, log, lookUpHost, sha1 } = environment;
  const cluster = accepted(initialClusterOf(config));
  const comparison = urlComparison(clock, log.named("server/start/peer-urls.ts"), lookUpHost);
  const { name, initialAdvertisePeerUrls } = config;
  accepted(await foundingProblem(cluster, name, initialAdvertisePeerUrls, comparison));
  const named = namedMembers(cluster);
  const { clusterId, members } = foundingMembers(named, config.initialClusterToken, sha1);
  const self = members.find((member) => member.name === name);
  assert(self !== undefined, "A founder must be among the members");
  return { clusterId, memberId: self.id, founders: members, remotes: [] };
}

async function joining(given: ServerConfig, environment: FoundingEnvironment): Promise<Founding> {
  const config = await discoveredConfig(given, environment);
  const { clock, log, lookUpHost, peers, sha1 } = environment;
  const cluster = accepted(initialClusterOf(config));
  accepted(joiningProblem(cluster, config.name));
  const { clusterId, memberId, members } = await joinCluster(
    config.name,
    foundingMembers(namedMembers(cluster), config.initialClusterToken, sha1).members,
    peers,
    urlComparison(clock, log.named("server/start/peer-urls.ts"), lookUpHost),
    log.named("server/start/join-cluster.ts"),
  );
  const remotes = members.filter(({ id }) => id !== memberId);
  return { clusterId, memberId, founders: [], remotes };
}

/**
 * A member that has run before and lost its data must not found its cluster again: it would vote a second
 * time for what it has voted for already. The others remember that they have seen it.
 */
async function refuseSecondStart(
  config: ServerConfig,
  { peers }: FoundingEnvironment,
  { memberId, founders }: Founding,
): Promise<void> {
  // All at once: founders that start together listen, and do not answer until they have asked as well.
  const answers = await Promise.all(
    remoteUrls(config.name, founders).map((url) =>
      askForCluster(peers, [url], BOOTSTRAP_PROBE_TIMEOUT_MS, undefined),
    ),
  );
  const hasServed = answers.some((answer) => {
    if (answer instanceof Error) return false;
    const self = answer.members.find(({ id }) => id === memberId);
    return self !== undefined && self.clientUrls.length > 0;
  });
  if (!hasServed) return;
  throw new StartError(`member ${formatId(memberId)} has already been bootstrapped`);
}

function namedMembers(
  cluster: ReadonlyMap<string, readonly { readonly text: string }[]>,
): NamedMember[] {
  return [...cluster].map(([name, urls]) => ({ name, peerUrls: urls.map(({ text }) => text) }));
}

function accepted<T>(value: T | FlagRefusal): T {
  if (value instanceof FlagRefusal) throw new StartError(value.message);
  return value;
}
