/**
 * The report of a load for programs: one line of JSON, times in seconds.
 *
 * Differs from etcd: its load generator knows no such form.
 */
import { byteString } from "../byte-text.ts";
import type { LoadFigures } from "./latency-report.ts";

const NANOSECONDS_PER_SECOND = 1e9;

/** The line, with its end, as a byte string. `name` says which calls of which command these were. */
export function reportJson(name: string, figures: LoadFigures): string {
  const { samples } = figures;
  const report = {
    benchmark: name,
    requests: figures.count,
    totalSeconds: figures.total,
    slowestSeconds: figures.slowest,
    fastestSeconds: figures.fastest,
    averageSeconds: figures.average,
    stddevSeconds: figures.deviation,
    requestsPerSecond: figures.perSecond,
    histogram: figures.histogram,
    percentiles: figures.percentiles,
    ...(samples === undefined
      ? {}
      : {
          samples: samples.map(({ unixSecond, fastest, average, slowest, count }) => ({
            unixSecond,
            fastestSeconds: fastest / NANOSECONDS_PER_SECOND,
            averageSeconds: average / NANOSECONDS_PER_SECOND,
            slowestSeconds: slowest / NANOSECONDS_PER_SECOND,
            count,
          })),
        }),
    errors: Object.fromEntries(figures.errors),
  };
  return byteString(`${JSON.stringify(report)}\n`);
}
