/**
 * Load for the checks: puts by many clients at once, at a steady rate or as fast as they go, and what came of
 * them.
 *
 * Source: etcd etcdctl/ctlv3/command/check.go, pkg/report/report.go.
 */
import type { Client } from "../../client/client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { bytesFromLatin1, concatBytes } from "../../stdx/bytes.ts";
import { byteString } from "../byte-text.ts";

/** Where workers wait for the permits that somebody else lets in; holds `max` that nobody has taken. */
export class Gate {
  readonly #max: number;
  #permits = 0;
  #isClosed = false;
  #waiting: ((isOpen: boolean) => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** Permits that can be let in now. */
  get room(): number {
    return this.#waiting.length + this.#max - this.#permits;
  }

  letIn(permits: number): void {
    const passing = this.#waiting.splice(0, permits);
    for (const pass of passing) pass(true);
    this.#permits += permits - passing.length;
  }

  /** Nothing more comes; what is there can still be taken. */
  close(): void {
    this.#isClosed = true;
    for (const pass of this.#waiting.splice(0)) pass(false);
  }

  /** Waits for a permit; false when there will be none. */
  pass(): Promise<boolean> {
    if (this.#permits > 0) {
      this.#permits--;
      return Promise.resolve(true);
    }
    if (this.#isClosed) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

/** How long requests took, in seconds, and how many failed by their error. */
export class LoadReport {
  readonly errors = new Map<string, number>();
  #count = 0;
  #slowest = 0;
  #mean = 0;
  /** Sum of the squares of the distances from the mean. */
  #spread = 0;

  took(seconds: number): void {
    this.#count++;
    this.#slowest = Math.max(this.#slowest, seconds);
    const distance = seconds - this.#mean;
    this.#mean += distance / this.#count;
    this.#spread += distance * (seconds - this.#mean);
  }

  failed(message: string): void {
    this.errors.set(message, (this.errors.get(message) ?? 0) + 1);
  }

  /** Requests that succeeded. */
  get count(): number {
    return this.#count;
  }

  get slowest(): number {
    return this.#slowest;
  }

  get standardDeviation(): number {
    return this.#count === 0 ? 0 : Math.sqrt(this.#spread / this.#count);
  }
}

/** What is put. */
export interface PutLoad {
  /** Byte string in front of every key. */
  readonly prefix: string;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly random: Random;
}

/** Puts with every client as long as the gate gives permits; each put is told to `onDone`. */
export async function putThrough(
  gate: Gate,
  clients: readonly Client[],
  load: PutLoad,
  clock: Clock,
  onDone: () => void,
): Promise<LoadReport> {
  const report = new LoadReport();
  const value = new Uint8Array(load.valueBytes);
  const prefix = bytesFromLatin1(load.prefix);
  const workers = clients.map(async ({ kv }) => {
    while (await gate.pass()) {
      const key = concatBytes([prefix, randomKey(load)]);
      const startMs = clock.nowMs();
      try {
        await kv.put({ key, value });
        report.took((clock.nowMs() - startMs) / 1000);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        report.failed(byteString(error.message));
      }
      onDone();
    }
  });
  await Promise.all(workers);
  return report;
}

/** Random bytes at the start, zeros behind. */
function randomKey({ random, keyBytes }: PutLoad): Uint8Array {
  const key = new Uint8Array(keyBytes);
  random.fill(key.subarray(0, 8));
  return key;
}
