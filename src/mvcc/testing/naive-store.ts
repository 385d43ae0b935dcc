/**
 * The keyspace as a list of all versions ever written, and etcd's rules read literally on it: the oracle
 * for tests of the real store. Every operation walks everything.
 */
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import { bytesFromLatin1, compareBytes, latin1FromBytes } from "../../stdx/bytes.ts";
import { crc32c } from "../../stdx/crc32c.ts";
import { createKeyValue, encodeKeyValue, type KeyValue } from "../../wire/gen/kv.ts";
import {
  type Compare,
  CompareResult,
  CompareTarget,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  SortOrder,
  SortTarget,
  type TxnRequest,
} from "../../wire/gen/rpc.ts";
import { encodeRevision } from "../revision.ts";

/** One version of one key; without `keyValue` a tombstone. */
interface Version {
  readonly key: string;
  readonly main: number;
  readonly sub: number;
  readonly keyValue: KeyValue | undefined;
}

export interface NaiveRange {
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}

/** An answer in a form that compares well: nested arrays of plain values. */
export type NaiveAnswer =
  | { readonly range: NaiveRange }
  | { readonly put: { readonly revision: number; readonly prevKv: KeyValue | undefined } }
  | {
      readonly deleted: number;
      readonly revision: number;
      readonly prevKvs: readonly KeyValue[];
    }
  | { readonly succeeded: boolean; readonly revision: number; readonly answers: NaiveAnswer[] };

const within = (key: string, from: string, end: string): boolean => {
  if (end === "") return key === from;
  return key >= from && (end === "\0" || key < end);
};

export class NaiveStore {
  versions: Version[] = [];
  revision = 1;
  compactRevision = -1;
  readonly leases = new Set<bigint>();

  /** Keys visible at a revision, in key order. */
  visible(at: number): KeyValue[] {
    const newest = new Map<string, KeyValue | undefined>();
    for (const { key, main, keyValue } of this.versions) {
      if (main <= at) newest.set(key, keyValue);
    }
    const all = [...newest.values()].filter((keyValue) => keyValue !== undefined);
    return all.sort((a, b) => compareBytes(a.key, b.key));
  }

  inRange(at: number, key: Uint8Array, rangeEnd: Uint8Array): KeyValue[] {
    const [from, end] = [latin1FromBytes(key), latin1FromBytes(rangeEnd)];
    return this.visible(at).filter((kv) => within(latin1FromBytes(kv.key), from, end));
  }

  /** `revision` is what the reader takes for the newest one: its own in a transaction. */
  range(request: RangeRequest, revision = this.revision): NaiveRange | EtcdError {
    if (request.revision > revision) return Errors.FutureRevision;
    const at = request.revision <= 0 ? revision : request.revision;
    if (at < this.compactRevision) return Errors.Compacted;
    let kvs = this.inRange(at, request.key, request.rangeEnd);
    const count = kvs.length;
    if (request.countOnly) return { revision, kvs: [], more: false, count };
    const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
    const { limit, sortOrder, sortTarget } = request;
    const filters = [minModRevision, maxModRevision, minCreateRevision, maxCreateRevision];
    const all = sortOrder !== SortOrder.NONE || filters.some((filter) => filter !== 0);
    if (!all && limit > 0) kvs = kvs.slice(0, limit + 1);
    if (maxModRevision !== 0) kvs = kvs.filter((kv) => kv.modRevision <= maxModRevision);
    if (minModRevision !== 0) kvs = kvs.filter((kv) => kv.modRevision >= minModRevision);
    if (maxCreateRevision !== 0) kvs = kvs.filter((kv) => kv.createRevision <= maxCreateRevision);
    if (minCreateRevision !== 0) kvs = kvs.filter((kv) => kv.createRevision >= minCreateRevision);
    kvs = sorted(kvs, sortOrder, sortTarget);
    const more = limit > 0 && kvs.length > limit;
    if (more) kvs = kvs.slice(0, limit);
    if (request.keysOnly) kvs = kvs.map((kv) => ({ ...kv, value: new Uint8Array(0) }));
    return { revision, kvs, more, count };
  }

