/**
 * The store against `NaiveStore`: random histories of every request with every option, with compaction in
 * random slices, reads in steps and restarts in between. After each operation answers, events, leases and
 * (at the end) every readable revision must be equal.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromLatin1, latin1FromBytes } from "../stdx/bytes.ts";
import { crc32c } from "../stdx/crc32c.ts";
import { decodeKeyValue, type KeyValue } from "../wire/gen/kv.ts";
import {
  type Compare,
  CompareResult,
  CompareTarget,
  type CompareTargetUnion,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  type RangeRequest,
  type RawDeleteRangeResponse,
  type RawPutResponse,
  type RawRangeResponse,
  type RawResponseOp,
  type RawTxnResponse,
  type RequestOp,
  type ResponseHeader,
  type TxnRequest,
} from "../wire/gen/rpc.ts";
import { HashJob } from "./hash-job.ts";
import { executeCompaction, executeDeleteRange, executePut } from "./kv-requests.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { executeRange } from "./range.ts";
import type { RangeScan } from "./range-scan.ts";
import { checkTxnRequest } from "./request-checks.ts";
import { Restore } from "./restore.ts";
import { encodeRevision } from "./revision.ts";
import type { Store } from "./store.ts";
import { MemoryLeases } from "./testing/memory-leases.ts";
import { type NaiveAnswer, type NaiveRange, NaiveStore } from "./testing/naive-store.ts";
import { executeTxn } from "./txn.ts";
import type { KeyChange } from "./write-transaction.ts";

const LEASES = [0n, 7n, -1n, 99n]; // 99 is never granted

const bytes = (text: string): Uint8Array => bytesFromLatin1(text);
const keyText = fc.string({
  unit: fc.constantFrom("a", "b", "\0", "\xff"),
  minLength: 1,
  maxLength: 2,
});
const key = keyText.map(bytes);
const rangeEnd = fc.oneof(fc.constant(""), fc.constant("\0"), keyText).map(bytes);
const value = fc.constantFrom("", "x", "y", "z\xff").map(bytes);
const smallRevision = fc.integer({ min: -2, max: 14 });
const filter = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, smallRevision);

const putRequest = fc
  .record({
    key,
    value,
    lease: fc.constantFrom(...LEASES),
    prevKv: fc.boolean(),
    ignoreValue: fc.boolean(),
    ignoreLease: fc.boolean(),
  })
  .map((request) =>
    createPutRequest({
      ...request,
      value: request.ignoreValue ? bytes("") : request.value,
      lease: request.ignoreLease ? 0n : request.lease,
    }),
  );

const deleteRequest = fc
  .record({ key, rangeEnd, prevKv: fc.boolean() })
  .map(createDeleteRangeRequest);

const rangeRequest = fc
  .record({
    key,
    rangeEnd,
    limit: fc.integer({ min: -1, max: 5 }),
    revision: filter,
    sortOrder: fc.constantFrom(0, 0, 1, 2),
    sortTarget: fc.constantFrom(0, 1, 2, 3, 4),
    keysOnly: fc.boolean(),
    countOnly: fc.boolean(),
    minModRevision: filter,
    maxModRevision: filter,
    minCreateRevision: filter,
    maxCreateRevision: filter,
  })
  .map((request) => createRangeRequest(request));

const targetUnion: fc.Arbitrary<CompareTargetUnion | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({
    case: fc.constantFrom("version", "createRevision", "modRevision"),
    value: smallRevision,
  }),
  fc.record({ case: fc.constant("value"), value }),
  fc.record({ case: fc.constant("lease"), value: fc.constantFrom(...LEASES) }),
) as fc.Arbitrary<CompareTargetUnion | undefined>;

const compare: fc.Arbitrary<Compare> = fc.record({
  result: fc.constantFrom(...Object.values(CompareResult)),
  target: fc.constantFrom(...Object.values(CompareTarget)),
  key,
  targetUnion,
  rangeEnd,
});

const { txn } = fc.letrec<{ txn: TxnRequest; operation: RequestOp }>((tie) => ({
  operation: fc
    .oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.record({ case: fc.constant("requestPut" as const), value: putRequest }),
      fc.record({ case: fc.constant("requestRange" as const), value: rangeRequest }),
      fc.record({ case: fc.constant("requestDeleteRange" as const), value: deleteRequest }),
      fc.record({ case: fc.constant("requestTxn" as const), value: tie("txn") }),
    )
    .map((request): RequestOp => ({ request })),
  txn: fc.record({
    compare: fc.array(compare, { maxLength: 2 }),
    success: fc.array(tie("operation"), { maxLength: 3 }),
    failure: fc.array(tie("operation"), { maxLength: 3 }),
  }),
}));

const budget = fc.integer({ min: 1, max: 4 });
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("put" as const), request: putRequest }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("delete" as const), request: deleteRequest }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("range" as const), request: rangeRequest }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("txn" as const), request: txn }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("compact" as const),
      revision: smallRevision.filter((n) => n !== 0),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("compactStep" as const), budget }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("open" as const), request: rangeRequest }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("scanStep" as const), budget }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("openHash" as const), revision: smallRevision }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("hashStep" as const), budget }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), budget }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** A read in steps under way, with the answer it must come to. */
