/**
 * TCP proxies in front of the peer URLs of a cluster: each link from one member to another can be cut, held
 * or slowed on its own.
 *
 *   const proxies = new PeerProxies();
 *   const cluster = await EtcdCluster.start({ members: […], place: proxies.place });
 *   proxies.set("m1", "m2", "held");
 *   proxies.heal();
 *
 * A link is directed. Members dial each other both ways and send both ways over what they have dialed, so
 * what a fault means is said for bytes and for dials on their own:
 *
 * - `held`: no byte of the first member reaches the second, over whichever connection. Nothing breaks, and
 *   what was held arrives after all when the link is healed. A network that loses every packet.
 * - `refused`: what the first member has dialed to the second is reset, and cannot be dialed again. The
 *   second one still dials the first. A process that is not there, or a firewall that says no.
 * - `slow`: bytes from the first to the second take so many milliseconds longer.
 */
import net from "node:net";
import { connectionOwner } from "./connection-owner.ts";
import type { ClusterMember } from "./cluster-member.ts";
import { loopbackPlace, type MemberPlace, type PlaceOf } from "./etcd-cluster.ts";
import { Relay } from "./relay.ts";

/** What is wrong with a link. */
export type LinkFault = "held" | "refused" | { readonly slowMs: number };

/** A connection that someone has dialed. */
interface Dialed {
  readonly from: string;
  readonly to: string;
  readonly relay: Relay;
}

/** A dialer that is no member: a tool, or a process that has just ended. */
const STRANGER = "";

export class PeerProxies {
  readonly #servers: net.Server[] = [];
  readonly #dialed = new Set<Dialed>();
  readonly #faults = new Map<string, LinkFault>();
  /** A dialer is known by its process. */
  #members: () => readonly ClusterMember[] = () => [];

  /** A place on loopback for member `name`, behind a proxy of its own. */
  readonly place: PlaceOf = async (name, members): Promise<MemberPlace> => {
    this.#members = members;
    const place = await loopbackPlace();
    const server = net.createServer({ allowHalfOpen: true });
    server.on("connection", (near) => this.#accept(near, name, place.peerPort));
    this.#servers.push(server);
    const port = await new Promise<number>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    return { ...place, peerUrl: `http://127.0.0.1:${port}` };
  };

  /** Sets what is wrong with the link; undefined for nothing. */
  set(from: string, to: string, fault: LinkFault | undefined): void {
    if (fault === undefined) this.#faults.delete(linkName(from, to));
    else this.#faults.set(linkName(from, to), fault);
    this.#apply();
  }

  /** Sets a fault on all links between `name` and `others`, both ways. */
  isolate(name: string, others: readonly string[], fault: LinkFault): void {
    for (const other of others) {
      this.#faults.set(linkName(name, other), fault);
      this.#faults.set(linkName(other, name), fault);
    }
    this.#apply();
  }

  /** Resets every connection of a link, once. */
  drop(from: string, to: string): void {
    for (const dialed of [...this.#dialed]) {
      if (dialed.from === from && dialed.to === to) dialed.relay.break();
    }
  }

  /** Nothing is wrong any more. */
  heal(): void {
    this.#faults.clear();
    this.#apply();
  }

  async close(): Promise<void> {
    for (const { relay } of [...this.#dialed]) relay.break();
    await Promise.all(
      this.#servers.map((server) => new Promise((resolve) => server.close(resolve))),
    );
  }

  #accept(near: net.Socket, to: string, port: number): void {
    const from = this.#dialerOf(near);
    if (this.#faults.get(linkName(from, to)) === "refused") {
      near.on("error", () => undefined);
      near.resetAndDestroy();
      return;
    }
    const far = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const rules = { forth: () => this.#rule(from, to), back: () => this.#rule(to, from) };
    const relay = new Relay(near, far, rules, () => this.#dialed.delete(dialed));
    const dialed: Dialed = { from, to, relay };
    this.#dialed.add(dialed);
    relay.changed();
  }

  #dialerOf({ remotePort = 0, localPort = 0 }: net.Socket): string {
    const members = this.#members();
    const pids = members.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    const owner = connectionOwner(remotePort, localPort, pids);
    return members.find(({ pid }) => pid !== undefined && pid === owner)?.name ?? STRANGER;
  }

  #rule(from: string, to: string) {
    const fault = this.#faults.get(linkName(from, to));
    return {
      isHeld: fault === "held",
      delayMs: typeof fault === "object" ? fault.slowMs : 0,
    };
  }

  #apply(): void {
    for (const { from, to, relay } of [...this.#dialed]) {
      if (this.#faults.get(linkName(from, to)) === "refused") relay.break();
      else relay.changed();
    }
  }
}

function linkName(from: string, to: string): string {
  return `${from}>${to}`;
}
