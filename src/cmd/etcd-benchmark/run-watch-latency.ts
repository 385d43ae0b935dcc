/**
 * watch-latency: puts to one key, one after the other, and how long after its answer the event of each is at
 * every watcher.
 *
 * Source: etcd tools/benchmark/cmd/watch_latency.go (3.5).
 */
import { KVService } from "../../wire/gen/services.ts";
import { byteString } from "../byte-text.ts";
import { Pacer } from "../etcdctl/check-load.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "./limits.ts";
import { randomValue } from "./run-put.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";
import {
  ConnectionOpener,
  numberOf,
  openBar,
  openReport,
  rateOf,
  refuse,
  showReport,
  totalOf,
} from "./settings.ts";
import { watchBody, WatchStreams } from "./watch-streams.ts";

export async function runWatchLatency(
  session: BenchmarkSession,
  call: BenchmarkCall,
): Promise<void> {
  const { flags } = call;
  const { clock } = session;
  const key = randomValue(session, numberOf(flags, "key-size", 1, KEY_BYTES_MAX));
  const value = randomValue(session, numberOf(flags, "val-size", 0, VALUE_BYTES_MAX));
  const total = totalOf(flags);
  const rate = rateOf(flags, "put-rate");
  const opener = await ConnectionOpener.create(session, call);
  const connections = await opener.openForCallers(call);
  const putting = await opener.open();
  const report = openReport(session, call);
  const arrivals = new Arrivals(connections.length, () => clock.nowMs());
  const streams = new WatchStreams(connections, connections.length, arrivals);
  const bar = openBar(session);
  const pacer = rate > 0 ? new Pacer(rate, clock.nowMs()) : undefined;
  const body = watchBody(key);
  let startMs = clock.nowMs();
  const measure = async (): Promise<void> => {
    const created = arrivals.next();
    for (let i = 0; i < connections.length; i++) streams.add(i, body);
    await created;
    startMs = clock.nowMs();
    for (let done = 0; done < total; done++) {
      while (pacer !== undefined && pacer.take(clock.nowMs(), 1) === 0) {
        await new Promise<void>((resolve) => clock.after(Math.max(1, pacer.waitMs), resolve));
      }
      const arrived = arrivals.next();
      await putting.ask(KVService.put, { key, value });
      const acknowledgedMs = clock.nowMs();
      for (const arrivedMs of await arrived) {
        report.took(acknowledgedMs, Math.max(acknowledgedMs, arrivedMs));
      }
      bar?.show(done + 1, total);
    }
  };
  try {
    await streams.orFailure(measure());
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    refuse(`Failed to Put for watch latency benchmark: ${byteString(error.message)}`);
  } finally {
    streams.close();
    bar?.clear();
  }
  showReport(session, call, "watch-latency", report.figures(clock.nowMs() - startMs));
}

/** Gathers when something has come to each of `count` watchers. */
class Arrivals {
  readonly #count: number;
  readonly #nowMs: () => number;
  #times: number[] = [];
  #complete: (times: number[]) => void = () => undefined;

  constructor(count: number, nowMs: () => number) {
    this.#count = count;
    this.#nowMs = nowMs;
  }

  /** Resolves when something has come for every watcher, from now on, with the times in milliseconds. */
  next(): Promise<readonly number[]> {
    this.#times = [];
    return new Promise((resolve) => {
      this.#complete = resolve;
    });
  }

  onCreated(): void {
    this.onEvents(1);
  }

  onEvents(count: number): void {
    const nowMs = this.#nowMs();
    for (let i = 0; i < count; i++) this.#times.push(nowMs);
    if (this.#times.length >= this.#count) this.#complete(this.#times);
  }
}
