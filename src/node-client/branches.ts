/**
 * Operations of transactions and the branches that they make up: how they are encoded, and how their answers become
 * results whose types follow from them.
 */
import {
  createTxnRequest,
  type RequestOp,
  type ResponseOp,
  type TxnRequest,
  type TxnResponse,
} from "../wire/gen/rpc.ts";
import type { Condition } from "./condition.ts";
import type { KeySpace } from "./key-space.ts";

/** One operation of a transaction, with the type of its result. */
export interface Operation<Result> {
  /** The request, for keys of `space`. Throws as `KeySpace.range`. @internal */
  encode(space: KeySpace): RequestOp;
  /** The result. @internal */
  decode(answer: ResponseOp, space: KeySpace): Result;
}

/** Operations in their order. */
export type Operations = readonly Operation<unknown>[];

/** The results of a list of operations, in their order. */
export type ResultsOf<Of extends Operations> = {
  readonly [At in keyof Of]: Of[At] extends Operation<infer Result> ? Result : never;
};

/** What a transaction within another did: `succeeded` tells which branch, and so the type of the results. */
export type BranchResult<Then extends Operations, Else extends Operations> =
  | {
      /** All conditions held. */
      readonly succeeded: true;
      /** Of the operations for that, in their order. */
      readonly results: ResultsOf<Then>;
    }
  | {
      /** A condition did not hold. */
      readonly succeeded: false;
      /** Of the operations for that, in their order. */
      readonly results: ResultsOf<Else>;
    };

/** Conditions, and what is done when all of them hold, or when one does not. */
export interface Branches<Then extends Operations, Else extends Operations> {
  readonly conditions: readonly Condition[];
  readonly success: Then;
  readonly failure: Else;
}

/** The request that carries `branches` out. */
export function txnRequest(
  branches: Branches<Operations, Operations>,
  space: KeySpace,
): TxnRequest {
  return createTxnRequest({
    compare: branches.conditions.map((condition) => condition.encode(space)),
    success: branches.success.map((operation) => operation.encode(space)),
    failure: branches.failure.map((operation) => operation.encode(space)),
  });
}

/** What came of it. */
export function branchResult<Then extends Operations, Else extends Operations>(
  branches: Branches<Then, Else>,
  answer: TxnResponse,
  space: KeySpace,
): BranchResult<Then, Else> {
  return answer.succeeded
    ? { succeeded: true, results: readAnswers(branches.success, answer, space) }
    : { succeeded: false, results: readAnswers(branches.failure, answer, space) };
}

function readAnswers<Branch extends Operations>(
  branch: Branch,
  { responses }: TxnResponse,
  space: KeySpace,
): ResultsOf<Branch> {
  const results: unknown = branch.map((operation, at) => operation.decode(responses[at], space));
  // Each is of its operation's type; the language cannot say so of a map over a tuple.
  return results as ResultsOf<Branch>;
}
