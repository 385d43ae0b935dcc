/**
 * A steady pace that does not wait for answers: call number n is due at n / rate after the start, whatever
 * became of the calls before it, and its latency counts from when it was due. A server that stops for a
 * second has then a second's worth of slow calls, as its users have, instead of one.
 *
 * A thread keeps time: timers of the event loop are exact to a millisecond or two, which is as much as a
 * put takes.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/**
 * Calls `send(dueMs, delayMs)` `ratePerSecond` times a second, until `stop`. `dueMs` is a time of
 * `performance.now`; `delayMs` how late the load itself is.
 */
export class Pace {
  #thread;
  #sent = 0;

  constructor(ratePerSecond, send) {
    const startMs = performance.now();
    const stepMs = 1000 / ratePerSecond;
    this.#thread = new Worker(new URL(import.meta.url), {
      workerData: { startMs: performance.timeOrigin + startMs, stepMs },
    });
    this.#thread.on("message", () => {
      const nowMs = performance.now();
      let dueMs = startMs + this.#sent * stepMs;
      for (; dueMs <= nowMs; dueMs = startMs + this.#sent * stepMs) {
        this.#sent++;
        send(dueMs, nowMs - dueMs);
      }
    });
  }

  stop() {
    return this.#thread.terminate();
  }
}

/** Sends a message at each moment at which a call is due. Each thread has a clock origin of its own. */
function keepTime({ startMs, stepMs }) {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let due = startMs; ; ) {
    const now = performance.timeOrigin + performance.now();
    due = Math.max(due + stepMs, startMs + Math.floor((now - startMs) / stepMs) * stepMs);
    if (due > now) Atomics.wait(never, 0, 0, due - now);
    parentPort.postMessage(0);
  }
}

if (!isMainThread) keepTime(workerData);
