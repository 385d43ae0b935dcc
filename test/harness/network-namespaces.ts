/**
 * A network namespace for each member of a cluster, joined by a bridge to which this process belongs too:
 * here packets get lost, and the kernels of both sides do what they do then. Needs root and `ip`.
 *
 *   const network = await NetworkNamespaces.create();
 *   const cluster = await EtcdCluster.start({ members: […], place: network.place });
 *   await network.lose("m1", "m2");
 *   await network.heal();
 *   await network.remove();   // after the cluster
 *
 * Packets are lost by a neighbour entry that sends them to a station that does not exist: in one direction
 * only, without telling either side, and without a packet filter, which not every kernel has.
 */
import { execFile, execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { promisify } from "node:util";
import type { MemberPlace, PlaceOf } from "./etcd-cluster.ts";

const run = promisify(execFile);

/** Nobody has it. */
const NO_STATION = "02:00:00:00:00:01";
const CLIENT_PORT = 2379;
const PEER_PORT = 2380;

/** The address of this process's side on the bridge. */
const OUR_HOST = 254;

/** Whether this machine allows it; asked once. */
export const HAS_NAMESPACES: boolean = mayCreate();

function mayCreate(): boolean {
  const name = `etcd-try-${process.pid}`;
  try {
    execFileSync("ip", ["netns", "add", name], { stdio: "ignore" });
    execFileSync("ip", ["link", "add", `etb${process.pid}`, "type", "bridge"], { stdio: "ignore" });
    execFileSync("ip", ["link", "del", `etb${process.pid}`], { stdio: "ignore" });
    return true;
  } catch {
    // No right to, no such program, or no such device.
    return false;
  } finally {
    try {
      execFileSync("ip", ["netns", "del", name], { stdio: "ignore" });
    } catch {
      // It was not made.
    }
  }
}

export class NetworkNamespaces {
  readonly #bridge: string;
  /** The first three parts of every address. */
  readonly #subnet: string;
  readonly #hosts = new Map<string, number>();
  /** Pairs whose packets are lost. */
  readonly #lost: { readonly from: string; readonly to: string }[] = [];

  private constructor(number: number) {
    this.#bridge = `etb${number}`;
    this.#subnet = `10.${200 + Math.floor(number / 250)}.${number % 250}`;
  }

  static async create(): Promise<NetworkNamespaces> {
    const network = new NetworkNamespaces(randomInt(50 * 250));
    const bridge = network.#bridge;
    await ip("link", "add", bridge, "type", "bridge");
    await ip("addr", "add", `${network.#subnet}.${OUR_HOST}/24`, "dev", bridge);
    await ip("link", "set", bridge, "up");
    return network;
  }

  /** A namespace for member `name`. */
  readonly place: PlaceOf = async (name): Promise<MemberPlace> => {
    const host = this.#hosts.size + 1;
    const space = this.#space(name);
    const [near, far] = [this.#nearEnd(host), `eth${host}`];
    await ip("netns", "add", space);
    this.#hosts.set(name, host);
    await ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", space);
    await ip("link", "set", near, "master", this.#bridge, "up");
    await ip("-n", space, "addr", "add", `${this.#address(name)}/24`, "dev", far);
    await ip("-n", space, "link", "set", far, "up");
    await ip("-n", space, "link", "set", "lo", "up");
    return {
      host: this.#address(name),
      clientPort: CLIENT_PORT,
      peerPort: PEER_PORT,
      peerUrl: `http://${this.#address(name)}:${PEER_PORT}`,
      prefix: ["ip", "netns", "exec", space],
    };
  };

  /** Loses every packet from one member to another. */
  async lose(from: string, to: string): Promise<void> {
    this.#lost.push({ from, to });
    const entry = [this.#address(to), "lladdr", NO_STATION, "nud", "permanent"];
    await ip("-n", this.#space(from), "neigh", "replace", ...entry, "dev", this.#farEnd(from));
  }

  /** Loses every packet between `name` and `others`. */
  async isolate(name: string, others: readonly string[]): Promise<void> {
    for (const other of others) {
      await this.lose(name, other);
      await this.lose(other, name);
    }
  }

  /** No packet is lost any more. */
  async heal(): Promise<void> {
    for (const { from, to } of this.#lost.splice(0)) {
      const dev = ["dev", this.#farEnd(from)];
      await ip("-n", this.#space(from), "neigh", "del", this.#address(to), ...dev).catch(() => {
        // Lost twice, healed once.
      });
    }
  }

  /** Takes everything away; no process may live there any more. */
  async remove(): Promise<void> {
    for (const name of this.#hosts.keys()) await ip("netns", "del", this.#space(name));
    await ip("link", "del", this.#bridge);
  }

  #space(name: string): string {
    return `${this.#bridge}-${name}`;
  }

  #address(name: string): string {
    return `${this.#subnet}.${this.#hosts.get(name) ?? 0}`;
  }

  #nearEnd(host: number): string {
    return `${this.#bridge}v${host}`;
  }

  #farEnd(name: string): string {
    return `eth${this.#hosts.get(name) ?? 0}`;
  }
}

async function ip(...words: string[]): Promise<void> {
  await run("ip", words);
}
