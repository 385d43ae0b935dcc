/**
 * One attempt of a transaction in memory: reads keys, writes some of them, and commits if what it rests on has
 * not changed. What a refused commit has read anew may serve the next attempt.
 *
 * Source: etcd client/v3/concurrency/stm.go (3.5).
 */
import {
  type Compare,
  CompareResult,
  CompareTarget,
  createCompare,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  encodeTxnRequest,
  type RangeRequest,
  type RequestOp,
} from "../../wire/gen/rpc.ts";
import { KVService } from "../../wire/gen/services.ts";
import type { LoadConnection } from "./load-connection.ts";
import { scanTxnResponse } from "./txn-scan.ts";

/** What must not have changed since it was read, and where reads are made. */
export type Isolation = "committed" | "repeatable" | "serializable" | "snapshot";

/** A key as it was read. */
interface Read {
  /** Of its last change; 0 where it is not there. */
  readonly modRevision: number;
  /** Of the keyspace when it was read. */
  readonly revision: number;
}

/** Keys as they were read, by their position among the keys of the transaction. */
export type Reads = readonly Read[];

export interface StmTransaction {
  readonly connection: LoadConnection;
  readonly isolation: Isolation;
  /** All are read, in this order. */
  readonly keys: readonly Uint8Array[];
  /** For each of them the request that reads it where nothing was read before; of `firstReadBody`. */
  readonly firstReads: readonly Uint8Array[];
  /** The first of them are written, with these. */
  readonly values: readonly Uint8Array[];
}

/**
 * Makes one attempt; `known` is what the one before has left. Returns `undefined` when it is committed, else
 * what the next one can start from. Rejects as calls do.
 */
export async function attemptStm(stm: StmTransaction, known: Reads): Promise<Reads | undefined> {
  const { connection, isolation, keys, values } = stm;
  const isAsOfFirst = readsAsOfFirst(isolation);
  const reads: Read[] = [];
  for (const [at, key] of keys.entries()) {
    const read = known[at] ?? (await readKey(connection, bodyOf(stm, reads, at, key)));
    reads.push(read);
  }
  const gets = isAsOfFirst ? keys.map((key) => rangeOperation(createRangeRequest({ key }))) : [];
  const body = encodeTxnRequest(
    createTxnRequest({
      compare: conflictsOf(stm, reads),
      success: values.map((value, at) =>
        createRequestOp({
          request: { case: "requestPut", value: createPutRequest({ key: keys[at], value }) },
        }),
      ),
      failure: gets,
    }),
  );
  const answer = await connection.exchange(KVService.txn.path, body, scanTxnResponse);
  if (answer.succeeded) return undefined;
  const { revision, modRevisions } = answer;
  return gets.map((_, at) => ({ modRevision: modRevisions[at] ?? 0, revision }));
}

/** The request that reads `key` before anything else is read. */
export function firstReadBody(isolation: Isolation, key: Uint8Array): Uint8Array {
  return readBody(createRangeRequest({ key, serializable: !readsAsOfFirst(isolation) }));
}

/** Whether all reads are made at the revision of the first, or wherever the server is. */
function readsAsOfFirst(isolation: Isolation): boolean {
  return isolation === "serializable" || isolation === "snapshot";
}

function bodyOf(
  { isolation, firstReads }: StmTransaction,
  reads: Reads,
  at: number,
  key: Uint8Array,
): Uint8Array {
  if (reads.length === 0 || !readsAsOfFirst(isolation)) return firstReads[at];
  return readBody(createRangeRequest({ key, revision: reads[0].revision, serializable: true }));
}

function readBody(range: RangeRequest): Uint8Array {
  return encodeTxnRequest(createTxnRequest({ success: [rangeOperation(range)] }));
}

async function readKey(connection: LoadConnection, body: Uint8Array): Promise<Read> {
  const answer = await connection.exchange(KVService.txn.path, body, scanTxnResponse);
  return { modRevision: answer.modRevisions[0] ?? 0, revision: answer.revision };
}

function rangeOperation(value: ReturnType<typeof createRangeRequest>): RequestOp {
  return createRequestOp({ request: { case: "requestRange", value } });
}

function conflictsOf({ isolation, keys, values }: StmTransaction, reads: Reads): Compare[] {
  if (isolation === "committed") return [];
  const compares = keys.map((key, at) =>
    modRevision(key, CompareResult.EQUAL, reads[at].modRevision),
  );
  if (isolation !== "snapshot") return compares;
  const first = Math.min(...reads.map(({ revision }) => revision));
  const unwritten = values.map((_, at) => modRevision(keys[at], CompareResult.LESS, first + 1));
  return [...compares, ...unwritten];
}

function modRevision(key: Uint8Array, result: CompareResult, value: number): Compare {
  const targetUnion = { case: "modRevision", value } as const;
  return createCompare({ key, result, target: CompareTarget.MOD, targetUnion });
}
