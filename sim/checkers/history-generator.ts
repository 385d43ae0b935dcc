/**
 * Histories of a perfect store, for tests of the checkers: clients call, wait, give up; leases end; watchers
 * are told late and in batches. The same seed makes the same history.
 */
import { Prng } from "../../src/stdx/prng.ts";
import type {
  Compare,
  History,
  KeyValue,
  KvRequest,
  Operation,
  Outcome,
  Request,
  Result,
  WatchEvent,
  WatchRecord,
  WatchResponse,
} from "../history.ts";
import { isSerializable } from "./kv-facts.ts";
import { isInRange, isKeyRequest, KvState } from "./kv-state.ts";

export interface GeneratorOptions {
  readonly clients?: number;
  readonly operations?: number;
  readonly keys?: number;
  readonly watches?: number;
  readonly leases?: number;
  /** Share of operations whose outcome stays unknown. */
  readonly unknown?: number;
}

export interface GeneratedHistory extends History {
  /** Everything that is there at the end. */
  readonly final: { readonly revision: number; readonly kvs: readonly KeyValue[] };
}

const TTL_SECONDS = 1;

interface Effect {
  readonly at: number;
  readonly run: () => void;
}

export function generateHistory(seed: number, options: GeneratorOptions = {}): GeneratedHistory {
  return new Generator(new Prng(seed), options).run();
}

class Generator {
  readonly #random: Prng;
  readonly #options: Required<GeneratorOptions>;
  readonly #state = new KvState();
  #revision = 1;
  readonly #operations: Operation[] = [];
  readonly #effects: Effect[] = [];
  readonly #log: { readonly at: number; readonly events: readonly WatchEvent[] }[] = [];
  /** States of the past, for reads that are behind. */
  readonly #alive = new Set<string>();
  readonly #past: { readonly revision: number; readonly kvs: readonly KeyValue[] }[] = [];
  #values = 0;

