import { expect, test } from "vitest";
import { textOf } from "../byte-text.ts";
import { goFloat } from "./go-float.ts";
import { LatencyReport, type LoadFigures } from "./latency-report.ts";
import { perfdashText } from "./perfdash.ts";
import { reportJson } from "./report-json.ts";
import { reportText } from "./report-text.ts";

/** Forty calls of which each takes longer than the one before, one failed call, and a pause of two seconds. */
function figures(sampled: boolean): LoadFigures {
  const report = new LatencyReport(sampled ? 1_700_000_000_000 : undefined);
  for (let i = 0; i < 40; i++) {
    const startMs = i * 70 + (i >= 20 ? 2000 : 0);
    report.took(startMs, startMs + (i * i * 37 + i * 1001 + 123) / 1000);
  }
  report.failed("etcdserver: too many requests");
  return report.figures(4000);
}

/** What the report of the real tool says of the same calls. */
const PLAIN = `
Summary:
  Total:	4.0000 secs.
  Slowest:	0.0954 secs.
  Fastest:	0.0001 secs.
  Average:	0.0386 secs.
  Stddev:	0.0286 secs.
  Requests/sec:	10.0000

Response time histogram:
  0.0001 [1]	|∎∎∎∎∎
  0.0097 [7]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.0192 [5]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.0287 [5]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.0382 [4]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.0478 [3]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.0573 [4]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.0668 [3]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.0764 [2]	|∎∎∎∎∎∎∎∎∎∎∎
  0.0859 [3]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.0954 [3]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎

Latency distribution:
  10% in 0.0047 secs.
  25% in 0.0138 secs.
  50% in 0.0349 secs.
  75% in 0.0635 secs.
  90% in 0.0841 secs.
  95% in 0.0916 secs.

Sample in one second (unix latency throughput):
UNIX-SECOND,MIN-LATENCY-MS,AVG-LATENCY-MS,MAX-LATENCY-MS,AVG-THROUGHPUT
1700000000,123µs,9.633666ms,21.389ms,15
1700000001,23.463ms,27.907ms,32.499ms,5
1700000002,0s,0s,0s,0
1700000003,34.943ms,45.705666ms,57.159ms,9
1700000004,60.269ms,77.299ms,95.439ms,11


Error distribution:
  [1]	etcdserver: too many requests
`;

const PRECISE = `
Summary:
  Total:	4 secs.
  Slowest:	0.095439 secs.
  Fastest:	0.000123 secs.
  Average:	0.038642 secs.
  Stddev:	0.02855398011136101 secs.
  Requests/sec:	10

Response time histogram:
  0.000123 [1]	|∎∎∎∎∎
  0.0096546 [7]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.0191862 [5]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.028717799999999998 [5]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.038249399999999996 [4]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.047781 [3]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.05731259999999999 [4]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.06684419999999999 [3]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.0763758 [2]	|∎∎∎∎∎∎∎∎∎∎∎
  0.0859074 [3]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎
  0.095439 [3]	|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎

Latency distribution:
  10% in 0.004719 secs.
  25% in 0.013833 secs.
  50% in 0.034943 secs.
  75% in 0.063453 secs.
  90% in 0.084111 secs.
  95% in 0.091589 secs.

Sample in one second (unix latency throughput):
UNIX-SECOND,MIN-LATENCY-MS,AVG-LATENCY-MS,MAX-LATENCY-MS,AVG-THROUGHPUT
1700000000,123µs,9.633666ms,21.389ms,15
1700000001,23.463ms,27.907ms,32.499ms,5
1700000002,0s,0s,0s,0
1700000003,34.943ms,45.705666ms,57.159ms,9
1700000004,60.269ms,77.299ms,95.439ms,11


Error distribution:
  [1]	etcdserver: too many requests
`;

test.each([
  ["plain", false, PLAIN],
  ["precise", true, PRECISE],
])("the %s report of fixed calls", (_, precise, expected) => {
  expect(textOf(reportText(figures(true), precise))).toBe(expected);
  const unsampled = expected.replace(/\nSample in one second[^]*\n(?=\nError)/, "");
  expect(textOf(reportText(figures(false), precise))).toBe(unsampled);
});

test("the report for programs has the same figures", () => {
  const report: unknown = JSON.parse(textOf(reportJson("put", figures(true))));
  expect(report).toMatchObject({
    benchmark: "put",
    requests: 40,
    totalSeconds: 4,
    slowestSeconds: 0.095439,
    fastestSeconds: 0.000123,
    averageSeconds: 0.038642,
    stddevSeconds: 0.02855398011136101,
    requestsPerSecond: 10,
    errors: { "etcdserver: too many requests": 1 },
  });
  expect(report).toHaveProperty("histogram.0", { seconds: 0.000123, count: 1 });
  expect(report).toHaveProperty("percentiles.5", { percent: 95, seconds: 0.091589 });
  expect(report).toHaveProperty("samples.2", {
    unixSecond: 1_700_000_002,
    fastestSeconds: 0,
    averageSeconds: 0,
    slowestSeconds: 0,
    count: 0,
  });
});

test("a report without calls is empty, and one of errors alone has nothing else", () => {
  const report = new LatencyReport();
  expect(reportText(report.figures(1000), false)).toBe("");
  report.failed("no leader");
  report.failed("no leader");
  expect(reportText(report.figures(1000), false)).toBe("\nError distribution:\n  [2]\tno leader\n");
});

test.each([
  [0, "0"],
  [1, "1"],
  [0.0001, "0.0001"],
  [0.00001234, "1.234e-05"],
  [123_456, "123456"],
  [1_234_567, "1.234567e+06"],
  [123_456_789.25, "1.2345678925e+08"],
  [1e21, "1e+21"],
])("goFloat(%d)", (value, text) => {
  expect(goFloat(value)).toBe(text);
});

test("things that take no time are counted one by one, and sampled", () => {
  const report = new LatencyReport(1_700_000_000_000);
  report.happened(3000, { nowMs: () => 10 });
  report.took(20, 21);
  report.happened(1, { nowMs: () => 1500 });
  const { count, slowest, fastest, percentiles, samples } = report.figures(2000);
  expect([count, slowest, fastest]).toEqual([3002, 0.001, 0]);
  // Of zeros no percentile is shown.
  expect(percentiles).toEqual([]);
  expect(samples?.map((second) => second.count)).toEqual([3001, 1]);
});

test("perfdashText has what dashboards of Kubernetes read", () => {
  expect(JSON.parse(perfdashText("txn-put", figures(false)))).toEqual({
    version: "v1",
    dataItems: [
      {
        data: { Perc50: 34.943, Perc90: 84.111, Perc99: 0 },
        labels: { Operation: "TXN-PUT" },
        unit: "ms",
      },
    ],
  });
});
