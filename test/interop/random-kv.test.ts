/**
 * The same random requests to the real etcd and to ours: the same answers, byte by byte, and the same errors;
 * every watcher sees the same events; and at the end the same history.
 *
 * Reads between two writes are sent together; everything else waits for the answer before.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";
import { Prng } from "../../src/stdx/prng.ts";
import {
  createHashKVRequest,
  createPutRequest,
  createRangeRequest,
  type CompactionRequest,
} from "../../src/wire/gen/rpc.ts";
import {
  ClusterService,
  KVService,
  LeaseService,
  MaintenanceService,
} from "../../src/wire/gen/services.ts";
import { describeAnswer, describeMessage, isSameAnswer } from "../harness/answer-difference.ts";
import { MALFORMED, nestedTxn } from "../harness/malformed-requests.ts";
import { type Operation, StoreState } from "../harness/operation.ts";
import { RandomOperations } from "../harness/random-operations.ts";
import type { RawAnswer } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";
import { type Pair, TwinServers } from "../harness/twin-servers.ts";
import { WatchOperations } from "../harness/watch-operations.ts";

const SEED = Number(process.env["KV_SEED"] ?? 1);
const OPERATIONS = Number(process.env["KV_OPERATIONS"] ?? 20_000);

/** Reads that are sent together. */
const READS_MAX = 16;

/** Operations between two things that clients do with their watches, on average. */
const WATCH_INTERVAL = 12;

/** Revisions between two looks at the whole keyspace. */
const HISTORY_STEP = 50;

/** Share of the operations after which nothing is compacted any more, so that much history is there to compare. */
const COMPACTING_SHARE = 0.95;

/** Events for which the real server may lose a race. */
const FORGOTTEN_MAX = 50;

/** Not those that raise alarms or begin a downgrade: etcd crashes on some alarms. */
const MALFORMED_METHODS: readonly MethodInfo<object, object>[] = [
  ...Object.values(KVService),
  ...Object.values(LeaseService),
  MaintenanceService.status,
  MaintenanceService.hashKV,
  MaintenanceService.moveLeader,
  MaintenanceService.defragment,
  ClusterService.memberList,
];

const TIMEOUT_MS = 180_000 + OPERATIONS * 10;

describe.skipIf(REFERENCE === undefined)("random requests", () => {
  let pair: TwinServers;

  beforeAll(async () => {
    pair = await TwinServers.startOnOneDatabase();
  });

  afterAll(() => pair.remove());

  test(
    `${OPERATIONS} operations from seed ${SEED} have the same answers`,
    async () => {
      const state = new StoreState();
      const run = new Run(pair, state, new Prng(SEED));
      await run.operate(await memberIdOf(pair));
      // Every mistake that the operations are meant to make was made.
      if (OPERATIONS >= 20_000) expect(run.said.size).toBeGreaterThan(20);
      await run.compareHistory();
      await run.compareHashes();
      // Then each from its files, and on those of the other, defragmented.
      await pair.restart();
      await run.compareHashes();
      await pair.restart({ swap: true });
      const [real, ours] = await pair.call({ method: MaintenanceService.defragment, request: {} });
      expect([real.code, ours.code]).toEqual([0, 0]);
      await run.compareHashes();
    },
    TIMEOUT_MS,
  );

  test("bytes that are no proper request have the same answers", async () => {
    const differences: string[] = [];
    for (const method of MALFORMED_METHODS) {
      for (const [name, body] of MALFORMED) {
        const operation = { method, request: createRangeRequest() };
        const [real, ours] = await pair.callRaw(method.path, body);
        const isSame = isSameAnswer(operation, real, ours);
        // Ids of leases are a server's own affair.
        const isOwn = method === LeaseService.leaseGrant || method === LeaseService.leaseLeases;
        if (isSame || (isOwn && real.code === ours.code && real.text === ours.text)) continue;
        const said = [real, ours].map((answer) => describeAnswer(operation, answer));
        differences.push(`${method.method}, ${name}: real ${said[0]}, ours ${said[1]}`);
      }
    }
    expect(differences.join("\n")).toBe("");
  });

  test("transactions are in each other as deep as operations are allowed", async () => {
    for (const depth of [2, 50, 127, 128, 129, 130, 140]) {
      const operation = { method: KVService.txn, request: {} };
      const body = nestedTxn(depth, bytesFromLatin1("nested"));
      const [real, ours] = await pair.callRaw(operation.method.path, body);
      const said = `depth ${depth}: real "${real.text}", ours "${ours.text}"`;
      expect(isSameAnswer(operation, real, ours), said).toBe(true);
    }
  });

  test("a request is too large from the same byte on", async () => {
    const key = bytesFromLatin1("large");
    let [accepted, refused] = [1_572_000, 1_573_000];
    while (refused - accepted > 1) {
      const middle = Math.floor((accepted + refused) / 2);
      const request = createPutRequest({ key, value: new Uint8Array(middle) });
      const [real, ours] = await pair.call({ method: KVService.put, request });
      expect([ours.code, ours.text], `${middle} bytes`).toEqual([real.code, real.text]);
      if (real.code === 0) accepted = middle;
      else refused = middle;
    }
    expect(accepted).toBeGreaterThan(1_572_000);
    await pair.call({ method: KVService.put, request: createPutRequest({ key }) });
  });
});