  constructor(random: Prng, options: GeneratorOptions) {
    this.#random = random;
    this.#options = {
      ...{ clients: 5, operations: 300, keys: 6, watches: 3, leases: 2, unknown: 0.1 },
      ...options,
    };
  }

  run(): GeneratedHistory {
    const { clients, operations, leases, watches } = this.#options;
    const perClient = Math.ceil(operations / clients);
    for (let lease = 1; lease <= leases; lease++) this.#planLease(String(lease));
    for (let client = 0; client < clients; client++) this.#planClient(client, perClient);
    this.#effects.sort((a, b) => a.at - b.at);
    for (const effect of this.#effects) effect.run();
    const records = Array.from({ length: watches }, (_, at) => this.#watch(100 + at));
    return {
      operations: this.#operations,
      watches: records,
      final: { revision: this.#revision, kvs: this.#state.range({ key: "", end: "\0" }) },
    };
  }

  /** Calls one after the other; each takes place somewhere between its call and its return. */
  #planClient(client: number, count: number): void {
    let now = this.#random.below(10);
    for (let i = 0; i < count; i++) {
      const call = now + this.#random.below(10);
      const effectAt = call + this.#random.below(20);
      const returned = effectAt + this.#random.below(20);
      now = returned;
      const request = this.#request();
      const isUnknown = this.#random.chance(this.#options.unknown);
      const happens = !isUnknown || this.#random.chance(0.5);
      const late = isUnknown && this.#random.chance(0.3) ? 200 : 0;
      const run = () => {
        const answer = happens ? this.#execute(request, effectAt + late) : undefined;
        const outcome: Outcome =
          isUnknown || answer === undefined ? { kind: "unknown", error: "timed out" } : answer;
        this.#operations.push({ client, call, return: returned, request, outcome });
      };
      this.#effects.push({ at: effectAt + late, run });
    }
  }

  #planLease(lease: string): void {
    const client = 50 + Number(lease);
    let call = this.#random.below(50);
    const record = (request: Request, ttlSeconds: number) => {
      const at = call;
      const run = () => {
        const outcome = { kind: "ok", revision: this.#revision, result: { ttlSeconds } } as const;
        this.#operations.push({ client, call: at, return: at + 5, request, outcome });
      };
      this.#effects.push({ at: at + 2, run });
    };
    record({ kind: "grant", lease, ttlSeconds: TTL_SECONDS }, TTL_SECONDS);
    this.#effects.push({ at: call + 2, run: () => this.#alive.add(lease) });
    for (let renewals = this.#random.below(3); renewals > 0; renewals--) {
      call += 100 + this.#random.below(500);
      record({ kind: "alive", lease }, TTL_SECONDS);
    }
    const end = call + TTL_SECONDS * 1000 + this.#random.below(500);
    const run = () => {
      this.#alive.delete(lease);
      this.#change(end, () => this.#state.endLease(lease));
    };
    this.#effects.push({ at: end, run });
  }

  #execute(request: Request, at: number): Outcome | undefined {
    if (!isKeyRequest(request)) return undefined;
    const parts = request.kind === "txn" ? request.success : [request];
    for (const part of parts) {
      if (part.kind !== "put" || part.lease === undefined || this.#alive.has(part.lease)) continue;
      return { kind: "failed", error: "etcdserver: requested lease not found" };
    }
    const isBehind = isSerializable({ request } as Operation) && this.#past.length > 0;
    if (isBehind && this.#random.chance(0.5)) {
      const { revision, kvs } =
        this.#past[this.#past.length - 1 - this.#random.below(Math.min(5, this.#past.length))];
      const result = new KvState(kvs).execute(request, revision);
      return { kind: "ok", revision, result };
    }
    let result: Result = {};
    this.#change(at, () => {
      result = this.#state.execute(request, this.#revision + 1);
    });
    return { kind: "ok", revision: this.#revision, result };
  }

  #change(at: number, work: () => void): void {
    const mark = this.#state.mark;
    work();
    const events = this.#state.eventsSince(mark, this.#revision + 1);
    if (events.length === 0) return;
    this.#revision++;
    this.#log.push({ at, events });
    this.#past.push({ revision: this.#revision, kvs: this.#state.range({ key: "", end: "\0" }) });
  }

  #request(): Request {
    const random = this.#random;
    switch (random.below(10)) {
      case 0:
        return { kind: "range", key: "k", end: "l", ...(random.chance(0.3) ? { limit: 2 } : {}) };
      case 1:
        return { kind: "range", key: this.#key(), serializable: true };
      case 2:
        return this.#txn();
      case 3:
        return { kind: "delete", key: this.#key(), ...(random.chance(0.3) ? { end: "l" } : {}) };
      case 4:
      case 5:
        return { kind: "range", key: this.#key() };
      default:
        return this.#put(this.#key());
    }
  }

  #txn(): Request {
    const [one, other] = [this.#key(), this.#key()];
    const compare: Compare = this.#random.chance(0.5)
      ? { key: one, target: "create", result: "=", operand: 0 }
      : { key: one, target: "mod", result: "<", operand: this.#random.below(100) };
    const success: KvRequest[] = [this.#put(one)];
    if (other !== one) success.push(this.#put(other));
    return { kind: "txn", compares: [compare], success, failure: [{ kind: "range", key: one }] };
  }

  #put(key: string): KvRequest {
    const { leases } = this.#options;
    const lease =
      leases > 0 && this.#random.chance(0.2)
        ? { lease: String(1 + this.#random.below(leases)) }
        : {};
    const prevKv = this.#random.chance(0.2) ? { prevKv: true } : {};
    return { kind: "put", key, value: `v${this.#values++}`, ...lease, ...prevKv };
  }

  #key(): string {
    return `k${this.#random.below(this.#options.keys)}`;
  }

  /** A watcher that is told everything some time after it happened. */
  #watch(client: number): WatchRecord {
    const range = this.#random.chance(0.5) ? { key: "k", end: "l" } : { key: this.#key() };
    const start = 2 + this.#random.below(Math.max(1, Math.floor(this.#revision / 2)));
    const responses: WatchResponse[] = [];
    let time = 0;
    let batch: WatchEvent[] = [];
    for (const { at, events } of this.#log) {
      const revision = events[0].kv.mod;
      if (revision < start) continue;
      batch.push(...events.filter(({ kv }) => isInRange(kv.key, range)));
      if (this.#random.chance(0.3)) continue;
      time = Math.max(time, at + this.#random.below(30));
      if (batch.length > 0 || this.#random.chance(0.2)) {
        responses.push({ time, revision, events: batch });
      }
      batch = [];
    }
    return { client, ...range, start, prevKv: true, responses };
  }
}
