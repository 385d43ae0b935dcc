/**
 * The calls of a load second by second.
 *
 * Source: etcd pkg/report/timeseries.go (3.5).
 */

/** The calls that began in one second. Latencies are nanoseconds, whole ones. */
export interface SecondSample {
  readonly unixSecond: number;
  readonly fastest: number;
  readonly average: number;
  readonly slowest: number;
  readonly count: number;
}

class Sum {
  fastest = Number.POSITIVE_INFINITY;
  slowest = 0;
  total = 0;
  count = 0;
}

export class SecondSamples {
  readonly #wallOffsetMs: number;
  readonly #sums = new Map<number, Sum>();
  #last: Sum | undefined;
  #lastSecond = 0;

  /** `wallOffsetMs` is what to add to a time of the clock to get Unix milliseconds. */
  constructor(wallOffsetMs: number) {
    this.#wallOffsetMs = wallOffsetMs;
  }

  /** A call that began at `startMs` of the clock took `nanoseconds`. */
  add(startMs: number, nanoseconds: number): void {
    const second = Math.floor((startMs + this.#wallOffsetMs) / 1000);
    const sum =
      second === this.#lastSecond && this.#last !== undefined ? this.#last : this.#of(second);
    if (nanoseconds > 0 || sum.count === 0) sum.fastest = Math.min(sum.fastest, nanoseconds);
    sum.slowest = Math.max(sum.slowest, nanoseconds);
    sum.total += nanoseconds;
    sum.count++;
  }

  /** One for every second from the first to the last, also those without a call. */
  all(): SecondSample[] {
    const seconds = [...this.#sums.keys()].sort((a, b) => a - b);
    const samples: SecondSample[] = [];
    if (seconds.length === 0) return samples;
    for (let second = seconds[0]; second <= seconds[seconds.length - 1]; second++) {
      const { fastest, slowest, total, count } = this.#sums.get(second) ?? EMPTY;
      const average = count === 0 ? 0 : Math.floor(total / count);
      samples.push({ unixSecond: second, fastest, average, slowest, count });
    }
    return samples;
  }

  #of(second: number): Sum {
    let sum = this.#sums.get(second);
    if (sum === undefined) {
      sum = new Sum();
      this.#sums.set(second, sum);
    }
    this.#last = sum;
    this.#lastSecond = second;
    return sum;
  }
}

const EMPTY = { fastest: 0, slowest: 0, total: 0, count: 0 };
