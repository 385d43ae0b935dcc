/**
 * A load on a cluster whose history is recorded: clients that write, read, compare and swap a few keys which
 * all of them share, leases that are kept alive and let go, watchers of everything and of parts, and
 * compactions behind them. Some clients know one member, others fail over.
 */
import { Prng } from "../../src/stdx/prng.ts";
import type { KvRequest, Operation, Request } from "../../sim/history.ts";
import type { ClusterMember } from "./cluster-member.ts";
import { HistoryRecorder, RecordedClient } from "./recorded-client.ts";
import { sleep } from "./sleep.ts";
import { connectClient } from "./socket-client.ts";

export interface LoadOptions {
  readonly members: readonly ClusterMember[];
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

/** The whole keyspace. */
const EVERYTHING = { key: "\0", end: "\0" };

export class ClusterLoad {
  readonly recorder = new HistoryRecorder();
  readonly #options: LoadOptions;
  readonly #random: Prng;
  readonly #stopping = new AbortController();
  readonly #watching = new AbortController();
  readonly #closers: (() => void)[] = [];
  readonly #working: Promise<void>[] = [];
  readonly #watchers: Promise<void>[] = [];
  /** Newest revision that each watcher of everything has seen. */
  readonly #shown: number[] = [];
  #values = 0;
  #leases = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#random = new Prng(options.seed);
  }

  /** Begins; the keyspace must be empty. */
  start(): void {
    const { members, writers, compacts } = this.#options;
    for (let at = 0; at < writers; at++) {
      const member = at % 2 === 0 ? undefined : members[(at >> 1) % members.length];
      this.#working.push(this.#write(this.#connect(member)));
    }
    this.#working.push(
      this.#lease(this.#connect(undefined)),
      this.#lease(this.#connect(members[0])),
    );
    this.#watchers.push(this.#watchEverything(this.#connect(undefined)));
    for (const member of members) {
      this.#watchers.push(this.#watchEverything(this.#connect(member)));
      this.#working.push(this.#watchParts(this.#connect(member)));
    }
    if (compacts) this.#working.push(this.#compact(this.#connect(undefined)));
  }

  /** Ends what writes; watchers of everything go on. */
  async stopWriting(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#working);
  }

  /** Waits until watchers of everything have seen `revision`, and ends all. */
  async finish(revision: number, timeoutMs: number): Promise<void> {
    const deadlineMs = this.recorder.nowMs() + timeoutMs;
    while (this.#shown.some((shown) => shown < revision)) {
      if (this.recorder.nowMs() > deadlineMs) {
        throw new Error(`Watchers of everything saw ${this.#shown.join(", ")}, not ${revision}`);
      }
      await sleep(FAILURE_PAUSE_MS);
    }
    this.#watching.abort();
    await Promise.all(this.#watchers);
    this.close();
  }

  /** Ends all connections. */
  close(): void {
    this.#stopping.abort();
    this.#watching.abort();
    for (const close of this.#closers.splice(0)) close();
  }

  #connect(member: ClusterMember | undefined): RecordedClient {
    const { members } = this.#options;
    const client = connectClient((member === undefined ? members : [member]).map(endpointOf));
    this.#closers.push(() => client.close());
    return new RecordedClient(this.recorder, client, member?.name);
  }

  async #write(client: RecordedClient): Promise<void> {
    const random = this.#random.fork(`writer ${client.number}`);
    while (!this.#stopping.signal.aborted) {
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
  async #lease(client: RecordedClient): Promise<void> {
    const random = this.#random.fork(`lease ${client.number}`);
    while (!this.#stopping.signal.aborted) {
      const lease = String(1_000_000 * (client.number + 1) + this.#leases++);
      const ttlSeconds = LEASE_TTL_SECONDS;
      const { outcome } = await this.#do(client, { kind: "grant", lease, ttlSeconds }, random);
      if (outcome.kind !== "ok") continue;
      for (let count = random.below(3); count >= 0; count--) {
        await this.#do(client, this.#put(`l/${lease}/${count}`, lease), random);
      }
      for (let beats = random.below(5); beats > 0; beats--) {
        await sleep(LEASE_TTL_SECONDS * (200 + random.below(300)));
        if (this.#stopping.signal.aborted) return;
        await this.#do(client, { kind: "alive", lease }, random);
      }
      if (random.below(3) === 0) await this.#do(client, { kind: "revoke", lease }, random);
      await this.#do(client, { kind: "range", key: "l/", end: "l0" }, random);
    }
  }

  async #watchEverything(client: RecordedClient): Promise<void> {
    const at = this.#shown.push(0) - 1;
    const plan = { ...EVERYTHING, start: 2, prevKv: at % 2 === 0 };
    await client.watch(plan, this.#watching.signal, (revision) => {
      this.#shown[at] = revision;
    });
  }

  /** Watches a part for a while, from what it has seen last time, and then another part. */
  async #watchParts(client: RecordedClient): Promise<void> {
    const random = this.#random.fork(`watcher ${client.number}`);
    let shown = 1;
    while (!this.#stopping.signal.aborted) {
      const key = `k/${random.below(KEYS)}`;
      const range = random.below(2) === 0 ? { key } : { key: "k/", end: "k0" };
      const over = new AbortController();
      const end = () => over.abort();
      this.#stopping.signal.addEventListener("abort", end);
      const timer = setTimeout(end, 200 + random.below(3000));
      const plan = { ...range, start: shown + 1, prevKv: random.below(2) === 0 };
      await client.watch(plan, over.signal, (revision) => {
        shown = Math.max(shown, revision);
      });
      clearTimeout(timer);
      this.#stopping.signal.removeEventListener("abort", end);
      if (!over.signal.aborted) shown = Math.max(shown, this.#newest() - 1);
    }
  }

  async #compact(client: RecordedClient): Promise<void> {
    const random = this.#random.fork("compactions");
    let compacted = 0;
    while (!this.#stopping.signal.aborted) {
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
