/**
 * A key-value store in the model's way: what etcd answers to a request in a given state, and what changes.
 * Changes can be taken back, for searches.
 */
import type {
  Compare,
  DeleteRequest,
  KeyRange,
  KeyValue,
  KvRequest,
  KvResult,
  PutRequest,
  RangeRequest,
  RangeResult,
  Request,
  Result,
  TxnRequest,
  WatchEvent,
} from "../history.ts";

/** What `execute` takes: every request that reads or writes keys by itself. */
export type KeyRequest = KvRequest | TxnRequest;

interface Change {
  readonly key: string;
  readonly before: KeyValue | undefined;
}

export function isKeyRequest(request: Request): request is KeyRequest {
  return "key" in request || request.kind === "txn";
}

export class KvState {
  readonly #keys = new Map<string, KeyValue>();
  /** By lease. Empty sets stay. */
  readonly #attached = new Map<string, Set<string>>();
  #journal: Change[] = [];

  constructor(initial: readonly KeyValue[] = []) {
    for (const kv of initial) this.#set(kv.key, kv);
    this.#journal = [];
  }

  /** A point to which `rollback` goes. */
  get mark(): number {
    return this.#journal.length;
  }

  rollback(mark: number): void {
    while (this.#journal.length > mark) {
      const change = this.#journal.pop();
      if (change !== undefined) this.#assign(change.key, change.before);
    }
  }

  /** What changed since `mark`, one event a key, sorted by key. */
  eventsSince(mark: number, revision: number): readonly WatchEvent[] {
    const firstBefore = new Map<string, KeyValue | undefined>();
    for (const { key, before } of this.#journal.slice(mark)) {
      if (!firstBefore.has(key)) firstBefore.set(key, before);
    }
    return [...firstBefore]
      .filter(([key, before]) => before !== undefined || this.#keys.has(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, before]) => eventOf(key, before, this.#keys.get(key), revision));
  }

  get(key: string): KeyValue | undefined {
    return this.#keys.get(key);
  }

  /** Sorted by key. */
  range({ key, end }: KeyRange): readonly KeyValue[] {
    if (end === undefined || end === "") {
      const kv = this.#keys.get(key);
      return kv === undefined ? [] : [kv];
    }
    const found = [...this.#keys.values()].filter((kv) => isInRange(kv.key, { key, end }));
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Keys of a lease, sorted. */
  attachedTo(lease: string): readonly string[] {
    return [...(this.#attached.get(lease) ?? [])].sort();
  }

  /** Leases that have keys. */
  leases(): readonly string[] {
    return [...this.#attached].filter(([, keys]) => keys.size > 0).map(([lease]) => lease);
  }

  /** Deletes what is attached to a lease. */
  endLease(lease: string): void {
    for (const key of this.attachedTo(lease)) this.#set(key, undefined);
  }

  /** Executes a request as the one that makes `revision`, and says what etcd answers. */
  execute(request: KeyRequest, revision: number): Result {
    if (request.kind !== "txn") return this.#executeOne(request, revision);
    const succeeded = request.compares.every((compare) => this.holds(compare));
    const branch = succeeded ? request.success : request.failure;
    return { succeeded, results: branch.map((each) => this.#executeOne(each, revision)) };
  }

  holds({ key, target, result, operand }: Compare): boolean {
    const kv = this.#keys.get(key);
    if (target === "value") {
      // A key that is not there has no value to compare: never equal, not even different.
      if (kv === undefined) return false;
      return isOrdered(compare(kv.value, String(operand)), result);
    }
    return isOrdered((kv?.[target] ?? 0) - Number(operand), result);
  }

  #executeOne(request: KvRequest, revision: number): KvResult {
    switch (request.kind) {
      case "range":
        return this.#range(request);
      case "put":
        return this.#put(request, revision);
      case "delete":
        return this.#delete(request);
    }
  }

  #range(request: RangeRequest): RangeResult {
    const kvs = this.range(request);
    if (request.countOnly === true) return { kvs: [], count: kvs.length };
    const shown = request.limit === undefined || request.limit === 0 ? kvs.length : request.limit;
    return { kvs: kvs.slice(0, shown), count: kvs.length };
  }

  #put({ key, value, lease, prevKv }: PutRequest, revision: number): KvResult {
    const prev = this.#keys.get(key);
    const kv = {
      ...{ key, value, create: prev?.create ?? revision, mod: revision },
      version: (prev?.version ?? 0) + 1,
      ...(lease === undefined || lease === "0" ? {} : { lease }),
    };
    this.#set(key, kv);
    return prevKv === true && prev !== undefined ? { prev } : {};
  }

  #delete(request: DeleteRequest): KvResult {
    const prevs = this.range(request);
    for (const { key } of prevs) this.#set(key, undefined);
    return { deleted: prevs.length, ...(request.prevKv === true ? { prevs } : {}) };
  }

  #set(key: string, kv: KeyValue | undefined): void {
    this.#journal.push({ key, before: this.#keys.get(key) });
    this.#assign(key, kv);
  }

  #assign(key: string, kv: KeyValue | undefined): void {
    const before = this.#keys.get(key);
    if (before?.lease !== undefined) this.#attached.get(before.lease)?.delete(key);
    if (kv === undefined) {
      this.#keys.delete(key);
      return;
    }
    this.#keys.set(key, kv);
    if (kv.lease === undefined) return;
    const attached = this.#attached.get(kv.lease);
    if (attached === undefined) this.#attached.set(kv.lease, new Set([key]));
    else attached.add(key);
  }
}

export function isInRange(key: string, { key: from, end }: KeyRange): boolean {
  if (end === undefined || end === "") return key === from;
  return key >= from && (end === "\0" || key < end);
}

/** Whether a key-value is the one that was seen. */
export function sameKv(a: KeyValue | undefined, b: KeyValue | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.key === b.key &&
    a.value === b.value &&
    a.mod === b.mod &&
    a.create === b.create &&
    a.version === b.version &&
    (a.lease ?? "0") === (b.lease ?? "0")
  );
}

function eventOf(
  key: string,
  prev: KeyValue | undefined,
  kv: KeyValue | undefined,
  revision: number,
): WatchEvent {
  const before = prev === undefined ? {} : { prev };
  if (kv !== undefined) return { type: "put", kv, ...before };
  const tombstone = { key, value: "", create: 0, mod: revision, version: 0 };
  return { type: "delete", kv: tombstone, ...before };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isOrdered(difference: number, result: Compare["result"]): boolean {
  switch (result) {
    case "=":
      return difference === 0;
    case "!=":
      return difference !== 0;
    case "<":
      return difference < 0;
    case ">":
      return difference > 0;
  }
}
