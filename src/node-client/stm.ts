/**
 * Software transactional memory: code that reads and writes keys as if it were alone, and is run again when it was not.
 *
 * ```ts
 * await client.stm(async (tx) => {
 *   const balance = Number(await tx.get("alice"));
 *   tx.put("alice", String(balance - 5));
 *   tx.put("bob", String(Number(await tx.get("bob")) + 5));
 * });
 * ```
 *
 * Reads are remembered with their revisions, writes wait until the end. Then one transaction compares the revisions and
 * writes. Where a comparison fails, nothing was written, and everything begins anew.
 *
 * Source: etcd client/v3/concurrency/stm.go.
 */
import type { CallOptions } from "../client/call-options.ts";
import type { Kv } from "../client/kv.ts";
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { latin1FromBytes, utf8FromBytes } from "../stdx/bytes.ts";
import type { KeyValue } from "../wire/gen/kv.ts";
import {
  type Compare,
  CompareResult,
  CompareTarget,
  createCompare,
  createDeleteRangeRequest,
  createRequestOp,
  createTxnRequest,
  type RequestOp,
  type TxnRequest,
} from "../wire/gen/rpc.ts";
import type { CallBounds, Deadlines } from "./call-bounds.ts";
import type { Bytes, KeySpace } from "./key-space.ts";
import { type PutOptions, putRequest } from "./requests.ts";

/**
 * What a transaction is protected from:
 *
 * - `serializable-snapshot`: reads are of one revision, and neither what was read nor what is written has changed since.
 * - `serializable`: reads are of one revision, and what was read has not changed since.
 * - `repeatable-reads`: what was read has not changed; reads may be of different revisions until then.
 * - `read-committed`: nothing; writes appear at once.
 */
export type Isolation =
  | "serializable-snapshot"
  | "serializable"
  | "repeatable-reads"
  | "read-committed";

/** How a transaction is run. */
export interface StmOptions extends CallBounds {
  /** `"serializable-snapshot"` when absent. */
  readonly isolation?: Isolation | undefined;
  /** Times that it is run at most; as often as its time allows when absent. */
  readonly attemptsMax?: number | undefined;
}

/** Others changed the same keys, or compacted what was read, every time. Nothing was written. */
export class StmConflictError extends EtcdError {
  /** Times that the code was run. */
  readonly attempts: number;

  /** `attempts`: times that the code was run. */
  constructor(attempts: number) {
    super(GrpcCode.Aborted, `transaction met others ${attempts} times`);
    this.name = "StmConflictError";
    this.attempts = attempts;
  }
}

/** What transactions need of their client. */
export interface StmParts {
  readonly kv: Kv;
  readonly space: KeySpace;
  readonly deadlines: Deadlines;
}

/** What was carried out. */
export interface StmResult<T> {
  /** What the code returned. */
  readonly value: T;
  /** At which it was written, or of the store where nothing was. */
  readonly revision: number;
  /** Times that the code was run. */
  readonly attempts: number;
}

/**
 * Runs `work` until it met nobody else; of those who meet, one is done. It may run many times, and must not do
 * anything that cannot be done again; errors that it throws end everything, and nothing is written. `timeoutMs` is for
 * all of it. Throws `StmConflictError`, and `EtcdError`: after one that does not say that the server refused it, it
 * may have been written.
 */
export async function runStm<T>(
  { kv, space, deadlines }: StmParts,
  work: (tx: StmTransaction) => Promise<T> | T,
  options: StmOptions = {},
): Promise<StmResult<T>> {
  const { isolation = "serializable-snapshot", attemptsMax = Infinity } = options;
  const call = deadlines.of(options);
  for (let attempts = 1; attempts <= attemptsMax; attempts++) {
    const tx = new StmTransaction(kv, space, call, isolation);
    try {
      const value = await work(tx);
      const { succeeded, header } = await kv.txn(await tx.commitRequest(), call);
      if (succeeded) return { value, revision: header?.revision ?? 0, attempts };
    } catch (error) {
      // Nothing was written, and at a later revision there is everything to read.
      if (!tx.isOutdated) throw error;
    }
  }
  throw new StmConflictError(attemptsMax);
}

/** One run of the code. Its reads see its writes. */
export class StmTransaction {
  readonly #kv: Kv;
  readonly #space: KeySpace;
  readonly #call: CallOptions;
  readonly #isolation: Isolation;
  /** By the key, as text with one character for each byte. */
  readonly #reads = new Map<string, Promise<Read>>();
  readonly #writes = new Map<string, Write>();
  #firstRead: Promise<Read> | undefined;
  #isOutdated = false;

  /** To be called by `runStm` alone. @internal */
  constructor(kv: Kv, space: KeySpace, call: CallOptions, isolation: Isolation) {
    this.#kv = kv;
    this.#space = space;
    this.#call = call;
    this.#isolation = isolation;
  }