/** One life of both stores. */
class Run {
  /** Texts of all errors, and how often each was said. */
  readonly said = new Map<string, number>();
  readonly #pair: TwinServers;
  readonly #state: StoreState;
  readonly #prng: Prng;
  #reads: Operation[] = [];
  #at = 0;

  constructor(pair: TwinServers, state: StoreState, prng: Prng) {
    this.#pair = pair;
    this.#state = state;
    this.#prng = prng;
  }

  async operate(memberId: bigint): Promise<void> {
    const state = this.#state;
    const operations = new RandomOperations(this.#prng.fork("operations"), state, memberId);
    const watches = await WatchOperations.open(this.#prng.fork("watches"), state, this.#pair);
    for (; this.#at < OPERATIONS; this.#at++) {
      const operation = operations.next();
      const compacts = this.#compacts(operation);
      if (compacts && this.#at > OPERATIONS * COMPACTING_SHARE) continue;
      const isRead = operation.method === KVService.range;
      if (isRead) this.#reads.push(operation);
      if (isRead && this.#reads.length < READS_MAX) continue;
      await this.#answerReads();
      if (this.#prng.chance(1 / WATCH_INTERVAL)) await watches.step();
      // What a compaction takes away depends on who was faster, so nobody may be behind.
      if (compacts) {
        this.#expectNone(await watches.settle());
        if (watches.isDeadly((operation.request as CompactionRequest).revision)) continue;
      }
      if (!isRead) this.#check(operation, await this.#pair.call(operation));
    }
    await this.#answerReads();
    this.#expectNone(await watches.settle());
    if (OPERATIONS >= 20_000) {
      expect(watches.created).toBeGreaterThan(300);
      expect(watches.events).toBeGreaterThan(7_000);
    }
    expect(watches.forgotten).toBeLessThan(FORGOTTEN_MAX);
    watches.close();
  }

  /** The keys as of old revisions. */
  async compareHistory(): Promise<void> {
    const { revision: newest, compactRevision } = this.#state;
    const all = { key: bytesFromLatin1("\0"), rangeEnd: bytesFromLatin1("\0") };
    for (
      let revision = Math.max(1, compactRevision);
      revision <= newest;
      revision += HISTORY_STEP
    ) {
      const request = createRangeRequest({ ...all, revision });
      const operation = { method: KVService.range, request };
      this.#check(operation, await this.#pair.call(operation));
    }
  }

  /** The hash of the store at each of its revisions. */
  async compareHashes(): Promise<void> {
    const { revision: newest, compactRevision } = this.#state;
    for (let from = Math.max(1, compactRevision); from <= newest; from += READS_MAX) {
      const count = Math.min(READS_MAX, newest - from + 1);
      const reads = Array.from({ length: count }, (_, i) => {
        const request = createHashKVRequest({ revision: from + i });
        return { method: MaintenanceService.hashKV, request };
      });
      const answers = await Promise.all(reads.map((read) => this.#pair.call(read)));
      for (const [i, read] of reads.entries()) this.#check(read, answers[i]);
    }
  }

  /** Whether the operation takes history away. */
  #compacts({ method, request }: Operation): boolean {
    if (method !== KVService.compact) return false;
    const { revision } = request as CompactionRequest;
    return revision > this.#state.compactRevision && revision <= this.#state.revision;
  }

  async #answerReads(): Promise<void> {
    const reads = this.#reads.splice(0);
    const answers = await Promise.all(reads.map((read) => this.#pair.call(read)));
    for (const [i, read] of reads.entries()) this.#check(read, answers[i]);
  }

  #expectNone(differences: readonly string[]): void {
    if (differences.length === 0) return;
    const shown = differences.slice(0, 5).join("\n");
    const where = `seed ${SEED}, operation ${this.#at}, ${differences.length} differences`;
    expect.fail(`${where}:\n${shown}\n${this.#pair.lastWords()}`);
  }

  #check(operation: Operation, [real, ours]: Pair<RawAnswer>): void {
    if (!isSameAnswer(operation, real, ours)) {
      expect.fail(
        [
          `seed ${SEED}, operation ${this.#at}: ${operation.method.method} ${describeMessage(operation.request)}`,
          `real: ${describeAnswer(operation, real)}`,
          `ours: ${describeAnswer(operation, ours)}`,
          this.#pair.lastWords(),
        ].join("\n"),
      );
    }
    this.said.set(real.text, (this.said.get(real.text) ?? 0) + 1);
    this.#state.learn(operation, real);
  }
}

async function memberIdOf(pair: TwinServers): Promise<bigint> {
  const { memberList } = ClusterService;
  const [{ body = new Uint8Array() }] = await pair.callRaw(memberList.path, new Uint8Array());
  return memberList.response.decode(body).members[0].id;
}
