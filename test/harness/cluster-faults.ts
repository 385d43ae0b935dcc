/**
 * What can go wrong in a cluster of three for a while: processes that are killed, stopped or frozen, and
 * links between them that fail one by one, one way, or all at once.
 */
import type { Prng } from "../../src/stdx/prng.ts";
import type { ClusterMember } from "./cluster-member.ts";
import type { EtcdCluster } from "./etcd-cluster.ts";
import type { LinkFault } from "./peer-proxies.ts";
import { sleep } from "./sleep.ts";

/** Something that goes wrong until it is healed. */
export interface Fault {
  readonly name: string;
  strike(): Promise<void>;
  /** Returns when the cause is gone; recovery is measured from then. */
  heal(): Promise<void>;
}

/** Links between members, whose packets can be lost. */
export interface Links {
  /** Nothing reaches `to` from `from`. */
  lose(from: string, to: string): Promise<void>;
  heal(): Promise<void>;
}

/** Links that fail in other ways too. */
export interface ProxiedLinks {
  set(from: string, to: string, fault: LinkFault): void;
  drop(from: string, to: string): void;
}

/** Leaders that are killed one after the other. */
const KILLED_LEADERS = 3;

/** Milliseconds that a leader is cut off before it is killed. */
const ALONE_MS_MAX = 1500;

/** Milliseconds that bytes of a slow link take. */
const SLOW_MS_MAX = 200;

export class ClusterFaults {
  readonly #cluster: EtcdCluster;
  readonly #random: Prng;
  readonly #links: Links;
  readonly #proxies: ProxiedLinks | undefined;

  constructor(cluster: EtcdCluster, random: Prng, links: Links, proxies?: ProxiedLinks) {
    this.#cluster = cluster;
    this.#random = random;
    this.#links = links;
    this.#proxies = proxies;
  }

  /** Every kind of fault once, for the leader and followers of this moment, in an order of its own. */
  round(): (() => Promise<Fault>)[] {
    const kinds: ((leader: ClusterMember, others: readonly ClusterMember[]) => Fault)[] = [
      (leader) => this.#dead("the leader is killed", [leader]),
      (_, [first]) => this.#dead("a follower is killed", [first]),
      (leader, [first]) => this.#dead("leader and follower are killed", [leader, first]),
      (leader, others) => this.#dead("all are killed", [leader, ...others]),
      (leader) => this.#stopped(leader),
      () => this.#killedAgain(),
      (leader, others) => this.#cutOffAndKilled(leader, others),
      (leader) => this.#frozen("the leader is frozen", [leader]),
      (_, [first]) => this.#frozen("a follower is frozen", [first]),
      (leader, [first]) => this.#frozen("leader and follower are frozen", [leader, first]),
      (leader, others) => this.#lost("the leader is cut off", both([leader], others)),
      (leader, [first, second]) =>
        this.#lost("a follower is cut off", both([first], [leader, second])),
      (leader, [first, second]) =>
        this.#lost("all are cut off", both([leader, first], [first, second, leader])),
      (leader, others) => this.#lost("nobody hears the leader", pairs([leader], others)),
      (leader, others) => this.#lost("the leader hears nobody", pairs(others, [leader])),
      (leader, [first]) => this.#lost("one link to a follower is lost", both([leader], [first])),
      (leader, [first]) => this.#lost("one way to a follower is lost", pairs([leader], [first])),
      (_, [first, second]) =>
        this.#lost("followers do not reach each other", both([first], [second])),
    ];
    if (this.#proxies !== undefined) kinds.push(...this.#proxied(this.#proxies));
    return shuffled(kinds, this.#random).map((kind) => async () => {
      const leader = await this.#cluster.untilLeader();
      const others = this.#cluster.members.filter((member) => member !== leader);
      return kind(leader, shuffled(others, this.#random));
    });
  }

  #proxied(
    proxies: ProxiedLinks,
  ): ((leader: ClusterMember, others: readonly ClusterMember[]) => Fault)[] {
    const set = (name: string, links: readonly Link[], fault: LinkFault): Fault => ({
      name,
      strike: () => {
        for (const [from, to] of links) proxies.set(from, to, fault);
        return Promise.resolve();
      },
      heal: () => this.#links.heal(),
    });
    return [
      (leader, others) => set("the leader is refused", both([leader], others), "refused"),
      (leader, others) => set("the leader can dial nobody", pairs([leader], others), "refused"),
      (leader, [first]) => set("a link is refused", both([leader], [first]), "refused"),
      (leader, others) => {
        const slowMs = this.#random.below(SLOW_MS_MAX);
        return set("the leader's links are slow", both([leader], others), { slowMs });
      },
      (leader, others) => ({
        name: "connections of the leader break",
        strike: () => {
          for (const [from, to] of both([leader], others)) proxies.drop(from, to);
          return Promise.resolve();
        },
        heal: () => Promise.resolve(),
      }),
    ];
  }

  #dead(name: string, members: readonly ClusterMember[]): Fault {
    return {
      name,
      strike: async () => {
        await Promise.all(members.map((member) => member.kill()));
      },
      heal: async () => {
        await Promise.all(members.map((member) => this.#cluster.revive(member)));
      },
    };
  }

  /** Each new leader meets what the one before left half done. */
  #killedAgain(): Fault {
    let last: ClusterMember | undefined;
    return {
      name: "one leader after the other is killed",
      strike: async () => {
        for (let count = 0; count < KILLED_LEADERS; count++) {
          if (last !== undefined) await this.#cluster.revive(last);
          last = await this.#cluster.untilLeader();
          await last.kill();
        }
      },
      heal: async () => {
        if (last !== undefined) await this.#cluster.revive(last);
      },
    };
  }

  /** What it took in alone is in its log when it comes back, and must go. */
  #cutOffAndKilled(leader: ClusterMember, others: readonly ClusterMember[]): Fault {
    const cut = this.#lost("", both([leader], others));
    return {
      name: "the leader is cut off and killed",
      strike: async () => {
        await cut.strike();
        await sleep(this.#random.below(ALONE_MS_MAX));
        await leader.kill();
      },
      heal: async () => {
        await cut.heal();
        await this.#cluster.revive(leader);
      },
    };
  }

  #stopped(leader: ClusterMember): Fault {
    return {
      name: "the leader is stopped",
      strike: () => leader.stop(),
      heal: () => this.#cluster.revive(leader),
    };
  }

  #frozen(name: string, members: readonly ClusterMember[]): Fault {
    const each = (act: (member: ClusterMember) => void): Promise<void> => {
      for (const member of members) act(member);
      return Promise.resolve();
    };
    return {
      name,
      strike: () => each((member) => member.pause()),
      heal: () => each((member) => member.resume()),
    };
  }

  #lost(name: string, links: readonly Link[]): Fault {
    return {
      name,
      strike: async () => {
        await Promise.all(links.map(([from, to]) => this.#links.lose(from, to)));
      },
      heal: () => this.#links.heal(),
    };
  }
}

type Link = readonly [from: string, to: string];

/** The links from each of one side to each of the other. */
function pairs(from: readonly ClusterMember[], to: readonly ClusterMember[]): Link[] {
  return from.flatMap((one) =>
    to.filter((other) => other !== one).map((other) => [one.name, other.name] as const),
  );
}

function both(one: readonly ClusterMember[], other: readonly ClusterMember[]): Link[] {
  return [...pairs(one, other), ...pairs(other, one)];
}

function shuffled<T>(items: readonly T[], random: Prng): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0]);
}
