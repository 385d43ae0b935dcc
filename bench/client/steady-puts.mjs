/** Puts at a steady pace, and the latencies of stretches of time. */
import { keyOf, PUT, putBody, valueOf } from "./bodies.mjs";
import { Histogram } from "./histogram.mjs";
import { Pace } from "./pace.mjs";
import { die, sleep } from "./report.mjs";

/** Milliseconds until the last puts of a stretch must be answered. */
const ANSWER_TIMEOUT_MS = 60_000;

/** The puts that are due in one stretch of time. */
class Stretch {
  #latencies = new Histogram();
  #loadDelayMs = 0;
  due = 0;
  failed = 0;

  /** A put was sent; the later it was, the less its latency says about the server. */
  sent(delayMs) {
    this.due++;
    if (delayMs > this.#loadDelayMs) this.#loadDelayMs = delayMs;
  }

  answered(latencyMs) {
    this.#latencies.record(latencyMs);
  }

  /** Waits until every put is answered. */
  async summary() {
    const endMs = performance.now() + ANSWER_TIMEOUT_MS;
    while (this.#latencies.count < this.due) {
      if (performance.now() > endMs) die(`${this.due - this.#latencies.count} puts had no answer`);
      await sleep(10);
    }
    return { ...this.#latencies.summary(), failed: this.failed, loadDelay: this.#loadDelayMs };
  }
}

export class SteadyPuts {
  #pace;
  #stretch = new Stretch();

  /** @param {{ connections: object[], rate: number, keys: number, prefix: string, valueBytes: number }} options */
  constructor({ connections, rate, keys, prefix, valueBytes }) {
    const value = valueOf(valueBytes);
    const bodies = Array.from({ length: keys }, (_, i) => putBody(keyOf(prefix, i), value));
    const done = (status, _message, { context: put }) => {
      if (status.code !== 0) put.stretch.failed++;
      put.stretch.answered(performance.now() - put.dueMs);
    };
    let number = 0;
    this.#pace = new Pace(rate, (dueMs, delayMs) => {
      const put = { dueMs, stretch: this.#stretch };
      put.stretch.sent(delayMs);
      const connection = connections[number % connections.length];
      connection.unary(PUT, bodies[number % bodies.length], done, put);
      number++;
    });
  }

  /** Puts that are due from now on count to a stretch of their own. */
  beginStretch() {
    this.#stretch = new Stretch();
    return this.#stretch;
  }

  stop() {
    return this.#pace.stop();
  }
}
