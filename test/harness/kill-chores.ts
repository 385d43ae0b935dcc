/**
 * What goes on in a server beside puts while it waits to be killed: leases come and go, history is compacted,
 * the file is defragmented and sent as a snapshot. What was acknowledged is remembered.
 */
import { expect } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { GrpcCode } from "../../src/errors/codes.ts";
import { EtcdError } from "../../src/errors/etcd-error.ts";
import { Errors } from "../../src/errors/table.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";

const LEASE_SECONDS = 100_000;

/** Keys of one lease. */
const LEASE_KEYS = 3;

/** Leases that are asked for their keys after a restart. */
const LOOKS = 10;

/** How far a request has come: nobody knows whether one that was not answered was done. */
type Fate = "asked" | "done";

export class KillChores {
  readonly #prng: Prng;
  readonly #granted = new Map<bigint, Fate>();
  readonly #revoked = new Map<bigint, Fate>();
  /** Leases whose keys were all put. */
  readonly #attached = new Set<bigint>();
  #nextLease = 1n;
  #compacted = 0;
  /** Newest revision of a compaction that was sent, and maybe done without an answer. */
  #compactionSent = 0;
  /** Chores that were done, by name. */
  readonly done = new Map<string, number>();

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /**
   * One chore after the other until the server is gone, of which `signal` tells the calls that have a
   * connection of their own. `newest` is a revision that nobody needs any more.
   */
  async work(
    client: Client,
    endpoint: string,
    newest: () => number,
    signal: AbortSignal,
  ): Promise<void> {
    const { maintenance } = client;
    try {
      for (;;) {
        const roll = this.#prng.below(100);
        if (roll < 45) await this.#count("grant", this.#grant(client));
        else if (roll < 60) await this.#count("revoke", this.#revoke(client));
        else if (roll < 75) await this.#count("compact", this.#compact(client, newest()));
        else if (roll < 85)
          await this.#count("defragment", maintenance.defragment(endpoint, { signal }));
        else if (roll < 90) await this.#count("hash", maintenance.hashKv(endpoint, 0, { signal }));
        else await this.#count("snapshot", drain(maintenance.snapshot({ signal })));
      }
    } catch (error) {
      if (!isKilled(error)) throw error;
    }
  }

  /** Everything that was acknowledged holds. */
  async expectAll(client: Client, where: string): Promise<void> {
    const [{ leases }, { kvs }] = await Promise.all([
      client.lease.leases(),
      client.kv.range({ key: bytesFromUtf8("lease/"), rangeEnd: bytesFromUtf8("lease0") }),
    ]);
    const there = new Set(leases.map(({ id }) => id));
    const keys = new Map<bigint, string[]>();
    for (const { key, lease } of kvs) {
      keys.set(lease, [...(keys.get(lease) ?? []), utf8FromBytes(key)]);
    }
    for (const [id, fate] of this.#granted) {
      const revocation = this.#revoked.get(id);
      if (fate === "asked" || revocation === "asked") continue;
      expect(there.has(id), `${where}: lease ${id}`).toBe(revocation === undefined);
      if (revocation === "done" || this.#attached.has(id)) {
        const expected = revocation === "done" ? [] : namesOf(id);
        expect(keys.get(id) ?? [], `${where}: keys of lease ${id}`).toEqual(expected);
      }
    }
    await this.#expectAttached(client, where);
    if (this.#compacted > 1) {
      const old = client.kv.range({ key: bytesFromUtf8("k"), revision: this.#compacted - 1 });
      await expect(old, where).rejects.toMatchObject({ message: Errors.Compacted.message });
    }
  }

  /** Some leases know their keys. */
  async #expectAttached(client: Client, where: string): Promise<void> {
    const living = [...this.#attached].filter((id) => !this.#revoked.has(id)).slice(-LOOKS);
    for (const id of living) {
      const { grantedTtl, keys } = await client.lease.timeToLive({ id, keys: true });
      expect(grantedTtl, where).toBe(LEASE_SECONDS);
      const names = keys.map((name) => utf8FromBytes(name)).sort();
      expect(names, `${where}: keys of lease ${id}`).toEqual(namesOf(id));
    }
  }

  async #count(name: string, chore: Promise<unknown>): Promise<void> {
    await chore;
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
  }

  async #grant(client: Client): Promise<void> {
    const id = this.#nextLease++;
    this.#granted.set(id, "asked");
    await client.lease.grant({ id, ttl: LEASE_SECONDS });
    this.#granted.set(id, "done");
    for (const name of namesOf(id)) {
      await client.kv.put({ key: bytesFromUtf8(name), value: bytesFromUtf8(name), lease: id });
    }
    this.#attached.add(id);
  }

  async #revoke(client: Client): Promise<void> {
    const ids = [...this.#granted].filter(
      ([id, fate]) => fate === "done" && !this.#revoked.has(id),
    );
    if (ids.length === 0) return;
    const [id] = this.#prng.pick(ids);
    this.#revoked.set(id, "asked");
    await client.lease.revoke(id);
    this.#revoked.set(id, "done");
  }

  async #compact(client: Client, revision: number): Promise<void> {
    if (revision <= this.#compacted) return;
    const wasSent = revision <= this.#compactionSent;
    this.#compactionSent = Math.max(revision, this.#compactionSent);
    try {
      await client.kv.compact({ revision, physical: this.#prng.chance(0.3) });
    } catch (error) {
      if (!(wasSent && error === Errors.Compacted)) throw error;
    }
    this.#compacted = revision;
  }
}

/** Whether a call ended because there is no server any more. */
export function isKilled(error: unknown): boolean {
  const { Unavailable, Canceled } = GrpcCode;
  return error instanceof EtcdError && (error.code === Unavailable || error.code === Canceled);
}

function namesOf(id: bigint): string[] {
  return Array.from({ length: LEASE_KEYS }, (_, at) => `lease/${id}/${at}`);
}

async function drain(snapshot: AsyncIterable<unknown>): Promise<void> {
  for await (const part of snapshot) void part;
}
