/**
 * A keyspace in memory for tests of locks and elections, with leases that tests end. Every request and every
 * answer waits for its turn, which a seed decides: nothing happens by itself.
 */
import { GrpcCode } from "../../src/errors/codes.ts";
import { EtcdError } from "../../src/errors/etcd-error.ts";
import { Errors } from "../../src/errors/table.ts";
import { compareBytes, latin1FromBytes } from "../../src/stdx/bytes.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import {
  createEvent,
  createKeyValue,
  type Event,
  EventType,
  type KeyValue,
} from "../../src/wire/gen/kv.ts";
import {
  createDeleteRangeResponse,
  createPutResponse,
  createRangeRequest,
  createRangeResponse,
  createResponseHeader,
  createResponseOp,
  createTxnResponse,
  createWatchResponse,
  type PutRequest,
  type RangeRequest,
  type RangeResponse,
  type RequestOp,
  type ResponseOp,
  SortOrder,
  type TxnRequest,
  type TxnResponse,
  type WatchCreateRequest,
  type WatchResponse,
} from "../../src/wire/gen/rpc.ts";
import type { ConcurrencyStore } from "../../src/concurrency/store.ts";

/** The caller of a store went away. */
const GONE = new EtcdError(GrpcCode.Canceled, "context canceled");

/** The server of a store did not answer. */
const LOST = new EtcdError(GrpcCode.Unavailable, "connection lost");

export class MemoryKeyspace {
  revision = 1;
  /** Ranges and transactions so far. */
  requests = 0;
  readonly #prng: Prng;
  readonly #keys = new Map<string, KeyValue>();
  readonly #leases = new Set<bigint>();
  readonly #history: { readonly revision: number; readonly events: Event[] }[] = [];
  #turns: (() => void)[] = [];

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** The live keys by create revision. */
  get keys(): KeyValue[] {
    return [...this.#keys.values()].sort((a, b) => a.createRevision - b.createRevision);
  }

  grant(lease: bigint): void {
    this.#leases.add(lease);
  }

  /** Ends a lease, and its keys with it. */
  revoke(lease: bigint): void {
    this.#leases.delete(lease);
    this.#change((events) => {
      for (const kv of this.keys) if (kv.lease === lease) this.#delete(kv.key, events);
    });
  }

  has(key: Uint8Array): boolean {
    return this.#keys.has(latin1FromBytes(key));
  }

  /** Waits for a turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#turns.push(resolve));
  }

  /** Gives turns until nobody waits for one. */
  async run(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#turns.length === 0) return;
      const at = this.#prng.below(this.#turns.length);
      this.#turns.splice(at, 1)[0]();
    }
  }

  range(partial: Partial<RangeRequest>): RangeResponse {
    this.requests++;
    const request = createRangeRequest(partial);
    const { key, rangeEnd, limit, sortOrder, maxCreateRevision } = request;
    let kvs = this.keys.filter((kv) =>
      rangeEnd.length === 0
        ? compareBytes(kv.key, key) === 0
        : compareBytes(kv.key, key) >= 0 && compareBytes(kv.key, rangeEnd) < 0,
    );
    if (maxCreateRevision > 0) kvs = kvs.filter((kv) => kv.createRevision <= maxCreateRevision);
    if (sortOrder === SortOrder.DESCEND) kvs.reverse();
    if (limit > 0) kvs = kvs.slice(0, limit);
    const copies = kvs.map((kv) => ({ ...kv }));
    return createRangeResponse({ header: this.#header(), kvs: copies, count: kvs.length });
  }

  txn({ compare = [], success = [], failure = [] }: Partial<TxnRequest>): TxnResponse {
    this.requests++;
    const succeeded = compare.every(({ key, targetUnion }) => {
      const created = this.#keys.get(latin1FromBytes(key))?.createRevision ?? 0;
      return targetUnion?.case === "createRevision" && targetUnion.value === created;
    });
    const operations = succeeded ? success : failure;
    for (const { request } of operations) {
      if (request?.case !== "requestPut" || request.value.lease === 0n) continue;
      if (!this.#leases.has(request.value.lease)) throw Errors.LeaseNotFound;
    }
    let responses: ResponseOp[] = [];
    this.#change((events) => {
      responses = operations.map((operation) => this.#execute(operation, events));
    });
    return createTxnResponse({ header: this.#header(), succeeded, responses });
  }

  /** Events of `key`, or of its range, from a revision on; answers one revision at a time. */
  eventsFrom({ key, rangeEnd }: RangeRequest, revision: number): WatchResponse | undefined {
    for (const entry of this.#history) {
      if (entry.revision < revision) continue;
      const events = entry.events.filter(({ kv }) => {
        const at = kv?.key ?? key;
        if (rangeEnd.length === 0) return compareBytes(at, key) === 0;
        return compareBytes(at, key) >= 0 && compareBytes(at, rangeEnd) < 0;
      });
      const header = createResponseHeader({ revision: entry.revision });
      if (events.length > 0) return createWatchResponse({ header, events });
    }
    return undefined;
  }

  #execute({ request }: RequestOp, events: Event[]): ResponseOp {
    switch (request?.case) {
      case "requestPut":
        this.#put(request.value, events);
        return createResponseOp({ response: { case: "responsePut", value: createPutResponse() } });
      case "requestDeleteRange": {
        this.#delete(request.value.key, events);
        const value = createDeleteRangeResponse();
        return createResponseOp({ response: { case: "responseDeleteRange", value } });
      }
      case "requestRange": {
        this.requests--;
        const value = this.range(request.value);
        return createResponseOp({ response: { case: "responseRange", value } });
      }
      default:
        throw new Error("Neither locks nor elections nest transactions");
    }
  }

  #put({ key, value, lease }: PutRequest, events: Event[]): void {
    const revision = this.revision + 1;
    const before = this.#keys.get(latin1FromBytes(key));
    const createRevision = before?.createRevision ?? revision;
    const kv = createKeyValue({ key, value, lease, createRevision, modRevision: revision });
    this.#keys.set(latin1FromBytes(key), kv);
    events.push(createEvent({ type: EventType.PUT, kv }));
  }

  #delete(key: Uint8Array, events: Event[]): void {
    if (!this.#keys.delete(latin1FromBytes(key))) return;
    const kv = createKeyValue({ key, modRevision: this.revision + 1 });
    events.push(createEvent({ type: EventType.DELETE, kv }));
  }

  #change(make: (events: Event[]) => void): void {
    const events: Event[] = [];
    make(events);
    if (events.length === 0) return;
    this.revision++;
    this.#history.push({ revision: this.revision, events });
  }

  #header() {
    return createResponseHeader({ revision: this.revision });
  }
}

