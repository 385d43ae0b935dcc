/**
 * What the clients of a cluster did and saw, in a form that is the same for simulated and real runs, and
 * that is plain JSON: what the checkers in `sim/checkers` judge. See docs/internals/checkers.md.
 *
 * All times of a history are milliseconds (fractions are fine) on one clock. Keys and values are texts of
 * which every character is one byte; lease ids are decimal texts, because they have 64 bits.
 *
 * Who records keeps these rules:
 * 1. `call` is taken before the request leaves the client, `return` after the answer is there.
 * 2. A request is sent once. A client that repeats it hides what happened to the first.
 * 3. Values that are written are unique in the run, so that a value says who wrote it.
 * 4. An error is `failed` only when it proves that nothing was written: `outcomeOfError` knows.
 */

/** `[key, end)`: without `end` one key, "\0" as end is the end of all keys. */
export interface KeyRange {
  readonly key: string;
  readonly end?: string;
}

export interface RangeRequest extends KeyRange {
  readonly kind: "range";
  /** The revision to read at; 0 or none for the newest. */
  readonly revision?: number;
  readonly serializable?: boolean;
  readonly limit?: number;
  readonly countOnly?: boolean;
}

export interface PutRequest {
  readonly kind: "put";
  readonly key: string;
  readonly value: string;
  readonly lease?: string;
  readonly prevKv?: boolean;
}

export interface DeleteRequest extends KeyRange {
  readonly kind: "delete";
  readonly prevKv?: boolean;
}

export interface Compare {
  readonly key: string;
  readonly target: "version" | "create" | "mod" | "value";
  readonly result: "=" | "!=" | "<" | ">";
  /** A text for "value", a number for the others. */
  readonly operand: string | number;
}

export interface TxnRequest {
  readonly kind: "txn";
  readonly compares: readonly Compare[];
  readonly success: readonly KvRequest[];
  readonly failure: readonly KvRequest[];
}

/** What a transaction can hold; transactions within transactions are not recorded. */
export type KvRequest = RangeRequest | PutRequest | DeleteRequest;

export interface CompactRequest {
  readonly kind: "compact";
  readonly revision: number;
}

export interface LeaseGrantRequest {
  readonly kind: "grant";
  readonly lease: string;
  readonly ttlSeconds: number;
}

export interface LeaseRequest {
  /** "alive" is one keep-alive. */
  readonly kind: "revoke" | "alive";
  readonly lease: string;
}

export type Request = KvRequest | TxnRequest | CompactRequest | LeaseGrantRequest | LeaseRequest;

/** A key-value as etcd answers it. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly lease?: string;
}

export interface RangeResult {
  readonly kvs: readonly KeyValue[];
  readonly count: number;
}

/** `prev` is what was asked for by `prevKv`. */
export interface PutResult {
  readonly prev?: KeyValue;
}

export interface DeleteResult {
  readonly deleted: number;
  readonly prevs?: readonly KeyValue[];
}

export interface TxnResult {
  readonly succeeded: boolean;
  /** One for each operation of the branch that was taken. */
  readonly results: readonly KvResult[];
}

export type KvResult = RangeResult | PutResult | DeleteResult;

export interface LeaseResult {
  /** What was granted, or what is left after a keep-alive; 0: there is no such lease (any more). */
  readonly ttlSeconds: number;
}

/** By the kind of the request; revoke and compact answer with no more than their header: `{}`. */
export type Result = KvResult | TxnResult | LeaseResult;

export type Outcome =
  /** `revision` is the header's. */
  | { readonly kind: "ok"; readonly revision: number; readonly result: Result }
  /** Certainly without effect. */
  | { readonly kind: "failed"; readonly error: string }
  /** May have happened, may still happen, may never happen. */
  | { readonly kind: "unknown"; readonly error?: string };

export interface Operation {
  readonly client: number;
  readonly call: number;
  /** For unknown outcomes when the client gave up; it binds nothing. */
  readonly return: number;
  readonly request: Request;
  readonly outcome: Outcome;
  /** Which member was asked, for people. */
  readonly member?: string;
}

export interface WatchEvent {
  readonly type: "put" | "delete";
  /** Of a deletion only `key` and `mod` say something. */
  readonly kv: KeyValue;
  readonly prev?: KeyValue;
}

/** One response; fragments are joined by who records. */
export interface WatchResponse {
  readonly time: number;
  /** The header's. */
  readonly revision: number;
  /** None: a notification of progress. */
  readonly events: readonly WatchEvent[];
}

/** One watcher from its creation to its end. What is resumed is a new record. */
export interface WatchRecord extends KeyRange {
  readonly client: number;
  readonly member?: string;
  /** The first revision that it shall show: as asked for, or one more than the header of "created". */
  readonly start: number;
  /** Whether events carry what was there before. */
  readonly prevKv?: boolean;
  readonly responses: readonly WatchResponse[];
  /** The compaction that ended it. */
  readonly compacted?: number;
}

export interface History {
  readonly operations: readonly Operation[];
  readonly watches: readonly WatchRecord[];
}

/** Codes of gRPC with which nothing was written, whatever the message. */
const REFUSAL_CODES: readonly number[] = [3, 5, 6, 7, 9, 11, 12, 16];

/** Messages under other codes that say the same. */
const REFUSALS: readonly string[] = [
  "etcdserver: too many requests",
  "etcdserver: mvcc: database space exceeded",
  "etcdserver: no leader",
  "etcdserver: request is too large",
];

/** What an error of an etcd client means for the history. `code` is gRPC's. */
export function outcomeOfError(code: number, message: string): Outcome {
  const isRefusal = REFUSAL_CODES.includes(code) || REFUSALS.includes(message);
  return { kind: isRefusal ? "failed" : "unknown", error: message };
}
