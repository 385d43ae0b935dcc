/** When the event of each put has come to each watcher, for whoever waits for all of them. */
import type { LatencyReport } from "./latency-report.ts";

export class Arrivals {
  readonly #perStream: number;
  readonly #puts: number;
  readonly #nowMs: () => number;
  /** Milliseconds at which events came: those of a watcher stand together. */
  readonly #times: Float64Array;
  /** Events that have come, by watcher. */
  readonly #counts: Uint32Array;
  /** When puts were answered. */
  readonly #acknowledged: Float64Array;
  /** Watchers by stream and by their number there. */
  readonly #watchers: Map<number, number>[];
  #created = 0;
  #seen = 0;
  #answered = 0;
  /** What is waited for, and who does. */
  #wantedCreated = 0;
  #wantedSeen = 0;
  #resolve: () => void = () => undefined;

  /** For `puts` puts and `perStream` watchers on each of `streams` streams. */
  constructor(streams: number, perStream: number, puts: number, nowMs: () => number) {
    this.#perStream = perStream;
    this.#puts = puts;
    this.#nowMs = nowMs;
    this.#times = new Float64Array(streams * perStream * puts);
    this.#counts = new Uint32Array(streams * perStream);
    this.#acknowledged = new Float64Array(puts);
    this.#watchers = Array.from({ length: streams }, () => new Map<number, number>());
  }

  /** Resolves when all watchers are there. */
  untilCreated(): Promise<void> {
    this.#wantedCreated = this.#counts.length;
    return this.#wait();
  }

  /** Resolves when the events of the first `puts` puts have come everywhere. */
  untilSeen(puts: number): Promise<void> {
    this.#wantedSeen = puts * this.#counts.length;
    return this.#wait();
  }

  /** The next put was answered. */
  acknowledged(nowMs: number): void {
    this.#acknowledged[this.#answered++] = nowMs;
  }

  onCreated(stream: number, watchId: number): void {
    const known = this.#watchers[stream];
    // More than were asked for are none of ours.
    if (known.size === this.#perStream) return;
    known.set(watchId, stream * this.#perStream + known.size);
    this.#created++;
    this.#check();
  }

  onEvents(count: number, stream: number, watchId: number): void {
    const watcher = this.#watchers[stream].get(watchId);
    if (watcher === undefined) return;
    const nowMs = this.#nowMs();
    for (let i = 0; i < count && this.#counts[watcher] < this.#puts; i++) {
      this.#times[watcher * this.#puts + this.#counts[watcher]++] = nowMs;
      this.#seen++;
    }
    this.#check();
  }

  /** Counts every event of a put that was answered; one that came before the answer took no time. */
  report(to: LatencyReport): void {
    for (const [watcher, count] of this.#counts.entries()) {
      for (let put = 0; put < Math.min(count, this.#answered); put++) {
        const cameMs = this.#times[watcher * this.#puts + put];
        to.took(Math.min(this.#acknowledged[put], cameMs), cameMs);
      }
    }
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#check();
    });
  }

  #check(): void {
    if (this.#created < this.#wantedCreated) return;
    if (this.#seen < this.#wantedSeen) return;
    this.#resolve();
  }
}
