/**
 * Keeps a repeating message from filling the disk: of the lines with the same level and message in one
 * second the first 100 pass, and then each 100th.
 *
 * Source: etcd client/pkg/logutil/zap.go (100 and 100); uber-go/zap zapcore/sampler.go.
 */
import type { LogLevel } from "../ports/log.ts";
import {
  LOG_SAMPLE_FIRST,
  LOG_SAMPLE_INTERVAL_MS,
  LOG_SAMPLE_MESSAGES_MAX,
  LOG_SAMPLE_THEREAFTER,
} from "./limits.ts";

interface Counter {
  count: number;
  resetAtMs: number;
}

export class LogSampler {
  readonly #counters = new Map<string, Counter>();

  /** Whether a line at monotonic time `nowMs` may be written. A fatal line always may. O(1). */
  admits(level: LogLevel, message: string, nowMs: number): boolean {
    if (level === "fatal") return true;
    const key = `${level} ${message}`;
    const counter = this.#counters.get(key);
    if (counter === undefined) {
      // Forgetting the counts lets a few more lines pass; it never loses one.
      if (this.#counters.size >= LOG_SAMPLE_MESSAGES_MAX) this.#counters.clear();
      this.#counters.set(key, { count: 1, resetAtMs: nowMs + LOG_SAMPLE_INTERVAL_MS });
      return true;
    }
    if (nowMs >= counter.resetAtMs) {
      counter.count = 0;
      counter.resetAtMs = nowMs + LOG_SAMPLE_INTERVAL_MS;
    }
    counter.count++;
    const beyond = counter.count - LOG_SAMPLE_FIRST;
    return beyond <= 0 || beyond % LOG_SAMPLE_THEREAFTER === 0;
  }
}
