/**
 * The discovery service: the members of a new cluster write themselves into another cluster, which knows how
 * many there will be, and wait until all have.
 *
 * A service that cannot be asked is asked again, with pauses that double up to four minutes, without end, as
 * by etcd: members are often started before it.
 *
 * Source: etcd server/etcdserver/api/v2discovery/discovery.go (3.5), v3discovery/discovery.go (3.6).
 */
import * as path from "node:path";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { GoNumberError, parseGoInt64 } from "../../stdx/go-number.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { FlagRefusal } from "../flags/refusal.ts";
import { parseInitialCluster } from "../config/initial-cluster.ts";
import { DISCOVERY_BACKOFF_DOUBLINGS_MAX, DISCOVERY_MEMBERS_MAX } from "../limits.ts";
import { RegisteredMembers, type RegistryKeys } from "./registered-members.ts";
import type { DiscoveryRegistry, RegistryEntry } from "./registry.ts";

const PREFIX = "/_etcd/registry";

/** The service has an answer, and no member can start with it. */
export class DiscoveryError extends Error {
  constructor(problem: string) {
    super(`discovery: ${problem}`);
    this.name = "DiscoveryError";
  }
}

export interface RegistryMember {
  /** Hexadecimal. */
  readonly id: string;
  /** `name=url`, separated by commas. */
  readonly urls: string;
}

export interface RegistryEnvironment {
  readonly clock: Clock;
  readonly log: Log;
}

/** What was found when the service could be asked. */
interface Found {
  readonly members: RegisteredMembers;
  readonly size: number;
  readonly revision: number;
}

/**
 * Registers `member` among those of `keys`; resolves with all of them as --initial-cluster names them.
 * Rejects with a `DiscoveryError`.
 */
export async function joinRegistry(
  registry: DiscoveryRegistry,
  keys: RegistryKeys,
  member: RegistryMember,
  environment: RegistryEnvironment,
): Promise<string> {
  return new Joining(registry, keys, member, environment).run();
}

/** Where the service of the v3 API has the cluster `token`. */
export function tokenKeys(token: string): RegistryKeys {
  const root = path.posix.join(PREFIX, token);
  return keysUnder(root, path.posix.join(root, "members"), false);
}

/** Where the service of the v2 API has the cluster of a discovery URL with this path. */
export function urlKeys(urlPath: string): RegistryKeys {
  const root = path.posix.join("/", urlPath);
  return keysUnder(root, root, true);
}

function keysUnder(root: string, members: string, hasUniqueNames: boolean): RegistryKeys {
  return {
    size: path.posix.join(root, "_config/size"),
    members,
    member: (id) => path.posix.join(members, id),
    hasUniqueNames,
  };
}

class Joining {
  readonly #registry: DiscoveryRegistry;
  readonly #keys: RegistryKeys;
  readonly #member: RegistryMember;
  readonly #clock: Clock;
  readonly #log: Log;
  #retries = 0;

  constructor(
    registry: DiscoveryRegistry,
    keys: RegistryKeys,
    member: RegistryMember,
    { clock, log }: RegistryEnvironment,
  ) {
    this.#registry = registry;
    this.#keys = keys;
    this.#member = member;
    this.#clock = clock;
    this.#log = log;
  }

  async run(): Promise<string> {
    await this.#check();
    await this.#register();
    for (;;) {
      const found = await this.#check();
      if (found.members.count < found.size) await this.#waitForPeers(found);
      if (found.members.count < found.size) continue;
      const cluster = found.members.initialCluster(found.size);
      const parsed = parseInitialCluster(cluster);
      const { hasUniqueNames } = this.#keys;
      if (parsed instanceof FlagRefusal) {
        throw new DiscoveryError(hasUniqueNames ? "invalid URL" : "invalid peer URL");
      }
      if (hasUniqueNames && parsed.size !== found.size) {
        throw new DiscoveryError("found duplicate name");
      }
      return cluster;
    }
  }

  /** Asks until there is an answer. Throws `DiscoveryError` when this member cannot be one of them. */
  async #check(): Promise<Found> {
    const found = await this.#repeating("cluster status check", async () => {
      const size = sizeOf(await this.#registry.get(this.#keys.size));
      const { entries, revision } = await this.#registry.list(this.#keys.members);
      const members = new RegisteredMembers(this.#keys);
      for (const entry of entries) this.#take(members, entry);
      return { members, size, revision };
    });
    if (found.members.isFullWithout(this.#keys.member(this.#member.id), found.size)) {
      throw new DiscoveryError("cluster is full");
    }
    return found;
  }

  async #register(): Promise<void> {
    const memberKey = this.#keys.member(this.#member.id);
    await this.#repeating("register member itself", () =>
      this.#registry.put(memberKey, this.#member.urls),
    );
    const fields = { memberKey, memberInfo: this.#member.urls };
    this.#log.info("register member itself successfully", fields);
  }

  /** Until all are there; until the watch fails otherwise. */
  async #waitForPeers({ members, size, revision }: Found): Promise<void> {
    const counts = (): { clusterSize: number; "found-peers": number } => ({
      clusterSize: size,
      "found-peers": members.count,
    });
    this.#log.info("waiting for peers from discovery service", counts());
    try {
      await this.#registry.watch(this.#keys.members, revision + 1, (entry) => {
        this.#take(members, entry);
        return members.count >= size;
      });
    } catch (error) {
      await this.#pause("wait for peers", error);
      return;
    }
    this.#log.info("found all needed peers from discovery service", counts());
  }

  #take(members: RegisteredMembers, entry: RegistryEntry): void {
    const fields = { memberKey: entry.key, memberInfo: entry.value };
    const problem = members.add(entry);
    if (problem === undefined) this.#log.info("found peer from discovery service", fields);
    else this.#log.warn(problem, fields);
  }

  async #repeating<T>(step: string, run: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await run();
        this.#retries = 0;
        return answer;
      } catch (error) {
        if (error instanceof DiscoveryError) throw error;
        await this.#pause(step, error);
      }
    }
  }

  #pause(reason: string, error: unknown): Promise<void> {
    this.#retries++;
    const seconds = 2 ** Math.min(this.#retries, DISCOVERY_BACKOFF_DOUBLINGS_MAX);
    this.#log.warn("retry connecting to discovery service", {
      reason,
      backoff: goDurationOfMs(seconds * 1000),
      error: error instanceof Error ? error.message : String(error),
    });
    return new Promise((resolve) => {
      this.#clock.after(seconds * 1000, resolve);
    });
  }
}

function sizeOf(text: string | undefined): number {
  if (text === undefined) throw new DiscoveryError("size key not found");
  const size = parseGoInt64(text, 10);
  if (size instanceof GoNumberError || size <= 0n || size > BigInt(DISCOVERY_MEMBERS_MAX)) {
    throw new DiscoveryError("size key is bad");
  }
  return Number(size);
}
