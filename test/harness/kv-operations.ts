/**
 * Random requests of the KV service on a small keyspace: every option, every kind of condition, transactions
 * in transactions, and every mistake that a server answers with an error. What makes etcd 3.5 crash is left
 * out: an unknown sort target with a known order, and in one transaction a deletion to the end of the
 * keyspace followed by a put that needs the key.
 */
import { bytesFromLatin1, EMPTY_BYTES } from "../../src/stdx/bytes.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import {
  type Compare,
  type CompareResult,
  CompareTarget,
  type CompareTargetUnion,
  createCompare,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type SortOrder,
  SortTarget,
  type TxnRequest,
} from "../../src/wire/gen/rpc.ts";
import { KVService } from "../../src/wire/gen/services.ts";
import { PREFIX_RANGES, randomKey, randomRange } from "./keyspace.ts";
import type { Operation, StoreState } from "./operation.ts";

const VALUES = ["", "1", "2", "\0\xff", "value", "v".repeat(300)].map(bytesFromLatin1);

/** What transactions may hold. Source: etcd's default of --max-txn-ops. */
const TXN_OPS_MAX = 128;
const NESTING_MAX = 3;

/** More than requests may have by default, less than gRPC lets through. */
const TOO_LARGE_BYTES = 1_600_000;

/** More than gRPC lets through. */
const FAR_TOO_LARGE_BYTES = 2_200_000;

/** What one transaction does with keys that a deletion to the end may have taken. */
type EndRule = "mayDeleteToEnd" | "mayNeedKey";

export class KvOperations {
  readonly #prng: Prng;
  readonly #state: StoreState;

  /** `state` is read for every operation and kept up to date by the caller. */
  constructor(prng: Prng, state: StoreState) {
    this.#prng = prng;
    this.#state = state;
  }

