/**
 * What came of the calls of a load: how long each took, how many failed and by which error. Everything is kept,
 * so that the figures are exact: eight bytes a call.
 *
 * Source: etcd pkg/report/report.go, timeseries.go (3.5).
 */
import { SecondSamples, type SecondSample } from "./second-samples.ts";

/** The shares of calls, in percent, whose times are reported. */
const PERCENTS = [10, 25, 50, 75, 90, 95, 99, 99.9] as const;

/** Steps of the histogram between the fastest and the slowest call. */
const HISTOGRAM_STEPS = 10;

/** Room for this many calls at first; doubled when it is full. */
const ROOM_AT_FIRST = 1024;

const NANOSECONDS_PER_MS = 1e6;
const NANOSECONDS_PER_SECOND = 1e9;

/** Calls that took at most `seconds`, and more than those of the line before. */
interface HistogramLine {
  readonly seconds: number;
  readonly count: number;
}

/** `percent` of all calls took less than `seconds`. */
interface PercentileLine {
  readonly percent: number;
  readonly seconds: number;
}

/** The figures of a load that is over. Times are seconds; all are 0 and lists empty where no call succeeded. */
export interface LoadFigures {
  /** Calls that succeeded. */
  readonly count: number;
  readonly total: number;
  readonly slowest: number;
  readonly fastest: number;
  readonly average: number;
  readonly deviation: number;
  readonly perSecond: number;
  readonly histogram: readonly HistogramLine[];
  readonly percentiles: readonly PercentileLine[];
  /** One for each second from first to last; `undefined` where none were asked for. */
  readonly samples: readonly SecondSample[] | undefined;
  /** How many calls failed, by error. */
  readonly errors: ReadonlyMap<string, number>;
}

export class LatencyReport {
  readonly #errors = new Map<string, number>();
  readonly #samples: SecondSamples | undefined;
  #seconds = new Float64Array(ROOM_AT_FIRST);
  #count = 0;

  /** With `wallOffsetMs`, what to add to a time of the clock to get Unix milliseconds, seconds are sampled. */
  constructor(wallOffsetMs?: number) {
    if (wallOffsetMs !== undefined) this.#samples = new SecondSamples(wallOffsetMs);
  }

  /** Calls that have succeeded so far. */
  get count(): number {
    return this.#count;
  }

  /** Why calls have failed so far, and how often. */
  get errors(): ReadonlyMap<string, number> {
    return this.#errors;
  }

  /** A call succeeded. Milliseconds of one clock, kept to the nanosecond. */
  took(startMs: number, endMs: number): void {
    if (this.#count === this.#seconds.length) this.#grow();
    const nanoseconds = Math.max(0, Math.round((endMs - startMs) * NANOSECONDS_PER_MS));
    this.#seconds[this.#count++] = nanoseconds / NANOSECONDS_PER_SECOND;
    this.#samples?.add(startMs, nanoseconds);
  }

  /** `count` things happened that took no time by themselves; milliseconds of the clock. */
  happened(count: number, nowMs: number): void {
    while (this.#count + count > this.#seconds.length) this.#grow();
    // What no call has written to is 0.
    this.#count += count;
    for (let i = 0; this.#samples !== undefined && i < count; i++) this.#samples.add(nowMs, 0);
  }

  /** A call failed. */
  failed(message: string): void {
    this.#errors.set(message, (this.#errors.get(message) ?? 0) + 1);
  }

  /** The figures of a load that took `totalMs` milliseconds. */
  figures(totalMs: number): LoadFigures {
    const times = this.#seconds.subarray(0, this.#count);
    const total = Math.round(totalMs * NANOSECONDS_PER_MS) / NANOSECONDS_PER_SECOND;
    const count = times.length;
    let sum = 0;
    for (const seconds of times) sum += seconds;
    const average = count === 0 ? 0 : sum / count;
    let squares = 0;
    for (const seconds of times) squares += (seconds - average) ** 2;
    const sorted = times.slice().sort();
    return {
      count,
      total,
      slowest: count === 0 ? 0 : sorted[count - 1],
      fastest: count === 0 ? 0 : sorted[0],
      average,
      deviation: count === 0 ? 0 : Math.sqrt(squares / count),
      perSecond: total === 0 ? 0 : count / total,
      histogram: histogramOf(sorted),
      percentiles: percentilesOf(sorted),
      samples: this.#samples?.all(),
      errors: this.#errors,
    };
  }

  #grow(): void {
    const grown = new Float64Array(this.#seconds.length * 2);
    grown.set(this.#seconds);
    this.#seconds = grown;
  }
}

function histogramOf(sorted: Float64Array): HistogramLine[] {
  if (sorted.length === 0) return [];
  const fastest = sorted[0];
  const slowest = sorted[sorted.length - 1];
  const step = (slowest - fastest) / HISTOGRAM_STEPS;
  const lines: HistogramLine[] = [];
  for (let i = 0, at = 0; i <= HISTOGRAM_STEPS; i++) {
    const seconds = i === HISTOGRAM_STEPS ? slowest : fastest + step * i;
    const from = at;
    while (at < sorted.length && sorted[at] <= seconds) at++;
    lines.push({ seconds, count: at - from });
  }
  return lines;
}

/** As etcd counts: few calls do not reach the last lines, and a time of zero has none. */
function percentilesOf(sorted: Float64Array): PercentileLine[] {
  const lines: PercentileLine[] = [];
  let next = 0;
  for (let i = 0; i < sorted.length && next < PERCENTS.length; i++) {
    const percent = PERCENTS[next];
    if ((i * 100) / sorted.length < percent) continue;
    if (sorted[i] > 0) lines.push({ percent, seconds: sorted[i] });
    next++;
  }
  return lines;
}