  put(request: PutRequest): NaiveAnswer | EtcdError {
    if (this.#missesLease(request)) return Errors.LeaseNotFound;
    if (this.#missesKey(request)) return Errors.KeyNotFound;
    return this.#commit((main) => this.#put(request, main));
  }

  deleteRange(request: DeleteRangeRequest): NaiveAnswer | EtcdError {
    return this.#commit((main) => this.#delete(request, main));
  }

  txn(request: TxnRequest): NaiveAnswer | EtcdError {
    const path = this.#flatten(request);
    for (const { request: operation } of path) {
      if (operation?.case !== "requestPut") continue;
      if (this.#missesKey(operation.value)) return Errors.KeyNotFound;
      if (this.#missesLease(operation.value)) return Errors.LeaseNotFound;
    }
    for (const { request: operation } of path) {
      const revision = operation?.case === "requestRange" ? operation.value.revision : 0;
      if (revision > this.revision) return Errors.FutureRevision;
      if (revision !== 0 && revision < this.compactRevision) return Errors.Compacted;
    }
    const before = new NaiveStore();
    Object.assign(before, { versions: [...this.versions], revision: this.revision });
    try {
      const answer = this.#commit((main) => this.#txn(request, main, before));
      return { ...answer, revision: this.revision };
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      this.versions = before.versions;
      return error;
    }
  }

  compact(revision: number): EtcdError | undefined {
    if (revision <= this.compactRevision) return Errors.Compacted;
    if (revision > this.revision) return Errors.FutureRevision;
    this.compactRevision = revision;
    return undefined;
  }

  /** The versions that compaction at `revision` leaves. */
  kept(revision: number): Version[] {
    return this.versions.filter((version, i) => {
      if (version.main > revision) return true;
      const later = this.versions.slice(i + 1);
      if (later.some(({ key, main }) => key === version.key && main <= revision)) return false;
      return version.keyValue !== undefined || version.main === revision;
    });
  }

  /** The hash that etcd would give once everything up to `compactRevision` is compacted. */
  hash(versions: readonly Version[], compactRevision: number, revision: number): number {
    let crc = crc32c(0, bytesFromLatin1("key"));
    for (const { key, main, sub, keyValue } of versions) {
      if (main > revision || (main === compactRevision && keyValue === undefined)) continue;
      crc = crc32c(crc, encodeRevision(main, sub, keyValue === undefined));
      const stored = keyValue ?? createKeyValue({ key: bytesFromLatin1(key) });
      crc = crc32c(crc, encodeKeyValue(stored));
    }
    return crc;
  }

  #commit<T extends NaiveAnswer>(change: (main: number) => T): T {
    const main = this.revision + 1;
    const answer = change(main);
    if (this.versions.at(-1)?.main === main) this.revision = main;
    return answer;
  }

  #changed(main: number): number {
    return this.versions.at(-1)?.main === main ? main : main - 1;
  }

  #append(main: number, key: string, keyValue: KeyValue | undefined): void {
    const last = this.versions.at(-1);
    const sub = last?.main === main ? last.sub + 1 : 0;
    this.versions.push({ key, main, sub, keyValue });
  }

  #missesLease({ lease }: PutRequest): boolean {
    return lease !== 0n && !this.leases.has(lease);
  }

