/**
 * A load on a cluster whose history is recorded: clients that write, read, compare and swap a few keys which
 * all of them share, leases that are kept alive and let go, watchers of everything and of parts, and
 * compactions behind them. Some clients know one member, others fail over. When the membership changes,
 * `reconnect` gives all of them connections to the members of then.
 */
import { Prng } from "../../src/stdx/prng.ts";
import type { KvRequest, Operation, Request } from "../../sim/history.ts";
import type { ClusterMember } from "./cluster-member.ts";
import { HistoryRecorder, RecordedClient } from "./recorded-client.ts";
import { sleep } from "./sleep.ts";
import { connectClient } from "./socket-client.ts";

export interface LoadOptions {
  /** The members of the moment. */
  readonly members: () => readonly ClusterMember[];
  readonly seed: number;
  /** Clients of keys, half of them bound to one member each. */
  readonly writers: number;
  /** Milliseconds between two calls of a client, on average. */
  readonly thinkMs: number;
  /** Whether history is compacted now and then. */
  readonly compacts: boolean;
}

/** Keys that all clients share. */
const KEYS = 12;

/** Milliseconds that a call may take: some give up before a cluster that has lost its leader is well again. */
const CALL_MS_MIN = 500;
const CALL_MS_MAX = 8000;

/** Milliseconds before the next call behind one that failed. */
const FAILURE_PAUSE_MS = 50;

const LEASE_TTL_SECONDS = 2;
const COMPACTION_PAUSE_MS = 3000;

/** Revisions that stay behind the slowest watcher of everything. */
const KEPT_REVISIONS = 200;

/** What one client does until it is over. */
type Work = (client: RecordedClient, over: AbortSignal) => Promise<void>;

/** The whole keyspace. */
const EVERYTHING = { key: "\0", end: "\0" };

