import { expect, test } from "vitest";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromUtf8, latin1FromBytes } from "../stdx/bytes.ts";
import { Prng } from "../stdx/prng.ts";
import { createLeaderKey } from "../wire/gen/election.ts";
import { campaign, leaderOf, observe, proclaim, resign } from "./election.ts";
import { MemoryCaller, MemoryKeyspace } from "../../test/harness/memory-keyspace.ts";

const NAME = bytesFromUtf8("boss");
const NEVER = (): boolean => false;

/** One life of an election, whose candidates lead for a while, proclaim, resign, or lose their leases. */
class ElectionWorld {
  readonly keyspace: MemoryKeyspace;
  terms = 0;
  readonly #prng: Prng;
  #leading: Uint8Array | undefined;

  constructor(seed: number) {
    this.#prng = new Prng(seed);
    this.keyspace = new MemoryKeyspace(this.#prng);
  }

  async candidate(lease: bigint): Promise<void> {
    const caller = new MemoryCaller(this.keyspace, NEVER);
    for (let term = 0; term < 3; term++) {
      this.keyspace.grant(lease);
      const { leader } = await campaign(caller, NAME, lease, bytesFromUtf8(`${lease}`));
      this.terms++;
      expect(this.#leading !== undefined && this.keyspace.has(this.#leading)).toBe(false);
      expect(latin1FromBytes(this.keyspace.keys[0].key)).toBe(latin1FromBytes(leader.key));
      this.#leading = leader.key;
      for (let turns = this.#prng.below(10); turns > 0; turns--) await this.keyspace.turn();
      await proclaim(caller, leader, bytesFromUtf8(`${lease}!`));
      this.#leading = undefined;
      if (this.#prng.below(3) === 0) this.keyspace.revoke(lease);
      else await resign(caller, leader);
      await expect(proclaim(caller, leader, NAME)).rejects.toBeInstanceOf(EtcdError);
    }
  }

  /** What somebody sees who watches until every candidate is gone. */
  async observer(seen: string[], until: () => boolean): Promise<void> {
    const caller = new MemoryCaller(this.keyspace, NEVER);
    const watching = (async (): Promise<void> => {
      for await (const { kv } of observe(caller, NAME)) seen.push(latin1FromBytes(kv.value));
    })();
    while (!until()) await this.keyspace.turn();
    caller.leave();
    await expect(watching).rejects.toThrow("context canceled");
  }
}

test("campaign never lets two lead, and observers see leaders and what they proclaim", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const world = new ElectionWorld(seed);
    const seen: string[] = [];
    let isOver = false;
    const candidates = Promise.all([1n, 2n, 3n, 4n].map((lease) => world.candidate(lease)));
    const over = candidates.then(() => {
      isOver = true;
    });
    await Promise.all([over, world.observer(seen, () => isOver), world.keyspace.run()]);
    expect(world.terms, `seed ${seed}`).toBe(12);
    expect(world.keyspace.keys, `seed ${seed}`).toEqual([]);
    expect(seen.length, `seed ${seed}`).toBeGreaterThan(0);
    expect(seen.every((value) => /^[1-4]!?$/.test(value))).toBe(true);
  }
}, 60_000);

test("a candidate that stands already changes its value; one that goes away withdraws", async () => {
  const keyspace = new MemoryKeyspace(new Prng(1));
  const caller = new MemoryCaller(keyspace, NEVER);
  for (const lease of [1n, 2n]) keyspace.grant(lease);
  const used = async (): Promise<void> => {
    await expect(leaderOf(caller, NAME)).rejects.toBe(Errors.ElectionNoLeader);
    const first = await campaign(caller, NAME, 1n, bytesFromUtf8("a"));
    const again = await campaign(caller, NAME, 1n, bytesFromUtf8("b"));
    expect(again.leader.rev).toBe(first.leader.rev);
    expect(latin1FromBytes((await leaderOf(caller, NAME)).kv.value)).toBe("b");
    const leaving = new MemoryCaller(keyspace, NEVER);
    const waiting = campaign(leaving, NAME, 2n, bytesFromUtf8("c")).catch(String);
    while (keyspace.keys.length < 2) await keyspace.turn();
    leaving.leave();
    expect(await waiting).toContain("context canceled");
    expect(keyspace.keys).toHaveLength(1);
    const stranger = createLeaderKey({ ...first.leader, rev: 1 });
    await expect(proclaim(caller, stranger, NAME)).rejects.toBe(Errors.ElectionNotLeader);
    await resign(caller, stranger);
    expect(keyspace.keys).toHaveLength(1);
    await resign(caller, first.leader);
    expect(keyspace.keys).toEqual([]);
  };
  await Promise.all([used(), keyspace.run()]);
});