/** One caller's way to a keyspace: requests and answers take turns, and may be lost. */
export class MemoryCaller implements ConcurrencyStore {
  readonly cleanup: Pick<ConcurrencyStore, "txn" | "deleteRange">;
  readonly #keyspace: MemoryKeyspace;
  readonly #isLost: () => boolean;
  #isGone = false;

  /** `isLost` is asked for every request and every answer. */
  constructor(keyspace: MemoryKeyspace, isLost: () => boolean, cleanup?: MemoryCaller) {
    this.#keyspace = keyspace;
    this.#isLost = isLost;
    this.cleanup = cleanup ?? new MemoryCaller(keyspace, isLost, this);
  }

  leave(): void {
    this.#isGone = true;
  }

  range(request: Partial<RangeRequest>): Promise<RangeResponse> {
    return this.#ask(() => this.#keyspace.range(request));
  }

  txn(request: Partial<TxnRequest>): Promise<TxnResponse> {
    return this.#ask(() => this.#keyspace.txn(request));
  }

  deleteRange(request: Partial<RangeRequest>) {
    const value = { ...request, rangeEnd: new Uint8Array(0), prevKv: false };
    const { key = new Uint8Array(0) } = value;
    const operation = {
      request: { case: "requestDeleteRange", value: { ...value, key } },
    } as const;
    return this.#ask(() => {
      const { header } = this.#keyspace.txn({ success: [operation] });
      return createDeleteRangeResponse({ header });
    });
  }

  async *watch(request: Partial<WatchCreateRequest>) {
    const { key, rangeEnd, startRevision = 0 } = request;
    const range = createRangeRequest({
      ...(key === undefined ? {} : { key }),
      ...(rangeEnd === undefined ? {} : { rangeEnd }),
    });
    let next = startRevision;
    for (;;) {
      await this.#turn();
      const response = this.#keyspace.eventsFrom(range, next);
      if (response === undefined) continue;
      next = (response.header?.revision ?? 0) + 1;
      yield response;
    }
  }

  async #ask<T>(answer: () => T): Promise<T> {
    await this.#turn();
    if (this.#isLost()) throw LOST;
    const answered = answer();
    await this.#turn();
    if (this.#isLost()) throw LOST;
    return answered;
  }

  async #turn(): Promise<void> {
    await this.#keyspace.turn();
    if (this.#isGone) throw GONE;
  }
}