interface Expected<Read, Answer> {
  readonly read: Read;
  readonly answer: Answer;
  readonly kvs: Uint8Array[];
}

/** Runs the same commands on both stores. */
class Duel {
  readonly storage = new MemoryStorage();
  readonly leases = new MemoryLeases();
  readonly naive = new NaiveStore();
  readonly events: [number, readonly KeyChange[]][] = [];
  store: Store;
  scan: Expected<RangeScan, NaiveRange> | undefined;
  hash: Expected<HashJob, number> | undefined;
  compacting: Stored[] | undefined;

  constructor() {
    for (const id of LEASES.slice(0, 3)) {
      this.leases.granted.add(id);
      this.naive.leases.add(id);
    }
    this.store = this.#restore(1);
  }

  run(step: Command): void {
    switch (step.do) {
      case "put":
        return expectSame(
          executePut(this.store, step.request),
          this.naive.put(step.request),
          plainPut,
        );
      case "delete":
        return expectSame(
          executeDeleteRange(this.store, step.request),
          this.naive.deleteRange(step.request),
          plainDelete,
        );
      case "range":
        return this.#range(step.request);
      case "txn":
        if (checkTxnRequest(step.request, 128) !== undefined) return undefined;
        return expectSame(
          executeTxn(this.store, step.request),
          this.naive.txn(step.request),
          plainTxn,
        );
      case "compact":
        return this.#compact(step.revision);
      case "compactStep":
        return this.#compactStep(step.budget);
      case "open":
        return this.#open(step.request);
      case "scanStep":
        return this.#scanStep(step.budget);
      case "openHash":
        return this.#openHash(step.revision);
      case "hashStep":
        return this.#hashStep(step.budget);
      case "restart":
        return this.#restart(step.budget);
    }
  }

  /** What holds after every step. */
  checkState(): void {
    const { naive, store } = this;
    expect(store.revision).toBe(naive.revision);
    expect(store.compactRevision).toBe(naive.compactRevision);
    const now = naive.visible(naive.revision);
    expect(store.liveKeys).toBe(now.length);
    const attached = now.filter((kv) => kv.lease !== 0n);
    expect([...this.leases.leaseByKey].toSorted()).toEqual(
      attached.map((kv) => [latin1FromBytes(kv.key), kv.lease]).toSorted(),
    );
  }

  /** What holds at the end: every revision reads right, and storage holds exactly what it should. */
  checkEnd(): void {
    const { naive } = this;
    const everything = { key: bytes("\0"), rangeEnd: bytes("\0") };
    for (let revision = naive.compactRevision - 1; revision <= naive.revision + 1; revision++) {
      this.#range(createRangeRequest({ ...everything, revision }));
    }
    this.#restart(3);
    while (this.store.compactionPending) this.store.compactStep(2);
    const kept = naive.kept(naive.compactRevision);
    expect(this.#stored().map(({ main, sub, tombstone }) => [main, sub, tombstone])).toEqual(
      kept.map((version) => [version.main, version.sub, version.keyValue === undefined]),
    );
    const seen = this.events.flatMap(([revision, changes]) =>
      changes.map((change, sub) => [revision, sub, change.key, change.tombstone]),
    );
    expect(seen).toEqual(
      naive.versions.map((v) => [v.main, v.sub, v.key, v.keyValue === undefined]),
    );
  }

