/** A client that reads and writes a few keys, one request at a time, with every kind of request of KV. */
import type { Compare, KvRequest, Outcome, Request } from "../history.ts";
import type { Client } from "./client.ts";

export interface TrafficOptions {
  /** Few, so that clients meet on them. */
  readonly keys: number;
  /** Longest pause between two requests. */
  readonly pauseMs: number;
  /** Longest time to wait for an answer. */
  readonly timeoutMs: number;
  /** Whether histories are compacted now and then. */
  readonly compacts: boolean;
}

export class KvTraffic {
  readonly #client: Client;
  readonly #options: TrafficOptions;
  #written = 0;
  /** The newest revision that was heard of. */
  #revision = 1;
  #stopped = false;

  constructor(client: Client, options: TrafficOptions) {
    this.#client = client;
    this.#options = options;
  }

  start(): void {
    this.#client.pause(this.#options.pauseMs, () => this.#next());
  }

  stop(): void {
    this.#stopped = true;
  }

  #next(): void {
    if (this.#stopped) return;
    const { random } = this.#client;
    const timeoutMs = random.between(
      Math.ceil(this.#options.timeoutMs / 10),
      this.#options.timeoutMs,
    );
    if (random.chance(0.02)) this.#client.switchMember();
    this.#client.request(this.#request(), timeoutMs, (outcome) => this.#answered(outcome));
  }

  #answered(outcome: Outcome): void {
    if (outcome.kind === "ok") this.#revision = Math.max(this.#revision, outcome.revision);
    this.#client.pause(this.#options.pauseMs, () => this.#next());
  }

  #request(): Request {
    const { random } = this.#client;
    const draw = random.below(100);
    if (draw < 12) return this.#txn();
    if (draw < 14 && this.#options.compacts && this.#revision > 2) {
      return { kind: "compact", revision: random.between(2, this.#revision) };
    }
    return this.#simple(draw);
  }

  #simple(draw: number): KvRequest {
    const { random } = this.#client;
    const key = this.#key();
    if (draw < 52) return this.#put(key);
    if (draw < 60) return { kind: "delete", key, prevKv: random.chance(0.5) };
    if (draw < 63) return { kind: "delete", ...this.#range(), prevKv: random.chance(0.5) };
    if (draw < 82) return { kind: "range", key };
    if (draw < 88) return { kind: "range", key, serializable: true };
    if (draw < 92) return { kind: "range", key, revision: random.between(1, this.#revision) };
    return { kind: "range", ...this.#range(), limit: random.below(4) };
  }

  /** Mostly compare-and-swap; sometimes several keys at once. */
  #txn(): Request {
    const { random } = this.#client;
    const key = this.#key();
    const compares: Compare[] = [this.#compare(key)];
    if (random.chance(0.3)) compares.push(this.#compare(this.#key()));
    const others = [this.#key(), this.#key()].filter((other) => other !== key);
    const success: KvRequest[] = [this.#put(key)];
    // A key may be written only once in a transaction.
    if (others.length > 0 && random.chance(0.5)) success.push(this.#put(others[0]));
    if (random.chance(0.3)) success.push({ kind: "range", key });
    const failure: KvRequest[] = [{ kind: "range", key }];
    if (others.length > 0 && random.chance(0.3)) failure.push({ kind: "delete", key: others[0] });
    return { kind: "txn", compares, success, failure };
  }

  #compare(key: string): Compare {
    const { random } = this.#client;
    const result = random.pick(["=", "!=", "<", ">"] as const);
    const target = random.pick(["version", "create", "mod"] as const);
    const operand = target === "version" ? random.below(3) : random.between(0, this.#revision);
    return { key, target, result, operand };
  }

  #put(key: string): KvRequest {
    const { random, id } = this.#client;
    this.#written++;
    const filler = random.chance(0.05) ? "x".repeat(random.below(2000)) : "";
    const value = `${id}.${this.#written}${filler}`;
    return { kind: "put", key, value, prevKv: random.chance(0.2) };
  }

  #key(): string {
    return `k${this.#client.random.below(this.#options.keys)}`;
  }

  #range(): { key: string; end: string } {
    const { random } = this.#client;
    if (random.chance(0.3)) return { key: "k", end: "l" };
    const from = random.below(this.#options.keys);
    return { key: `k${from}`, end: `k${from + 1 + random.below(this.#options.keys - from)}` };
  }
}
