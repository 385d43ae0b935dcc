/**
 * What came of the calls of a load: how long each took, how many failed and by which error. Everything is kept,
 * so that the figures are exact: eight bytes a call.
 *
 * Source: etcd pkg/report/report.go, timeseries.go (3.5).
 */
import type { Clock } from "../../ports/clock.ts";
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
  /** What took no time by itself. */
  #instants = 0;

  /** With `wallOffsetMs`, what to add to a time of the clock to get Unix milliseconds, seconds are sampled. */
  constructor(wallOffsetMs?: number) {
    if (wallOffsetMs !== undefined) this.#samples = new SecondSamples(wallOffsetMs);
  }

  /** Calls that have succeeded so far. */
  get count(): number {
    return this.#count + this.#instants;
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

  /** `count` things happened now that took no time by themselves. The clock is looked at where seconds are sampled. */
  happened(count: number, clock: Pick<Clock, "nowMs">): void {
    this.#instants += count;
    if (this.#samples === undefined) return;
    const nowMs = clock.nowMs();
    for (let i = 0; i < count; i++) this.#samples.add(nowMs, 0);
  }

  /** A call failed. */
  failed(message: string): void {
    this.#errors.set(message, (this.#errors.get(message) ?? 0) + 1);
  }

  /** The figures of a load that took `totalMs` milliseconds. */
  figures(totalMs: number): LoadFigures {
    const times = this.#seconds.subarray(0, this.#count);
    const total = Math.round(totalMs * NANOSECONDS_PER_MS) / NANOSECONDS_PER_SECOND;
    const { count } = this;
    let sum = 0;
    for (const seconds of times) sum += seconds;
    const average = count === 0 ? 0 : sum / count;
    let squares = this.#instants * average ** 2;
    for (const seconds of times) squares += (seconds - average) ** 2;
    const sorted = new SortedTimes(this.#instants, times.slice().sort());
    return {
      count,
      total,
      slowest: count === 0 ? 0 : sorted.at(count - 1),
      fastest: count === 0 ? 0 : sorted.at(0),
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

/** Times in ascending order, of which the first may be many zeros that nobody keeps. */
class SortedTimes {
  readonly #zeros: number;
  readonly #rest: Float64Array;

  constructor(zeros: number, rest: Float64Array) {
    this.#zeros = zeros;
    this.#rest = rest;
  }

  get length(): number {
    return this.#zeros + this.#rest.length;
  }

  at(index: number): number {
    return index < this.#zeros ? 0 : this.#rest[index - this.#zeros];
  }

  /** How many are `seconds` or less. O(log length). */
  countUpTo(seconds: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.at(middle) <= seconds) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function histogramOf(sorted: SortedTimes): HistogramLine[] {
  if (sorted.length === 0) return [];
  const fastest = sorted.at(0);
  const slowest = sorted.at(sorted.length - 1);
  const step = (slowest - fastest) / HISTOGRAM_STEPS;
  const lines: HistogramLine[] = [];
  for (let i = 0, counted = 0; i <= HISTOGRAM_STEPS; i++) {
    const seconds = i === HISTOGRAM_STEPS ? slowest : fastest + step * i;
    const upTo = Math.max(counted, sorted.countUpTo(seconds));
    lines.push({ seconds, count: upTo - counted });
    counted = upTo;
  }
  return lines;
}

/** As etcd counts: few calls do not reach the last lines, and a time of zero has none. */
function percentilesOf(sorted: SortedTimes): PercentileLine[] {
  const lines: PercentileLine[] = [];
  // Each call stands for one percentile at most.
  let free = 0;
  for (const percent of PERCENTS) {
    let at = Math.max(free, Math.floor((percent * sorted.length) / 100) - 1);
    while (at < sorted.length && (at * 100) / sorted.length < percent) at++;
    if (at >= sorted.length) break;
    if (sorted.at(at) > 0) lines.push({ percent, seconds: sorted.at(at) });
    free = at + 1;
  }
  return lines;
}
