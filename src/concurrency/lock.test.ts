import { expect, test } from "vitest";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromUtf8, latin1FromBytes } from "../stdx/bytes.ts";
import { Prng } from "../stdx/prng.ts";
import { acquireLock, type HeldLock, releaseLock, tryAcquireLock } from "./lock.ts";
import { queueKey, waitForTurn } from "./queue.ts";
import { MemoryCaller, MemoryKeyspace } from "../../test/harness/memory-keyspace.ts";

const NAME = bytesFromUtf8("job");
const NEVER = (): boolean => false;

/** `undefined` for an expected error. */
async function orRefused<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof EtcdError) return undefined;
    throw error;
  }
}

/** One life of a lock, whose clients come, wait, hold, lose their leases and their patience. */
class LockWorld {
  readonly keyspace: MemoryKeyspace;
  /** Fencing revisions of the holders, in the order in which they got to know. */
  readonly fences: number[] = [];
  acquired = 0;
  readonly #prng: Prng;
  readonly #lossPercent: number;
  #holder: Uint8Array | undefined;

  constructor(seed: number, lossPercent: number) {
    this.#prng = new Prng(seed);
    this.#lossPercent = lossPercent;
    this.keyspace = new MemoryKeyspace(this.#prng);
  }

  async client(lease: bigint): Promise<void> {
    for (let round = 0; round < 3; round++) {
      this.keyspace.grant(lease);
      const isLost = (): boolean => this.#prng.below(100) < this.#lossPercent;
      const caller = new MemoryCaller(this.keyspace, isLost);
      const isImpatient = this.#prng.below(5) === 0;
      if (isImpatient) void this.#after(30, () => caller.leave());
      const held = await orRefused(acquireLock(caller, NAME, lease));
      // A lease that ends between two steps takes the lock with it; nobody holds it then.
      if (held !== undefined && this.keyspace.has(held.key)) await this.#hold(held, lease);
      // What a lost answer leaves behind lives as long as the lease.
      if (this.#lossPercent > 0) this.keyspace.revoke(lease);
    }
  }

  async #hold(held: HeldLock, lease: bigint): Promise<void> {
    this.acquired++;
    const other = this.#holder !== undefined && this.keyspace.has(this.#holder);
    expect(other, "two holders").toBe(false);
    expect(latin1FromBytes(this.keyspace.keys[0].key)).toBe(latin1FromBytes(held.key));
    expect(held.revision).toBeGreaterThan(this.fences.at(-1) ?? 0);
    this.fences.push(held.revision);
    this.#holder = held.key;
    for (let turns = this.#prng.below(20); turns > 0; turns--) await this.keyspace.turn();
    this.#holder = undefined;
    if (this.#prng.below(4) === 0) this.keyspace.revoke(lease);
    else await orRefused(releaseLock(new MemoryCaller(this.keyspace, NEVER), held.key));
  }

  async #after(turnsMax: number, run: () => void): Promise<void> {
    for (let turns = this.#prng.below(turnsMax); turns > 0; turns--) await this.keyspace.turn();
    run();
  }
}

test.each([0, 3])(
  "acquireLock never lets two hold a lock, with %i of 100 messages lost",
  async (lossPercent) => {
    for (let seed = 1; seed <= 40; seed++) {
      const world = new LockWorld(seed, lossPercent);
      const clients = [1n, 2n, 3n, 4n, 5n].map((lease) => world.client(lease));
      await Promise.all([Promise.all(clients), world.keyspace.run()]);
      expect(world.acquired, `seed ${seed}`).toBeGreaterThan(0);
      expect(world.keyspace.keys, `seed ${seed}`).toEqual([]);
    }
  },
  60_000,
);

test("acquireLock serves in the order of arrival, and the end of one wakes one", async () => {
  const count = 50;
  const keyspace = new MemoryKeyspace(new Prng(1));
  const order: number[] = [];
  let isArriving = true;
  const clients = Array.from({ length: count }, async (_, at) => {
    const lease = BigInt(at + 1);
    keyspace.grant(lease);
    const caller = new MemoryCaller(keyspace, NEVER);
    const held = await acquireLock(caller, NAME, lease);
    while (isArriving) {
      await keyspace.turn();
      isArriving = keyspace.keys.length < count;
    }
    order.push(held.revision);
    await releaseLock(caller, held.key);
  });
  await Promise.all([Promise.all(clients), keyspace.run()]);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  // To enter, to find the one before, to see that it is gone, to look for the own key, to leave.
  expect(keyspace.requests).toBeLessThanOrEqual(5 * count);
});

test("a lease that holds a lock gets it again, and another one is told who has it", async () => {
  const keyspace = new MemoryKeyspace(new Prng(1));
  const caller = new MemoryCaller(keyspace, NEVER);
  for (const lease of [255n, 2n]) keyspace.grant(lease);
  const used = async (): Promise<void> => {
    const first = await acquireLock(caller, NAME, 255n);
    expect(latin1FromBytes(first.key)).toBe("job/ff");
    expect((await acquireLock(caller, NAME, 255n)).revision).toBe(first.revision);
    await expect(tryAcquireLock(caller, NAME, 2n)).rejects.toBe(Errors.Locked);
    expect(keyspace.keys).toHaveLength(1);
    await releaseLock(caller, first.key);
    expect((await tryAcquireLock(caller, NAME, 2n)).revision).toBeGreaterThan(first.revision);
  };
  await Promise.all([used(), keyspace.run()]);
});

test("acquireLock without a lease that lives is refused", async () => {
  const keyspace = new MemoryKeyspace(new Prng(1));
  const caller = new MemoryCaller(keyspace, NEVER);
  const refused = expect(acquireLock(caller, NAME, 9n)).rejects.toBe(Errors.LeaseNotFound);
  await Promise.all([refused, keyspace.run()]);
});

test("acquireLock tells of a lease that ended while it waited", async () => {
  const keyspace = new MemoryKeyspace(new Prng(1));
  const caller = new MemoryCaller(keyspace, NEVER);
  for (const lease of [1n, 2n]) keyspace.grant(lease);
  const used = async (): Promise<void> => {
    const held = await acquireLock(caller, NAME, 1n);
    const waiting = acquireLock(caller, NAME, 2n).catch((error: unknown) => error);
    while (!keyspace.has(queueKey(NAME, 2n))) await keyspace.turn();
    keyspace.revoke(2n);
    await releaseLock(caller, held.key);
    expect(await waiting).toBe(Errors.LockSessionExpired);
  };
  await Promise.all([used(), keyspace.run()]);
});

test("waitForTurn looks again when the history it asked for was compacted", async () => {
  const keyspace = new MemoryKeyspace(new Prng(1));
  const caller = new MemoryCaller(keyspace, NEVER);
  keyspace.grant(1n);
  const used = async (): Promise<void> => {
    const held = await acquireLock(caller, NAME, 1n);
    let watches = 0;
    const compacted = {
      range: caller.range.bind(caller),
      txn: caller.txn.bind(caller),
      deleteRange: caller.deleteRange.bind(caller),
      cleanup: caller,
      // The first watch comes too late.
      watch: (request: Parameters<MemoryCaller["watch"]>[0]) => {
        if (watches++ > 0) return caller.watch(request);
        throw new EtcdError(Errors.Compacted.code, Errors.Compacted.message);
      },
    };
    const turn = waitForTurn(compacted, NAME, held.revision);
    while (watches === 0) await keyspace.turn();
    await releaseLock(caller, held.key);
    await turn;
    expect(keyspace.keys).toEqual([]);
  };
  await Promise.all([used(), keyspace.run()]);
});