export class ClusterLoad {
  readonly recorder = new HistoryRecorder();
  readonly #options: LoadOptions;
  readonly #random: Prng;
  readonly #stopping = new AbortController();
  readonly #watching = new AbortController();
  readonly #working: Promise<void>[] = [];
  readonly #watchers: Promise<void>[] = [];
  /** Newest revision that each watcher of everything has seen. */
  readonly #shown: number[] = [];
  /** Aborted when the members are others. */
  #generation = new AbortController();
  #values = 0;
  #leases = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#random = new Prng(options.seed);
  }

  /** Begins; the keyspace must be empty. */
  start(): void {
    const { members, writers, compacts } = this.#options;
    const { signal } = this.#stopping;
    const work = (bound: number | undefined, run: Work): void => {
      this.#working.push(this.#inGenerations(bound, signal, run));
    };
    for (let at = 0; at < writers; at++) {
      const random = this.#random.fork(`writer ${at}`);
      work(at % 2 === 0 ? undefined : at >> 1, (client, over) => this.#write(client, over, random));
    }
    for (const bound of [undefined, 0]) {
      const random = this.#random.fork(`lease ${bound}`);
      work(bound, (client, over) => this.#lease(client, over, random));
    }
    this.#watchEverything(undefined);
    for (const at of members().keys()) {
      this.#watchEverything(at);
      const random = this.#random.fork(`watcher ${at}`);
      work(at, (client, over) => this.#watchParts(client, over, random));
    }
    if (!compacts) return;
    const random = this.#random.fork("compactions");
    work(undefined, (client, over) => this.#compact(client, over, random));
  }

  /** The members are others: everyone connects to these. */
  reconnect(): void {
    const old = this.#generation;
    this.#generation = new AbortController();
    old.abort();
  }

  /** Ends what writes; watchers of everything go on. */
  async stopWriting(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#working);
  }

  /** Reads everything through each member, waits until watchers of everything have seen `revision`, and ends. */
  async finish(revision: number, timeoutMs: number): Promise<void> {
    const deadlineMs = this.recorder.nowMs() + timeoutMs;
    for (const member of this.#options.members()) {
      const client = connectClient([member.endpoint]);
      const reader = new RecordedClient(this.recorder, client, member.name);
      await reader.call({ kind: "range", ...EVERYTHING }, timeoutMs);
      client.close();
    }
    while (this.#shown.some((shown) => shown < revision)) {
      if (this.recorder.nowMs() > deadlineMs) {
        throw new Error(`Watchers of everything saw ${this.#shown.join(", ")}, not ${revision}`);
      }
      await sleep(FAILURE_PAUSE_MS);
    }
    this.#watching.abort();
    await Promise.all(this.#watchers);
  }

  /** Ends all at once. */
  close(): void {
    this.#stopping.abort();
    this.#watching.abort();
  }

  /** Runs `work` with a client until it is over; with another one whenever the members are others. */
  async #inGenerations(bound: number | undefined, over: AbortSignal, work: Work): Promise<void> {
    while (!over.aborted) {
      const signal = AbortSignal.any([over, this.#generation.signal]);
      const all = this.#options.members();
      const member = bound === undefined ? undefined : all[bound % all.length];
      const client = connectClient((member === undefined ? all : [member]).map(endpointOf));
      await work(new RecordedClient(this.recorder, client, member?.name), signal);
      client.close();
    }
  }

  async #write(client: RecordedClient, over: AbortSignal, random: Prng): Promise<void> {
    while (!over.aborted) {
      const key = `k/${random.below(KEYS)}`;
      const roll = random.below(100);
      if (roll < 35) await this.#do(client, this.#put(key), random);
      else if (roll < 55) await this.#do(client, { kind: "range", key }, random);
      else if (roll < 63)
        await this.#do(client, { kind: "range", key, serializable: true }, random);
      else if (roll < 68) await this.#do(client, { kind: "range", key: "k/", end: "k0" }, random);
      else if (roll < 74) await this.#do(client, { kind: "delete", key, prevKv: true }, random);
      else if (roll < 76) await this.#do(client, { kind: "delete", key: "k/", end: "k/5" }, random);
      else if (roll < 82) await this.#do(client, this.#pair(key), random);
      else await this.#swap(client, key, random);
      await sleep(random.below(2 * this.#options.thinkMs + 1));
    }
  }

  /** Reads a key and replaces it, if nobody else has meanwhile. */
  async #swap(client: RecordedClient, key: string, random: Prng): Promise<void> {
    const serializable = random.below(2) === 0;
    const { outcome } = await this.#do(client, { kind: "range", key, serializable }, random);
    if (outcome.kind !== "ok" || !("kvs" in outcome.result)) return;
    const operand = outcome.result.kvs[0]?.mod ?? 0;
    const success: KvRequest[] = [this.#put(key)];
    const failure: KvRequest[] = [{ kind: "range", key }];
    const compares = [{ key, target: "mod", result: "=", operand }] as const;
    await this.#do(client, { kind: "txn", compares, success, failure }, random);
  }

  /** A transaction that writes two keys: nobody may see one without the other. */
  #pair(key: string): Request {
    const success = [this.#put(key), this.#put(`${key}/twin`)];
    return { kind: "txn", compares: [], success, failure: [] };
  }

  #put(key: string, lease?: string) {
    const put = { kind: "put", key, value: `v${this.#values++}` } as const;
    return lease === undefined ? put : { ...put, lease };
  }

  /** Leases of a few seconds: some are kept alive for a while, some revoked, the others expire. */
  async #lease(client: RecordedClient, over: AbortSignal, random: Prng): Promise<void> {
    while (!over.aborted) {
      const lease = String(1_000_000 + this.#leases++);
      const ttlSeconds = LEASE_TTL_SECONDS;
      const { outcome } = await this.#do(client, { kind: "grant", lease, ttlSeconds }, random);
      if (outcome.kind !== "ok") continue;
      for (let count = random.below(3); count >= 0; count--) {
        await this.#do(client, this.#put(`l/${lease}/${count}`, lease), random);
      }
      for (let beats = random.below(5); beats > 0 && !over.aborted; beats--) {
        await sleep(LEASE_TTL_SECONDS * (200 + random.below(300)));
        await this.#do(client, { kind: "alive", lease }, random);
      }
      if (random.below(3) === 0) await this.#do(client, { kind: "revoke", lease }, random);
      await this.#do(client, { kind: "range", key: "l/", end: "l0" }, random);
    }
  }

  /** From the first revision on, and after a change of the members from where it was. */
  #watchEverything(bound: number | undefined): void {
    const at = this.#shown.push(1) - 1;
    const watch: Work = (client, over) => {
      const plan = { ...EVERYTHING, start: this.#shown[at] + 1, prevKv: at % 2 === 0 };
      return client.watch(plan, over, (revision) => {
        this.#shown[at] = revision;
      });
    };
    this.#watchers.push(this.#inGenerations(bound, this.#watching.signal, watch));
  }

  /** Watches a part for a while, from what it has seen last time, and then another part. */
  async #watchParts(client: RecordedClient, over: AbortSignal, random: Prng): Promise<void> {
    let shown = 1;
    while (!over.aborted) {
      const key = `k/${random.below(KEYS)}`;
      const range = random.below(2) === 0 ? { key } : { key: "k/", end: "k0" };
      const enough = AbortSignal.any([over, AbortSignal.timeout(200 + random.below(3000))]);
      const plan = { ...range, start: shown + 1, prevKv: random.below(2) === 0 };
      await client.watch(plan, enough, (revision) => {
        shown = Math.max(shown, revision);
      });
      // What it wanted to see was compacted away.
      if (!enough.aborted) shown = Math.max(shown, this.#newest() - 1);
    }
  }

  async #compact(client: RecordedClient, over: AbortSignal, random: Prng): Promise<void> {
    let compacted = 0;
    while (!over.aborted) {
      await sleep(random.below(2 * COMPACTION_PAUSE_MS));
      const revision = Math.min(...this.#shown) - KEPT_REVISIONS;
      if (revision <= compacted) continue;
      compacted = revision;
      await this.#do(client, { kind: "compact", revision }, random);
    }
  }

  #newest(): number {
    return Math.max(...this.#shown);
  }

  async #do(client: RecordedClient, request: Request, random: Prng): Promise<Operation> {
    const timeoutMs = CALL_MS_MIN + random.below(CALL_MS_MAX - CALL_MS_MIN);
    const operation = await client.call(request, timeoutMs);
    if (operation.outcome.kind !== "ok") await sleep(FAILURE_PAUSE_MS);
    return operation;
  }
}

function endpointOf({ endpoint }: ClusterMember): string {
  return endpoint;
}
