/**
 * Elections by name: one leads and proclaims a value, others stand, everybody may observe.
 *
 * ```ts
 * const term = await client.election("boss").campaign("me");
 * term.signal.addEventListener("abort", () => stepDown());
 * await term.proclaim("me, still");
 * await term.resign();
 * ```
 *
 * The signal aborts before anybody else can lead; a margin of the lease is for stepping down. What a leader that stood
 * still might do after that is prevented by `isLeading` in its transactions.
 */
import * as recipes from "../concurrency/election.ts";
import { createdAt } from "../concurrency/queue.ts";
import { keyspaceOf } from "../client/keyspace.ts";
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { LeaderKey } from "../wire/gen/election.ts";
import type { CallBounds } from "./call-bounds.ts";
import type { Condition } from "./condition.ts";
import { Entry } from "./entry.ts";
import { type Bytes, type KeySpace, toBytes } from "./key-space.ts";
import { HeldKey } from "./held-key.ts";
import type { LeaseHandle } from "./lease-handle.ts";
import type { TurnParts } from "./lock.ts";
import { takeTurn, type Turn, type TurnOptions } from "./turn.ts";

/** One election. */
export class ElectionHandle {
  readonly #parts: TurnParts;
  readonly #space: KeySpace;
  readonly #name: Uint8Array;

  /** `name`: a key as the server has it. @internal */
  constructor(parts: TurnParts, space: KeySpace, name: Uint8Array) {
    this.#parts = parts;
    this.#space = space;
    this.#name = name;
  }

  /**
   * Stands for election with `value`, and waits until it leads. Throws `LeaseLostError` when its lease is lost meanwhile,
   * `Errors.DeadlineExceeded` behind the time, and `EtcdError`.
   */
  async campaign(value: Bytes, options: TurnOptions = {}): Promise<Leadership> {
    const bytes = toBytes(value);
    const name = this.#name;
    const { client, deadlines } = this.#parts;
    const turn = await takeTurn<LeaderKey>(this.#parts, options, {
      async wait({ id }, bounds) {
        const store = keyspaceOf(client, bounds);
        return (await recipes.campaign(store, name, id, bytes)).leader;
      },
      async giveUp(leader, bounds) {
        await recipes.resign(keyspaceOf(client, deadlines.of(bounds)), leader);
      },
    });
    return new Leadership(this.#parts, turn);
  }

  /** The key of the leader with its value; `undefined` while nobody leads. Throws `EtcdError`. */
  async leader(bounds: CallBounds = {}): Promise<Entry | undefined> {
    const store = keyspaceOf(this.#parts.client, this.#parts.deadlines.of(bounds));
    try {
      return new Entry((await recipes.leaderOf(store, this.#name)).kv, this.#space);
    } catch (error) {
      if (error === Errors.ElectionNoLeader) return undefined;
      throw error;
    }
  }

  /**
   * Every leader and every value from now on, the present one first; leaders of a moment may be left out. Ends
   * without an error when the signal aborts. Throws `EtcdError`.
   */
  async *observe({ signal }: Pick<CallBounds, "signal"> = {}): AsyncGenerator<Entry, void> {
    const store = keyspaceOf(this.#parts.client, { signal });
    const isOver = (): boolean => signal?.aborted === true;
    while (!isOver()) {
      try {
        for await (const { kv } of recipes.observe(store, this.#name)) {
          yield new Entry(kv, this.#space);
        }
      } catch (error) {
        if (isOver() && isCanceled(error)) return;
        // The history was compacted while the connection was lost: what is now is told anew.
        if (!isCompacted(error)) throw error;
      }
    }
  }
}

function isCanceled(error: unknown): boolean {
  return error instanceof EtcdError && error.code === GrpcCode.Canceled;
}

function isCompacted(error: unknown): boolean {
  return error instanceof EtcdError && error.message === Errors.Compacted.message;
}

/** A term of a leader. */
export class Leadership {
  /** Larger than that of every earlier leader: the fence for stores outside of etcd. */
  readonly revision: number;
  /** What the leader stands with. */
  readonly lease: LeaseHandle;
  readonly #parts: TurnParts;
  readonly #turn: Turn<LeaderKey>;
  readonly #key: HeldKey;

  /** To be called by `campaign` alone. @internal */
  constructor(parts: TurnParts, turn: Turn<LeaderKey>) {
    this.#parts = parts;
    this.#turn = turn;
    const { lease, held } = turn;
    this.#key = new HeldKey({ client: parts.client, lease, key: held.key, revision: held.rev });
    this.revision = held.rev;
    this.lease = lease;
  }

  /**
   * Aborts before anybody else can lead, with a `LeaseLostError`, unless this leader resigns; with a `KeyLostError` when
   * somebody deletes its key, which may be too late.
   */
  get signal(): AbortSignal {
    return this.#key.signal;
  }

  /** A condition for transactions that are carried out only while this leader leads. */
  isLeading(): Condition {
    const { key, rev } = this.#turn.held;
    return { encode: () => createdAt(key, rev) };
  }

  /** Tells another value. Throws `Errors.ElectionNotLeader` when it leads no more, and `EtcdError`. */
  async proclaim(value: Bytes, bounds: CallBounds = {}): Promise<void> {
    const store = keyspaceOf(this.#parts.client, this.#parts.deadlines.of(bounds));
    await recipes.proclaim(store, this.#turn.held, toBytes(value));
  }

  /** Gives the leadership up; does nothing when it is lost already. Throws `EtcdError`. */
  async resign(bounds: CallBounds = {}): Promise<void> {
    this.#key.release();
    await this.#turn.release(bounds);
  }

  /** As `resign`; without errors where it has a lease of its own, which ends it anyway. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#key.release();
    await this.#turn.dispose();
  }
}
