/**
 * Locks by name, held by the lease of a session.
 *
 * ```ts
 * const mutex = new Mutex(client, session, bytesFromUtf8("job"));
 * const { revision } = await mutex.lock();
 * await store.write(data, { fence: revision });  // refuses what comes with a smaller number than it has seen
 * await mutex.unlock();
 * ```
 *
 * A holder may have lost the lock without knowing it: its lease ended while it stood still. What must not
 * happen then is bound to the lock by `isHeld` in a transaction, or outside of etcd by the fencing revision.
 *
 * Source: etcd client/v3/concurrency/mutex.go.
 */
import { acquireLock, type HeldLock, releaseLock, tryAcquireLock } from "../concurrency/lock.ts";
import { createdAt } from "../concurrency/queue.ts";
import { assert } from "../stdx/assert.ts";
import type { Compare } from "../wire/gen/rpc.ts";
import type { CallOptions } from "./call-options.ts";
import { type KeyspaceClient, keyspaceOf } from "./keyspace.ts";
import type { Session } from "./session.ts";

/** One lock of one session. Sessions share nothing: two of a process exclude each other like any others. */
export class Mutex {
  readonly #client: KeyspaceClient;
  readonly #session: Pick<Session, "leaseId">;
  readonly #name: Uint8Array;
  #held: HeldLock | undefined;

  constructor(client: KeyspaceClient, session: Pick<Session, "leaseId">, name: Uint8Array) {
    this.#client = client;
    this.#session = session;
    this.#name = name;
  }

  /** The lock as it was taken; undefined before, and after `unlock`. Whether the lease lives is not known here. */
  get held(): HeldLock | undefined {
    return this.#held;
  }

  /**
   * Takes the lock, and waits for it as long as it takes, or as `options` allow. Errors: `LockSessionExpired`
   * when the session was lost in the meantime, and those of any call.
   */
  async lock(options?: CallOptions): Promise<HeldLock> {
    const store = keyspaceOf(this.#client, options);
    this.#held = await acquireLock(store, this.#name, this.#session.leaseId);
    return this.#held;
  }

  /** Takes the lock if it is free. Errors: `Locked` when it is not, and those of any call. */
  async tryLock(options?: CallOptions): Promise<HeldLock> {
    const store = keyspaceOf(this.#client, options);
    this.#held = await tryAcquireLock(store, this.#name, this.#session.leaseId);
    return this.#held;
  }

  /** Gives the lock up, which must be taken. Errors: those of any call. */
  async unlock(options?: CallOptions): Promise<void> {
    const { key } = this.#taken();
    await releaseLock(keyspaceOf(this.#client, options), key);
    this.#held = undefined;
  }

  /** A comparison for transactions that are carried out only while the lock is held. */
  isHeld(): Compare {
    const { key, revision } = this.#taken();
    return createdAt(key, revision);
  }

  #taken(): HeldLock {
    assert(this.#held !== undefined, "A lock is taken before it is used");
    return this.#held;
  }
}
