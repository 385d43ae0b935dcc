/**
 * Locks by name.
 *
 * ```ts
 * await using lock = await client.lock("job");
 * await store.write(data, { fence: lock.revision });  // refuses what comes with a smaller number than it has seen
 * ```
 *
 * A holder may have lost the lock without knowing it: the process stood still, and its lease ended. What must not
 * happen then is bound to the lock by `isHeld` in a transaction, or outside of etcd by the fencing revision.
 */
import { createdAt } from "../concurrency/queue.ts";
import type { HeldLock } from "../concurrency/lock.ts";
import type { CallOptions } from "../client/call-options.ts";
import { Mutex } from "../client/mutex.ts";
import type { KeyspaceClient } from "../client/keyspace.ts";
import { Errors } from "../errors/table.ts";
import type { CallBounds, Deadlines } from "./call-bounds.ts";
import type { Condition } from "./condition.ts";
import { HeldKey } from "./held-key.ts";
import type { LeaseHandle } from "./lease-handle.ts";
import { takeTurn, type Turn, type TurnKind, type TurnNeeds, type TurnOptions } from "./turn.ts";

/** What locks and elections need of their client. */
export interface TurnParts extends TurnNeeds {
  readonly client: KeyspaceClient;
  readonly deadlines: Deadlines;
}

/** Takes the lock `name`, which is a key as the server has it, and waits for it. Throws as `takeTurn`. */
export async function takeLock(
  parts: TurnParts,
  name: Uint8Array,
  options: TurnOptions,
): Promise<Lock> {
  const wait = (lease: LeaseHandle, bounds: CallOptions): Promise<HeldLock> =>
    new Mutex(parts.client, { leaseId: lease.id }, name).lock(bounds);
  const turn = await takeTurn(parts, options, { wait, giveUp: giverUp(parts) });
  return new Lock(parts.client, turn);
}

/** Takes the lock `name` if nobody holds it; `undefined` if somebody does. Throws `EtcdError`. */
export async function tryLock(
  parts: TurnParts,
  name: Uint8Array,
  options: TurnOptions,
): Promise<Lock | undefined> {
  try {
    const wait = (lease: LeaseHandle, bounds: CallOptions): Promise<HeldLock> =>
      new Mutex(parts.client, { leaseId: lease.id }, name).tryLock(bounds);
    const turn = await takeTurn(parts, options, { wait, giveUp: giverUp(parts) });
    return new Lock(parts.client, turn);
  } catch (error) {
    if (error === Errors.Locked) return undefined;
    throw error;
  }
}

function giverUp({ client, deadlines }: TurnParts): TurnKind<HeldLock>["giveUp"] {
  return async ({ key }, bounds) => {
    await client.kv.deleteRange({ key }, deadlines.of(bounds));
  };
}

/** A lock that was taken. */
export class Lock {
  /** Larger than that of every earlier holder: the fence for stores outside of etcd. */
  readonly revision: number;
  /** What the lock is held with. */
  readonly lease: LeaseHandle;
  readonly #turn: Turn<HeldLock>;
  readonly #key: HeldKey;
  #isReleased = false;

  /** To be called by `takeLock` and `tryLock` alone. @internal */
  constructor(client: KeyspaceClient, turn: Turn<HeldLock>) {
    this.#turn = turn;
    const { lease, held } = turn;
    this.#key = new HeldKey({ client, lease, ...held });
    this.revision = held.revision;
    this.lease = lease;
  }

  /**
   * Aborts when the lock is lost before it is released: with a `LeaseLostError` before anybody else can have it, with a
   * `KeyLostError` when somebody deletes its key.
   */
  get signal(): AbortSignal {
    return this.#key.signal;
  }

  /** A condition for transactions that are carried out only while the lock is held. */
  isHeld(): Condition {
    const { key, revision } = this.#turn.held;
    return { encode: () => createdAt(key, revision) };
  }

  /** Gives the lock up; does nothing when that is done. Throws `EtcdError`. */
  async release(bounds: CallBounds = {}): Promise<void> {
    if (this.#isReleased) return;
    this.#key.release();
    await this.#turn.release(bounds);
    this.#isReleased = true;
  }

  /** As `release`; without errors where the lock has a lease of its own, which ends it anyway. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isReleased) return;
    this.#key.release();
    await this.#turn.dispose();
    this.#isReleased = true;
  }
}