  next(): Operation {
    const roll = this.#prng.below(1000);
    if (roll < 330) return { method: KVService.range, request: this.#range() };
    if (roll < 640) return { method: KVService.put, request: this.#put("mayNeedKey") };
    if (roll < 740) return { method: KVService.deleteRange, request: this.#deleteRange(true) };
    if (roll < 992) return { method: KVService.txn, request: this.#transaction() };
    if (roll < 999) return { method: KVService.compact, request: this.#compaction() };
    return this.#oversized();
  }

  #range(): RangeRequest {
    const prng = this.#prng;
    const { range, isSmall } = randomRange(prng);
    const request = createRangeRequest({ ...range, ...this.#order() });
    request.revision = this.#revision();
    if (prng.chance(0.25)) request.limit = prng.pick([-1, 1, 2, 3, 5, 1000, 2 ** 53 - 1]);
    request.serializable = prng.chance(0.5);
    request.keysOnly = prng.chance(0.1);
    request.countOnly = prng.chance(0.1);
    if (prng.chance(0.2)) this.#bound(request);
    // Without values the order of equal ones in a large answer could not be told from a wrong one.
    if (!isSmall && request.sortTarget === SortTarget.VALUE) request.keysOnly = false;
    return request;
  }

  #order(): Partial<RangeRequest> {
    const prng = this.#prng;
    if (prng.chance(0.5)) return {};
    const sortOrder = prng.pick([0, 1, 2, 7]) as SortOrder;
    const sortTarget = prng.pick([0, 1, 2, 3, 4, sortOrder === 7 ? 9 : 0]) as SortTarget;
    return { sortOrder, sortTarget };
  }

  /** Filters by revision. */
  #bound(request: RangeRequest): void {
    const prng = this.#prng;
    const recent = (): number => Math.max(1, this.#state.revision - prng.below(300));
    if (prng.chance(0.5)) request.minModRevision = recent();
    if (prng.chance(0.5)) request.maxModRevision = recent();
    if (prng.chance(0.3)) request.minCreateRevision = recent();
    if (prng.chance(0.3)) request.maxCreateRevision = prng.chance(0.1) ? -1 : recent();
  }

  #put(rule: EndRule): PutRequest {
    const prng = this.#prng;
    const request = createPutRequest({ key: randomKey(prng), value: prng.pick(VALUES) });
    request.lease = this.#lease();
    request.prevKv = prng.chance(0.3);
    if (rule === "mayNeedKey") {
      request.ignoreValue = prng.chance(0.08);
      request.ignoreLease = prng.chance(0.08);
      // Mostly as it should be, sometimes with the mistake of giving what is to be ignored.
      if (request.ignoreValue && prng.chance(0.8)) request.value = EMPTY_BYTES;
      if (request.ignoreLease && prng.chance(0.8)) request.lease = 0n;
    }
    return request;
  }

  #deleteRange(mayDeleteToEnd: boolean): DeleteRangeRequest {
    const prng = this.#prng;
    const single = prng.chance(0.7);
    const { key, rangeEnd } = single
      ? { key: randomKey(prng), rangeEnd: EMPTY_BYTES }
      : randomRange(prng).range;
    const request = createDeleteRangeRequest({ key, rangeEnd, prevKv: prng.chance(0.5) });
    if (!mayDeleteToEnd && rangeEnd.length === 1 && rangeEnd[0] === 0) {
      request.rangeEnd = EMPTY_BYTES;
    }
    return request;
  }

  #transaction(): TxnRequest {
    if (this.#prng.chance(0.01)) return this.#longTransaction();
    return this.#txn(this.#prng.chance(0.5) ? "mayDeleteToEnd" : "mayNeedKey", 0);
  }

  #txn(rule: EndRule, depth: number): TxnRequest {
    const prng = this.#prng;
    const compare = Array.from({ length: prng.below(3) }, () => this.#compare());
    const operations = (): RequestOp[] =>
      Array.from({ length: prng.below(5) }, () => this.#operation(rule, depth));
    const readsOnly = depth === 0 && prng.chance(0.15);
    const reads = (): RequestOp[] =>
      Array.from({ length: prng.below(4) }, () => this.#rangeOperation());
    const success = readsOnly ? reads() : operations();
    const failure = readsOnly ? reads() : operations();
    return createTxnRequest({ compare, success, failure });
  }

  #operation(rule: EndRule, depth: number): RequestOp {
    const roll = this.#prng.below(100);
    if (roll < 1) return createRequestOp();
    if (roll < 35) return this.#rangeOperation();
    if (roll < 65) return createRequestOp({ request: putCase(this.#put(rule)) });
    if (roll < 80 || depth === NESTING_MAX) {
      const value = this.#deleteRange(rule === "mayDeleteToEnd");
      return createRequestOp({ request: { case: "requestDeleteRange", value } });
    }
    const value = this.#txn(rule, depth + 1);
    return createRequestOp({ request: { case: "requestTxn", value } });
  }

  /** In transactions only what leaves no choice in the order of equal keys. */
  #rangeOperation(): RequestOp {
    const value = this.#range();
    const isSorted = value.sortTarget !== SortTarget.KEY || value.sortOrder !== 0;
    if (isSorted) [value.key, value.rangeEnd] = this.#prng.pick(PREFIX_RANGES);
    return createRequestOp({ request: { case: "requestRange", value } });
  }

  /** As many operations as there may be, or one more, here or one level down. */
  #longTransaction(): TxnRequest {
    const prng = this.#prng;
    const reads = (length: number): RequestOp[] =>
      Array.from({ length }, () => createRequestOp({ request: rangeCase(randomKey(prng)) }));
    const success = reads(TXN_OPS_MAX + prng.below(2));
    if (prng.chance(0.5)) return createTxnRequest({ success });
    const outer = reads(100);
    const value = createTxnRequest({ failure: reads(28 + prng.below(2)) });
    outer[prng.below(100)] = createRequestOp({ request: { case: "requestTxn", value } });
    return createTxnRequest({ failure: outer, success: outer });
  }

  #compare(): Compare {
    const prng = this.#prng;
    const target = prng.pick([0, 1, 2, 3, 4, prng.chance(0.1) ? 9 : 0]) as CompareTarget;
    const result = prng.pick([0, 1, 2, 3, prng.chance(0.1) ? 9 : 0]) as CompareResult;
    const { key, rangeEnd } = prng.chance(0.7)
      ? { key: randomKey(prng), rangeEnd: EMPTY_BYTES }
      : randomRange(prng).range;
    const kind = prng.chance(0.9) ? target : prng.below(5);
    const targetUnion = prng.chance(0.05) ? undefined : this.#operand(kind);
    return createCompare({ target, result, key, rangeEnd, targetUnion });
  }

  #operand(kind: CompareTarget): CompareTargetUnion {
    const prng = this.#prng;
    const revision = prng.chance(0.3) ? prng.below(3) - 1 : this.#state.revision - prng.below(100);
    switch (kind) {
      case CompareTarget.CREATE:
        return { case: "createRevision", value: revision };
      case CompareTarget.MOD:
        return { case: "modRevision", value: revision };
      case CompareTarget.VALUE:
        return { case: "value", value: prng.pick(VALUES) };
      case CompareTarget.LEASE:
        return { case: "lease", value: this.#lease() };
      default:
        return { case: "version", value: prng.below(8) - 1 };
    }
  }

  #compaction(): object {
    const prng = this.#prng;
    const { revision, compactRevision } = this.#state;
    const mistakes = [0, -1, compactRevision, compactRevision - 1, revision + 1, 2 ** 53 - 1];
    const newest = Math.max(compactRevision + 1, revision - prng.below(150));
    const request = { revision: prng.chance(0.3) ? prng.pick(mistakes) : newest };
    return KVService.compact.request.create({ ...request, physical: prng.chance(0.3) });
  }

  #oversized(): Operation {
    const bytes = this.#prng.pick([TOO_LARGE_BYTES, FAR_TOO_LARGE_BYTES]);
    const value = createPutRequest({ key: randomKey(this.#prng), value: new Uint8Array(bytes) });
    if (this.#prng.chance(0.5)) return { method: KVService.put, request: value };
    const success = [createRequestOp({ request: putCase(value) })];
    return { method: KVService.txn, request: createTxnRequest({ success }) };
  }

  #revision(): number {
    const prng = this.#prng;
    const { revision, compactRevision } = this.#state;
    const roll = prng.below(100);
    if (roll < 60) return 0;
    if (roll < 85) return Math.max(1, revision - prng.below(100));
    if (roll < 95) return Math.max(1, compactRevision - 2 + prng.below(5));
    return prng.pick([revision + 1, revision + 100, -1, -100, 2 ** 53 - 1]);
  }

  #lease(): bigint {
    const prng = this.#prng;
    const roll = prng.below(100);
    if (roll < 80) return 0n;
    const { leases } = this.#state;
    return roll < 95 && leases.length > 0 ? prng.pick(leases) : prng.pick([99n, -1n, 2n ** 62n]);
  }
}

function putCase(value: PutRequest): { readonly case: "requestPut"; readonly value: PutRequest } {
  return { case: "requestPut", value };
}

function rangeCase(key: Uint8Array): {
  readonly case: "requestRange";
  readonly value: RangeRequest;
} {
  return { case: "requestRange", value: createRangeRequest({ key }) };
}