  /** Whether the revision that it reads at was compacted meanwhile: it has to begin anew. @internal */
  get isOutdated(): boolean {
    return this.#isOutdated;
  }

  /** The value of `key`; `undefined` when there is no such key. Throws `EtcdError`. */
  async get(key: Bytes): Promise<string | undefined> {
    const value = await this.getBytes(key);
    return value === undefined ? undefined : utf8FromBytes(value);
  }

  /** As `get`, the bytes of it. Throws `EtcdError`. */
  async getBytes(key: Bytes): Promise<Uint8Array | undefined> {
    const bytes = this.#space.key(key);
    const written = this.#writes.get(latin1FromBytes(bytes));
    if (written !== undefined) return written.value;
    return (await this.#read(bytes)).kv?.value;
  }

  /** The revision of the value that was there before this transaction; 0 when there was none. Throws `EtcdError`. */
  async modRevision(key: Bytes): Promise<number> {
    return (await this.#read(this.#space.key(key))).kv?.modRevision ?? 0;
  }

  /** Sets a key, at the end. Throws `Errors.EmptyKey`. */
  put(key: Bytes, value: Bytes, options: Pick<PutOptions, "lease"> = {}): void {
    const request = putRequest(this.#space, key, value, options);
    const operation = createRequestOp({ request: { case: "requestPut", value: request } });
    const write = { key: request.key, value: request.value, operation };
    this.#writes.set(latin1FromBytes(request.key), write);
  }

  /** Deletes a key, at the end. Throws `Errors.EmptyKey`. */
  delete(key: Bytes): void {
    const bytes = this.#space.key(key);
    const value = createDeleteRangeRequest({ key: bytes });
    const operation = createRequestOp({ request: { case: "requestDeleteRange", value } });
    this.#writes.set(latin1FromBytes(bytes), { key: bytes, value: undefined, operation });
  }

  /** The transaction that carries out what was written if nobody was met. Throws the errors of reads. @internal */
  async commitRequest(): Promise<TxnRequest> {
    const reads = await Promise.all(this.#reads.values());
    const compare: Compare[] = [];
    if (this.#isolation !== "read-committed") {
      for (const { key, kv } of reads) compare.push(unchanged(key, kv?.modRevision ?? 0));
    }
    if (this.#isolation === "serializable-snapshot" && reads.length > 0) {
      const snapshot = Math.min(...reads.map(({ revision }) => revision));
      for (const { key } of this.#writes.values()) compare.push(notAfter(key, snapshot));
    }
    const success = [...this.#writes.values()].map(({ operation }) => operation);
    return createTxnRequest({ compare, success });
  }

  #read(key: Uint8Array): Promise<Read> {
    const id = latin1FromBytes(key);
    let read = this.#reads.get(id);
    if (read === undefined) {
      read = this.#fetch(key);
      // Whoever does not wait for it gets its error at the end.
      read.catch(() => undefined);
      this.#reads.set(id, read);
    }
    return read;
  }

  #fetch(key: Uint8Array): Promise<Read> {
    const isOfOneRevision = this.#isolation.startsWith("serializable");
    if (!isOfOneRevision) return this.#fetchAt(key, 0);
    const first = this.#firstRead;
    if (first !== undefined) return first.then(({ revision }) => this.#fetchAt(key, revision));
    this.#firstRead = this.#fetchAt(key, 0);
    return this.#firstRead;
  }

  async #fetchAt(key: Uint8Array, atRevision: number): Promise<Read> {
    const reading = this.#kv.range({ key, revision: atRevision }, this.#call);
    const { kvs, header } = await reading.catch((error: unknown) => {
      if (error === Errors.Compacted) this.#isOutdated = true;
      throw error;
    });
    const revision = atRevision === 0 ? (header?.revision ?? 0) : atRevision;
    return { key, kv: kvs.at(0), revision };
  }
}

/** What was read, as it was at a revision of the store. */
interface Read {
  readonly key: Uint8Array;
  readonly kv: KeyValue | undefined;
  readonly revision: number;
}

interface Write {
  readonly key: Uint8Array;
  /** `undefined` for a deletion. */
  readonly value: Uint8Array | undefined;
  readonly operation: RequestOp;
}

function unchanged(key: Uint8Array, modRevision: number): Compare {
  return createCompare({
    key,
    target: CompareTarget.MOD,
    result: CompareResult.EQUAL,
    targetUnion: { case: "modRevision", value: modRevision },
  });
}

function notAfter(key: Uint8Array, revision: number): Compare {
  return createCompare({
    key,
    target: CompareTarget.MOD,
    result: CompareResult.LESS,
    targetUnion: { case: "modRevision", value: revision + 1 },
  });
}
