/** A whole cluster inside one process, for tests: its members reach each other over sockets of the machine. */
import { Client } from "../client/client.ts";
import type { Connector } from "../client/connector.ts";
import { EtcdClient } from "../node-client/etcd-client.ts";
import { systemClock } from "../platform/clock.ts";
import { systemRandom } from "../platform/random.ts";
import path from "node:path";
import { bindMember, type BoundMember, initialClusterOf, releaseMember } from "./bound-member.ts";
import { EtcdConfigError, EtcdStoppedError } from "./errors.ts";
import { type Etcd, startBound } from "./etcd.ts";
import { CLUSTER_SIZE_MAX, LEADER_QUESTION_MS } from "./limits.ts";
import { silentLog } from "./member-log.ts";
import type { EtcdOptions } from "./options.ts";
import { stopWhenAborted } from "./stop-when-aborted.ts";
import { TemporaryDir } from "./temporary-dir.ts";

/**
 * Options of all members of a cluster. Their names are "member1", "member2", and so on; their data is in a
 * temporary folder, which `stop` removes, because their ports are others each time. A cluster that is to last
 * is made of `startEtcd` with peer URLs of its own.
 */
export interface ClusterOptions extends Omit<EtcdOptions, OfOneMember> {
  /** How many members: 1 to 9, 3 when absent. */
  readonly size?: number;
}

/** What members of one cluster cannot have in common. */
const OF_ONE_MEMBER = [
  "name",
  "dataDir",
  "walDir",
  "temporary",
  "initialCluster",
  "initialClusterState",
  "initialAdvertisePeerUrls",
  "advertiseClientUrls",
] as const;

type OfOneMember = (typeof OF_ONE_MEMBER)[number];

/**
 * Starts the members of a new cluster. Resolves when all of them take part; `ready` resolves when all of them
 * serve. Rejects as `startEtcd` does, and nothing is left running then.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<EtcdCluster> {
  const { size = 3, ...shared } = options;
  if (!Number.isInteger(size) || size < 1 || size > CLUSTER_SIZE_MAX) {
    throw new EtcdConfigError(`option size must be a whole number from 1 to ${CLUSTER_SIZE_MAX}`);
  }
  const foreign = OF_ONE_MEMBER.find((option) => option in options);
  if (foreign !== undefined) {
    throw new EtcdConfigError(`option ${foreign} is not for the members of one cluster`);
  }
  shared.signal?.throwIfAborted();
  const directory = new TemporaryDir();
  try {
    const cluster = new EtcdCluster(await startMembers(size, directory, shared), directory, shared);
    if (shared.signal !== undefined) stopWhenAborted(shared.signal, cluster);
    return cluster;
  } catch (error) {
    directory.remove();
    throw error;
  }
}

/** Binds all members, so that they know of each other, and then starts them. */
async function startMembers(
  size: number,
  directory: TemporaryDir,
  options: EtcdOptions,
): Promise<Etcd[]> {
  const bound: BoundMember[] = [];
  const running: Etcd[] = [];
  try {
    for (let index = 1; index <= size; index++) {
      const name = `member${index}`;
      const dataDir = path.join(directory.path, name);
      bound.push(await bindMember({ ...CLUSTER_DEFAULTS, ...options, name, dataDir }));
    }
    const initialCluster = bound.map(({ read }) => initialClusterOf(read)).join(",");
    for (let next = bound.shift(); next !== undefined; next = bound.shift()) {
      // The last one finds the others there.
      const firstLife = { leads: bound.length === 0 };
      running.push(await startBound(next, options, { initialCluster, firstLife }));
    }
    return running;
  } catch (error) {
    await Promise.all(bound.map(releaseMember));
    await Promise.all(running.map((member) => member.stop({ handOver: false })));
    throw error;
  }
}

const CLUSTER_DEFAULTS: EtcdOptions = {
  listenPeerUrls: "http://127.0.0.1:0",
  unsafeNoFsync: true,
};

/** Running members of one cluster. */
export class EtcdCluster {
  /** Resolves when the members that were started first serve clients. */
  readonly ready: Promise<void>;
  /** Resolves when `stop` has done its work, whatever became of it. */
  readonly closed: Promise<void>;
  readonly #members: Etcd[];
  readonly #directory: TemporaryDir;
  readonly #options: EtcdOptions;
  #client: EtcdClient | undefined;
  #stopping: Promise<void> | undefined;
  #tellClosed: () => void = () => undefined;

  /** To be called by `startCluster` alone. @internal */
  constructor(members: readonly Etcd[], directory: TemporaryDir, options: EtcdOptions) {
    this.#members = [...members];
    this.#directory = directory;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    this.ready = Promise.all(members.map((member) => member.ready)).then(() => undefined);
    this.ready.catch(() => undefined);
  }

  /** All members, those that were stopped as well. */
  get members(): readonly Etcd[] {
    return this.#members;
  }

  /**
   * Starts a member again that was stopped, on its data and its peer URLs: the one that is returned takes its
   * place in `members`. Rejects as `startEtcd` does, and with `EtcdStoppedError` once the cluster is stopped.
   */
  async restart(member: Etcd): Promise<Etcd> {
    if (this.#stopping !== undefined) throw new EtcdStoppedError();
    const index = this.#members.indexOf(member);
    if (index < 0) throw new EtcdConfigError(`"${member.name}" is no member of this cluster`);
    await member.stop();
    const { name, dataDir, urls } = member;
    const options = { ...CLUSTER_DEFAULTS, ...this.#options };
    const bound = await bindMember({ ...options, name, dataDir, listenPeerUrls: urls.peer });
    const started = await startBound(bound, options, undefined);
    if (this.#stopping !== undefined) await started.stop({ handOver: false });
    else this.#members[index] = started;
    return started;
  }

  /** A client of all members, without sockets: when one is stopped, it goes to the others. */
  get client(): EtcdClient {
    this.#client ??= new EtcdClient({
      client: new Client({
        endpoints: this.members.map(({ name }) => name),
        connector: connectorOf(() => this.members),
        clock: systemClock,
        random: systemRandom,
        log: silentLog(),
      }),
      clock: systemClock,
    });
    return this.#client;
  }

  /** The member that leads, as it says itself; `undefined` while there is none. Never rejects. */
  async leader(): Promise<Etcd | undefined> {
    const asked = this.members.map(async (member) => {
      if (!member.isRunning) return undefined;
      const bounds = { timeoutMs: LEADER_QUESTION_MS };
      const { isLeader } = await member.client.maintenance.status(member.name, bounds);
      return isLeader ? member : undefined;
    });
    for (const answer of await Promise.allSettled(asked)) {
      if (answer.status === "fulfilled" && answer.value !== undefined) return answer.value;
    }
    return undefined;
  }

  /** Stops all members, and removes their data. Idempotent. Rejects as `Etcd.stop` does, when all has ended. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** The same as `stop`, for `await using`. Rejects as `stop` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#client?.close();
    try {
      await Promise.all(this.members.map((member) => member.stop({ handOver: false })));
    } finally {
      this.#directory.remove();
      this.#tellClosed();
    }
  }
}

function connectorOf(members: () => readonly Etcd[]): Connector {
  return {
    connect(target) {
      const all = members();
      const member = all.find(({ name }) => name === target.address) ?? all[0];
      return member.connector.connect(target);
    },
  };
}
