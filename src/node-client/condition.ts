/**
 * Conditions of transactions.
 *
 * ```ts
 * client.txn().if(compare.missing("name"), compare.value("state", "=", "idle"));
 * ```
 *
 * Source: etcd client/v3/compare.go.
 */
import {
  type Compare,
  CompareResult,
  CompareTarget,
  type CompareTargetUnion,
  createCompare,
} from "../wire/gen/rpc.ts";
import { type Bytes, type KeySpace, type KeyTarget, toBytes } from "./key-space.ts";

/** Something that holds or does not hold when a transaction is carried out. */
export interface Condition {
  /** The condition, for keys of `space`. Throws as `KeySpace.range`. @internal */
  encode(space: KeySpace): Compare;
}

/** How what a key has stands to what is given. */
export type Relation = "=" | "!=" | "<" | ">";

const RESULTS: Readonly<Record<Relation, CompareResult>> = {
  "=": CompareResult.EQUAL,
  "!=": CompareResult.NOT_EQUAL,
  "<": CompareResult.LESS,
  ">": CompareResult.GREATER,
};

function condition(
  keys: KeyTarget,
  target: CompareTarget,
  relation: Relation,
  targetUnion: CompareTargetUnion,
): Condition {
  return {
    encode: (space) =>
      createCompare({ ...space.range(keys), target, result: RESULTS[relation], targetUnion }),
  };
}

/**
 * Conditions on one key, or on every key of a range: an empty range meets any. A key that does not exist has
 * the version, revisions and lease 0; about its value nothing holds.
 */
export const compare = {
  /** On values, byte by byte. */
  value: (keys: KeyTarget, relation: Relation, value: Bytes): Condition =>
    condition(keys, CompareTarget.VALUE, relation, { case: "value", value: toBytes(value) }),

  /** On how often keys were set since they came into being; 0 for a key that is missing. */
  version: (keys: KeyTarget, relation: Relation, value: number): Condition =>
    condition(keys, CompareTarget.VERSION, relation, { case: "version", value }),

  /** On the revision at which keys came into being; 0 for a key that is missing. */
  createRevision: (keys: KeyTarget, relation: Relation, value: number): Condition =>
    condition(keys, CompareTarget.CREATE, relation, { case: "createRevision", value }),

  /** On the revision of the last change; 0 for a key that is missing. */
  modRevision: (keys: KeyTarget, relation: Relation, value: number): Condition =>
    condition(keys, CompareTarget.MOD, relation, { case: "modRevision", value }),

  /** On the id of the lease that keys are attached to; 0 for none. */
  lease: (keys: KeyTarget, relation: Relation, value: bigint): Condition =>
    condition(keys, CompareTarget.LEASE, relation, { case: "lease", value }),

  /** There is the key. */
  exists: (key: Bytes): Condition => compare.createRevision(key, ">", 0),

  /** There is no such key. */
  missing: (key: Bytes): Condition => compare.createRevision(key, "=", 0),
} as const;
