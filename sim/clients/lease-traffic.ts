/**
 * A client that lives on leases: it is granted one, hangs keys on it, keeps it alive for a while, and then
 * lets it expire, or revokes it.
 */
import type { Outcome } from "../history.ts";
import type { Client } from "./client.ts";

export interface LeaseTrafficOptions {
  readonly timeoutMs: number;
  readonly ttlSecondsMax: number;
}

export class LeaseTraffic {
  readonly #client: Client;
  readonly #options: LeaseTrafficOptions;
  #leases = 0;
  #written = 0;
  #stopped = false;

  constructor(client: Client, options: LeaseTrafficOptions) {
    this.#client = client;
    this.#options = options;
  }

  start(): void {
    this.#client.pause(1000, () => this.#grant());
  }

  stop(): void {
    this.#stopped = true;
  }

  #grant(): void {
    if (this.#stopped) return;
    const { random, id } = this.#client;
    this.#leases++;
    const lease = String(1000 * (id + 1) + this.#leases);
    const ttlSeconds = random.between(2, this.#options.ttlSecondsMax);
    const request = { kind: "grant", lease, ttlSeconds } as const;
    this.#client.request(request, this.#options.timeoutMs, (outcome) => {
      if (outcome.kind === "ok") this.#attach(lease, ttlSeconds, random.between(1, 3));
      else this.#client.pause(500, () => this.#grant());
    });
  }

  #attach(lease: string, ttlSeconds: number, keys: number): void {
    const { random, id } = this.#client;
    if (this.#stopped) return;
    if (keys === 0) {
      this.#keep(lease, ttlSeconds, random.below(6));
      return;
    }
    this.#written++;
    const key = `l${random.below(6)}`;
    const value = `${id}.${this.#written}`;
    this.#client.request({ kind: "put", key, value, lease }, this.#options.timeoutMs, () =>
      this.#attach(lease, ttlSeconds, keys - 1),
    );
  }

  /** `times` more keep-alives, then its end. */
  #keep(lease: string, ttlSeconds: number, times: number): void {
    if (this.#stopped) return;
    const { random } = this.#client;
    if (times === 0) {
      if (random.chance(0.3)) this.#revoke(lease);
      else this.#client.pause(ttlSeconds * 1000, () => this.#grant());
      return;
    }
    this.#client.pause(ttlSeconds * 600, () => {
      const request = { kind: "alive", lease } as const;
      this.#client.request(request, this.#options.timeoutMs, (outcome) => {
        if (isGone(outcome)) this.#grant();
        else this.#keep(lease, ttlSeconds, times - 1);
      });
    });
  }

  #revoke(lease: string): void {
    this.#client.request({ kind: "revoke", lease }, this.#options.timeoutMs, () => this.#grant());
  }
}

function isGone(outcome: Outcome): boolean {
  return outcome.kind === "ok" && "ttlSeconds" in outcome.result && outcome.result.ttlSeconds === 0;
}
