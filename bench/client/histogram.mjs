/** Latencies in steps of 1 %, from 1 µs to about 17 minutes, in a few kilobytes however many there are. */

const BUCKETS_PER_E = 100;
const BUCKETS = 2100;

export class Histogram {
  #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #slowestMs = 0;

  get count() {
    return this.#count;
  }

  /** Below 1 µs counts as 1 µs: an event that came before the answer it is measured from. */
  record(ms) {
    this.#count++;
    if (ms > this.#slowestMs) this.#slowestMs = ms;
    const bucket = ms <= 0.001 ? 0 : Math.floor(Math.log(ms * 1000) * BUCKETS_PER_E);
    this.#buckets[Math.min(bucket, BUCKETS - 1)]++;
  }

  /** Milliseconds within which `fraction` of all came; NaN of none. */
  percentile(fraction) {
    if (this.#count === 0) return Number.NaN;
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#buckets[bucket];
      if (seen >= this.#count * fraction) return Math.exp((bucket + 0.5) / BUCKETS_PER_E) / 1000;
    }
    return this.#slowestMs;
  }

  /** What is reported of it, milliseconds. */
  summary() {
    return {
      count: this.#count,
      p50: this.percentile(0.5),
      p99: this.percentile(0.99),
      slowest: this.#slowestMs,
    };
  }
}