  #missesKey({ key, ignoreValue, ignoreLease }: PutRequest): boolean {
    const found = this.inRange(this.revision, key, new Uint8Array(0));
    return (ignoreValue || ignoreLease) && found.length === 0;
  }

  #put(request: PutRequest, main: number): NaiveAnswer {
    const { key } = request;
    const previous = this.inRange(main, key, new Uint8Array(0)).at(0);
    if ((request.ignoreValue || request.ignoreLease) && !previous) throw Errors.KeyNotFound;
    const keyValue = createKeyValue({
      key,
      createRevision: previous?.createRevision ?? main,
      modRevision: main,
      version: (previous?.version ?? 0) + 1,
      value: request.ignoreValue && previous !== undefined ? previous.value : request.value,
      lease: request.ignoreLease && previous !== undefined ? previous.lease : request.lease,
    });
    this.#append(main, latin1FromBytes(key), keyValue);
    return { put: { revision: main, prevKv: request.prevKv ? previous : undefined } };
  }

  #delete(request: DeleteRangeRequest, main: number): NaiveAnswer {
    const gone = this.inRange(main, request.key, request.rangeEnd);
    for (const { key } of gone) this.#append(main, latin1FromBytes(key), undefined);
    const prevKvs = request.prevKv ? gone : [];
    return { deleted: gone.length, revision: this.#changed(main), prevKvs };
  }

  #txn(request: TxnRequest, main: number, before: NaiveStore): NaiveAnswer {
    const succeeded = request.compare.every((compare) => before.#holds(compare));
    const answers: NaiveAnswer[] = [];
    for (const { request: operation } of succeeded ? request.success : request.failure) {
      if (operation?.case === "requestPut") answers.push(this.#put(operation.value, main));
      if (operation?.case === "requestDeleteRange") {
        answers.push(this.#delete(operation.value, main));
      }
      if (operation?.case === "requestTxn") {
        answers.push(this.#txn(operation.value, main, before));
      }
      if (operation?.case === "requestRange") {
        const range = this.range(operation.value, this.#changed(main));
        if (range instanceof EtcdError) throw range;
        answers.push({ range });
      }
    }
    return { succeeded, revision: 0, answers };
  }

  /** The operations of the branches that will run, nested ones in place. */
  #flatten(request: TxnRequest): RequestOp[] {
    const succeeded = request.compare.every((compare) => this.#holds(compare));
    return (succeeded ? request.success : request.failure).flatMap((operation) =>
      operation.request?.case === "requestTxn"
        ? this.#flatten(operation.request.value)
        : [operation],
    );
  }

  #holds(compare: Compare): boolean {
    const found = this.inRange(this.revision, compare.key, compare.rangeEnd);
    if (found.length === 0 && compare.target === CompareTarget.VALUE) return false;
    const subjects = found.length === 0 ? [createKeyValue()] : found;
    return subjects.every((keyValue) => {
      const order = compareTo(keyValue, compare);
      if (compare.result === CompareResult.EQUAL) return order === 0;
      if (compare.result === CompareResult.NOT_EQUAL) return order !== 0;
      return compare.result === CompareResult.GREATER ? order > 0 : order < 0;
    });
  }
}

function compareTo(keyValue: KeyValue, { target, targetUnion: operand }: Compare): number {
  const number = (actual: number | bigint, wanted: number | bigint): number =>
    Math.sign(Number(BigInt(actual) - BigInt(wanted)));
  switch (target) {
    case CompareTarget.VERSION:
      return number(keyValue.version, operand?.case === "version" ? operand.value : 0);
    case CompareTarget.CREATE:
      return number(
        keyValue.createRevision,
        operand?.case === "createRevision" ? operand.value : 0,
      );
    case CompareTarget.MOD:
      return number(keyValue.modRevision, operand?.case === "modRevision" ? operand.value : 0);
    case CompareTarget.LEASE:
      return number(keyValue.lease, operand?.case === "lease" ? operand.value : 0);
    default: {
      const wanted = operand?.case === "value" ? operand.value : new Uint8Array(0);
      return compareBytes(keyValue.value, wanted);
    }
  }
}

function sorted(kvs: KeyValue[], order: SortOrder, target: SortTarget): KeyValue[] {
  if (order === SortOrder.NONE && target === SortTarget.KEY) return kvs;
  const direction = order === SortOrder.DESCEND ? -1 : 1;
  const compare = (a: KeyValue, b: KeyValue): number => {
    if (target === SortTarget.VERSION) return a.version - b.version;
    if (target === SortTarget.CREATE) return a.createRevision - b.createRevision;
    if (target === SortTarget.MOD) return a.modRevision - b.modRevision;
    return target === SortTarget.VALUE
      ? compareBytes(a.value, b.value)
      : compareBytes(a.key, b.key);
  };
  return kvs.toSorted((a, b) => direction * compare(a, b));
}
