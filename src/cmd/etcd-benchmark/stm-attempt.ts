/**
 * One attempt of a transaction in memory: reads keys, writes some of them, and commits if what it rests on has
 * not changed. What a refused commit has read anew may serve the next attempt.
 *
 * Source: etcd client/v3/concurrency/stm.go (3.5).
 */
import { assert } from "../../stdx/assert.ts";
import {
  type Compare,
  CompareResult,
  CompareTarget,
  createCompare,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  type RequestOp,
  type ResponseOp,
} from "../../wire/gen/rpc.ts";
import { KVService } from "../../wire/gen/services.ts";
import type { LoadConnection } from "./load-connection.ts";

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
export type Reads = Map<number, Read>;

export interface StmTransaction {
  readonly connection: LoadConnection;
  readonly isolation: Isolation;
  /** All are read, in this order. */
  readonly keys: readonly Uint8Array[];
  /** The first of them are written, with these. */
  readonly values: readonly Uint8Array[];
}

/**
 * Makes one attempt; `known` is what the one before has left. Returns `undefined` when it is committed, else
 * what the next one can start from. Rejects as calls do.
 */
export async function attemptStm(stm: StmTransaction, known: Reads): Promise<Reads | undefined> {
  const { connection, isolation, keys, values } = stm;
  const isSerializable = isolation === "serializable" || isolation === "snapshot";
  const reads: Reads = new Map();
  for (const [at, key] of keys.entries()) {
    const read = known.get(at) ?? (await readKey(connection, key, baseOf(reads, isSerializable)));
    reads.set(at, read);
  }
  const gets = isSerializable ? keys.map((key) => rangeOperation(createRangeRequest({ key }))) : [];
  const { succeeded, header, responses } = await connection.ask(KVService.txn, {
    compare: conflictsOf(stm, reads),
    success: values.map((value, at) =>
      createRequestOp({
        request: { case: "requestPut", value: createPutRequest({ key: keys[at], value }) },
      }),
    ),
    failure: gets,
  });
  if (succeeded) return undefined;
  const revision = header?.revision ?? 0;
  return new Map(gets.map((_, at) => [at, readOf(responses[at], revision)]));
}

/** Where the next read is made: at the newest revision, at that of the first read, or wherever the server is. */
function baseOf(
  reads: Reads,
  isSerializable: boolean,
): { revision: number; serializable: boolean } {
  if (!isSerializable) return { revision: 0, serializable: true };
  const [first] = reads.values();
  return { revision: first?.revision ?? 0, serializable: first !== undefined };
}

async function readKey(
  connection: LoadConnection,
  key: Uint8Array,
  base: { revision: number; serializable: boolean },
): Promise<Read> {
  const success = [rangeOperation(createRangeRequest({ key, ...base }))];
  const { responses, header } = await connection.ask(KVService.txn, { success });
  return readOf(responses[0], header?.revision ?? 0);
}

function rangeOperation(value: ReturnType<typeof createRangeRequest>): RequestOp {
  return createRequestOp({ request: { case: "requestRange", value } });
}

function readOf({ response }: ResponseOp, revision: number): Read {
  assert(response?.case === "responseRange", "A read is answered with what was read");
  return { modRevision: response.value.kvs[0]?.modRevision ?? 0, revision };
}

function conflictsOf({ isolation, keys, values }: StmTransaction, reads: Reads): Compare[] {
  if (isolation === "committed") return [];
  const compares = keys.map((key, at) =>
    modRevision(key, CompareResult.EQUAL, reads.get(at)?.modRevision ?? 0),
  );
  if (isolation !== "snapshot") return compares;
  const first = Math.min(...[...reads.values()].map(({ revision }) => revision));
  const unwritten = values.map((_, at) => modRevision(keys[at], CompareResult.LESS, first + 1));
  return [...compares, ...unwritten];
}

function modRevision(key: Uint8Array, result: CompareResult, value: number): Compare {
  const targetUnion = { case: "modRevision", value } as const;
  return createCompare({ key, result, target: CompareTarget.MOD, targetUnion });
}
