/**
 * Transactions: conditions, and what is done at once when all of them hold, or when one does not.
 *
 * ```ts
 * const txn = await client
 *   .txn()
 *   .if(compare.missing("name"))
 *   .then(op.put("name", "etcd"))
 *   .else(op.get("name"))
 *   .commit();
 * if (txn.succeeded) txn.results[0].revision;  // of the put
 * else txn.results[0]?.value;                  // of the get
 * ```
 *
 * Source: etcd client/v3/txn.go.
 */
import type { TxnRequest, TxnResponse } from "../wire/gen/rpc.ts";
import type { CallBounds } from "./call-bounds.ts";
import type { Condition } from "./condition.ts";
import type { KeySpace } from "./key-space.ts";
import { type BranchResult, branchResult, type Operations, txnRequest } from "./branches.ts";

/** What a transaction did: `succeeded` tells which of its branches, and so the type of the results. */
export type TxnResult<Then extends Operations, Else extends Operations> = BranchResult<
  Then,
  Else
> & {
  /** Of the store behind the transaction. */
  readonly revision: number;
};

/** Carries a transaction out. */
export type CommitTxn = (request: TxnRequest, bounds: CallBounds) => Promise<TxnResponse>;

/** A transaction that is being put together. Each step gives a new one; the old one stays as it is. */
export class TxnBuilder<Then extends Operations = [], Else extends Operations = []> {
  readonly #space: KeySpace;
  readonly #commit: CommitTxn;
  readonly #conditions: readonly Condition[];
  readonly #then: Then;
  readonly #else: Else;

  constructor(
    space: KeySpace,
    commit: CommitTxn,
    conditions: readonly Condition[],
    branches: readonly [Then, Else],
  ) {
    this.#space = space;
    this.#commit = commit;
    this.#conditions = conditions;
    [this.#then, this.#else] = branches;
  }

  /** More conditions: all of them must hold. Without any, the transaction always succeeds. */
  if(...conditions: readonly Condition[]): TxnBuilder<Then, Else> {
    const all = [...this.#conditions, ...conditions];
    return new TxnBuilder(this.#space, this.#commit, all, [this.#then, this.#else]);
  }

  /** More of what is done when all conditions hold, in this order. */
  then<More extends Operations>(...more: More): TxnBuilder<[...Then, ...More], Else> {
    // `await` calls the method of this name with functions.
    if (more.some((operation) => typeof operation === "function")) {
      throw new TypeError("Cannot await a transaction: commit() carries it out");
    }
    const branches: [[...Then, ...More], Else] = [[...this.#then, ...more], this.#else];
    return new TxnBuilder(this.#space, this.#commit, this.#conditions, branches);
  }

  /** More of what is done when a condition does not hold, in this order. */
  else<More extends Operations>(...more: More): TxnBuilder<Then, [...Else, ...More]> {
    const branches: [Then, [...Else, ...More]] = [this.#then, [...this.#else, ...more]];
    return new TxnBuilder(this.#space, this.#commit, this.#conditions, branches);
  }

  /**
   * Carries the transaction out, all of a branch or nothing. Throws `EtcdError`; after one that does not say
   * that the server refused it, such as a deadline, it may have been carried out. It is never tried again then.
   */
  async commit(bounds: CallBounds = {}): Promise<TxnResult<Then, Else>> {
    const space = this.#space;
    const branches = { conditions: this.#conditions, success: this.#then, failure: this.#else };
    const answer = await this.#commit(txnRequest(branches, space), bounds);
    return { ...branchResult(branches, answer, space), revision: answer.header?.revision ?? 0 };
  }
}