  #restore(budget: number): Store {
    this.leases.leaseByKey.clear();
    const restore = new Restore(this.storage, this.leases, {
      onChanges: (revision, changes) => this.events.push([revision, changes]),
    });
    while (!restore.step(budget));
    return restore.finish();
  }

  #restart(budget: number): void {
    this.scan = undefined;
    this.hash = undefined;
    this.compacting = undefined;
    this.store = this.#restore(budget);
  }

  #range(request: RangeRequest): void {
    expectSame(executeRange(this.store, request), this.naive.range(request), plainRange);
  }

  #compact(revision: number): void {
    const answer = executeCompaction(this.store, { revision, physical: false });
    const error = this.naive.compact(revision);
    if (error === undefined)
      expect(answer).toMatchObject({ header: { revision: this.naive.revision } });
    else expect(answer).toBe(error);
  }

  #open(request: RangeRequest): void {
    if (this.scan !== undefined) this.store.abandon(this.scan.read);
    this.scan = undefined;
    const read = this.store.openRange(request);
    const answer = this.naive.range(request);
    if (read instanceof EtcdError || answer instanceof EtcdError) expect(read).toBe(answer);
    else this.scan = { read, answer, kvs: [] };
  }

  #scanStep(budget: number): void {
    if (this.scan === undefined) return;
    const { read, answer, kvs } = this.scan;
    if (!read.step(budget, kvs)) return;
    const { count, more, headerRevision: revision } = read;
    expect({ kvs: kvs.map(decodeKeyValue), count, more, revision }).toEqual(answer);
    this.scan = undefined;
  }

  #openHash(revision: number): void {
    if (this.hash !== undefined) this.store.abandon(this.hash.read);
    this.hash = undefined;
    const { compactRevision } = this.naive;
    const read = this.store.openHash(revision);
    if (read instanceof HashJob) {
      const at = revision === 0 ? this.naive.revision : revision;
      const keep = this.naive.visible(at).map((kv) => this.#idOf(kv));
      const answer = naiveHash(this.#stored(), compactRevision, at, new Set(keep));
      this.hash = { read, answer, kvs: [] };
    } else if (read === Errors.Compacted) {
      expect(revision).toBeLessThan(compactRevision);
    } else if (read === Errors.FutureRevision) {
      expect(revision).toBeGreaterThan(this.naive.revision);
    } else {
      expect(read).toMatchObject({ revision });
    }
  }

  #hashStep(budget: number): void {
    if (this.hash === undefined) return;
    const result = this.hash.read.step(budget);
    if (result === undefined) return;
    expect(result.hash).toBe(this.hash.answer);
    this.hash = undefined;
  }

  /** A slice of compaction; the hash of one that ends must be that of what was stored when it began. */
  #compactStep(budget: number): void {
    if (this.store.compactionPending) this.compacting ??= this.#stored();
    const finished = this.store.compactStep(budget);
    if (finished === undefined) return;
    if (finished.hash !== undefined) {
      const { compactRevision, revision, hash } = finished.hash;
      const keep = this.naive.kept(revision).filter(({ main }) => main <= revision);
      const ids = new Set(keep.map(({ main, sub }) => `${main}.${sub}`));
      expect(hash).toBe(naiveHash(this.compacting ?? [], compactRevision, revision, ids));
    }
    this.compacting = undefined;
  }

  #idOf(keyValue: KeyValue): string {
    const version = this.naive.versions.find((candidate) => candidate.keyValue === keyValue);
    return `${version?.main}.${version?.sub}`;
  }

  #stored(): Stored[] {
    const stored: Stored[] = [];
    this.storage.scan(0, 0, Number.MAX_SAFE_INTEGER, (main, sub, tombstone, value) => {
      stored.push({ main, sub, tombstone, value });
      return true;
    });
    return stored;
  }
}

interface Stored {
  readonly main: number;
  readonly sub: number;
  readonly tombstone: boolean;
  readonly value: Uint8Array;
}

/** The definition of the hash, on a list: `keep` holds "main.sub". */
function naiveHash(
  stored: readonly Stored[],
  compactRevision: number,
  revision: number,
  keep: ReadonlySet<string>,
): number {
  let crc = crc32c(0, bytes("key"));
  for (const { main, sub, tombstone, value: keyValue } of stored) {
    if (main > revision) continue;
    if (main <= compactRevision && keep.size > 0 && !keep.has(`${main}.${sub}`)) continue;
    if (main === compactRevision && tombstone) continue;
    crc = crc32c(crc32c(crc, encodeRevision(main, sub, tombstone)), keyValue);
  }
  return crc;
}

function expectSame<Raw, Plain>(
  answer: Raw | EtcdError,
  expected: Plain | EtcdError,
  plain: (raw: Raw) => NaiveAnswer | NaiveRange,
): void {
  if (answer instanceof EtcdError || expected instanceof EtcdError) expect(answer).toBe(expected);
  else expect(plain(answer)).toEqual(expected);
}

const revisionOf = (answer: { readonly header: ResponseHeader | undefined }): number =>
  answer.header?.revision ?? -1;

function plainRange(answer: RawRangeResponse): NaiveRange {
  const { kvs, more, count } = answer;
  return { revision: revisionOf(answer), kvs: kvs.map(decodeKeyValue), more, count };
}

function plainPut(answer: RawPutResponse): NaiveAnswer {
  const { prevKv } = answer;
  const decoded = prevKv === undefined ? undefined : decodeKeyValue(prevKv);
  return { put: { revision: revisionOf(answer), prevKv: decoded } };
}

function plainDelete(answer: RawDeleteRangeResponse): NaiveAnswer {
  const { deleted, prevKvs } = answer;
  return { deleted, revision: revisionOf(answer), prevKvs: prevKvs.map(decodeKeyValue) };
}

function plainTxn(answer: RawTxnResponse): NaiveAnswer {
  const { succeeded, responses } = answer;
  return { succeeded, revision: revisionOf(answer), answers: responses.map(plainOperation) };
}

function plainOperation({ response }: RawResponseOp): NaiveAnswer {
  switch (response?.case) {
    case "responseRange":
      return { range: plainRange(response.value) };
    case "responsePut":
      return plainPut(response.value);
    case "responseDeleteRange":
      return plainDelete(response.value);
    case "responseTxn":
      return plainTxn(response.value);
    default:
      throw new Error("Answer to no operation");
  }
}

test("Store equals the naive store under random requests, compactions in slices and restarts", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const duel = new Duel();
      for (const step of commands) {
        duel.run(step);
        duel.checkState();
      }
      duel.checkEnd();
    }),
    { numRuns: 150 },
  );
});
