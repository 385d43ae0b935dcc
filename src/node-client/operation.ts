/**
 * Operations of transactions: each is a request and the reading of its answer.
 *
 * ```ts
 * const { results } = await client.txn().then(op.get("name"), op.count({ prefix: "a/" })).commit();
 * const [name, count] = results;  // Entry | undefined, number
 * ```
 */
import { assert } from "../stdx/assert.ts";
import { createRequestOp, type RequestOp, type ResponseOp } from "../wire/gen/rpc.ts";
import {
  type BranchResult,
  type Branches,
  branchResult,
  type Operation,
  type Operations,
  txnRequest,
} from "./branches.ts";
import type { Condition } from "./condition.ts";
import type { Entry } from "./entry.ts";
import type { Bytes, KeySpace, KeyTarget } from "./key-space.ts";
import {
  countRequest,
  type DeleteOptions,
  deleteRequest,
  type DeleteResult,
  deleteResult,
  type GetOptions,
  type PutOptions,
  putRequest,
  type PutResult,
  putResult,
  type RangeOptions,
  rangeRequest,
  type RangeResult,
  rangeResult,
} from "./requests.ts";

/** Operations; their options are those of the methods of `client.kv`. */
export const op = {
  /** The entry of one key; `undefined` when there is none. */
  get: (key: Bytes, options?: GetOptions): Operation<Entry | undefined> => ({
    encode: (space) => ranged(rangeRequest(space, key, options)),
    decode: (answer, space) => rangeOf(answer, space).entries.at(0),
  }),

  /** The entries of a range. */
  range: (target: KeyTarget, options?: RangeOptions): Operation<RangeResult> => ({
    encode: (space) => ranged(rangeRequest(space, target, options)),
    decode: rangeOf,
  }),

  /** How many keys a range has. */
  count: (target: KeyTarget, options?: GetOptions): Operation<number> => ({
    encode: (space) => ranged(countRequest(space, target, options)),
    decode: (answer, space) => rangeOf(answer, space).count,
  }),

  /** Sets a key. */
  put: (key: Bytes, value: Bytes, options?: PutOptions): Operation<PutResult> => ({
    encode(space) {
      const request = putRequest(space, key, value, options);
      return createRequestOp({ request: { case: "requestPut", value: request } });
    },
    decode({ response }, space) {
      assert(response?.case === "responsePut", "Answers are in the order of operations");
      return putResult(response.value, space);
    },
  }),

  /** Deletes a key, or all keys of a range. */
  delete: (target: KeyTarget, options?: DeleteOptions): Operation<DeleteResult> => ({
    encode(space) {
      const request = deleteRequest(space, target, options);
      return createRequestOp({ request: { case: "requestDeleteRange", value: request } });
    },
    decode({ response }, space) {
      assert(response?.case === "responseDeleteRange", "Answers are in the order of operations");
      return deleteResult(response.value, space);
    },
  }),
  /**
   * A transaction within the transaction: `success` is done when all conditions hold, `failure` when one does not. Both
   * count among the operations that servers allow.
   */
  txn: <const Then extends Operations, const Else extends Operations = []>(
    conditions: readonly Condition[],
    success: Then,
    failure?: Else,
  ): Operation<BranchResult<Then, Else>> => {
    const branches: Branches<Then, Operations> = { conditions, success, failure: failure ?? [] };
    return {
      encode(space) {
        const value = txnRequest(branches, space);
        return createRequestOp({ request: { case: "requestTxn", value } });
      },
      decode({ response }, space) {
        assert(response?.case === "responseTxn", "Answers are in the order of operations");
        // Where there is no other branch, its type is that of an empty one.
        return branchResult(branches, response.value, space) as BranchResult<Then, Else>;
      },
    };
  },
} as const;

function ranged(value: ReturnType<typeof rangeRequest>): RequestOp {
  return createRequestOp({ request: { case: "requestRange", value } });
}

function rangeOf({ response }: ResponseOp, space: KeySpace): RangeResult {
  assert(response?.case === "responseRange", "Answers are in the order of operations");
  return rangeResult(response.value, space);
}
