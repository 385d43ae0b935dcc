/**
 * Which server a connection of the TCP gateway goes to: of those that answer, the ones with the least priority;
 * of these by weight, and in turn where there is none.
 *
 * Source: etcd server/proxy/tcpproxy/userspace.go (pick); RFC 2782 for priorities and weights.
 */
import type { Random } from "../../ports/random.ts";

/** Where a server is, as a SRV record says it. */
export interface RemoteAddress {
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export class Remote {
  readonly text: string;
  readonly address: RemoteAddress;
  /** False after a connection failed, until one comes about again. */
  isActive = true;

  constructor(address: RemoteAddress) {
    this.address = address;
    const { host, port } = address;
    this.text = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  }
}

/** One in so many connections goes to a server without weight where others have one. */
const UNWEIGHTED_ODDS = 100;

export class Remotes {
  readonly all: readonly Remote[];
  readonly #random: Random;
  #turn = 0;

  constructor(addresses: readonly RemoteAddress[], random: Random) {
    this.all = addresses.map((address) => new Remote(address));
    this.#random = random;
  }

  /** The next one to try; `undefined` when none answers. */
  pick(): Remote | undefined {
    const active = this.all.filter(({ isActive }) => isActive);
    const best = Math.min(...active.map(({ address }) => address.priority));
    const candidates = active.filter(({ address }) => address.priority === best);
    const weighted = candidates.filter(({ address }) => address.weight > 0);
    const unweighted = candidates.filter(({ address }) => address.weight === 0);
    if (weighted.length === 0) return this.#inTurn(unweighted);
    if (unweighted.length > 0 && this.#random.below(UNWEIGHTED_ODDS) === 0) {
      return this.#inTurn(unweighted);
    }
    const sum = weighted.reduce((total, { address }) => total + address.weight, 0);
    let chosen = this.#random.below(sum);
    return weighted.find(({ address }) => {
      chosen -= address.weight;
      return chosen < 0;
    });
  }

  #inTurn(remotes: readonly Remote[]): Remote | undefined {
    return remotes.length === 0 ? undefined : remotes[this.#turn++ % remotes.length];
  }
}
