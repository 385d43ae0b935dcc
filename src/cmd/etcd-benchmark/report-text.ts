/**
 * The report of a load for people. All texts are byte strings.
 *
 * Source: etcd pkg/report/report.go (String), timeseries.go (3.5).
 */
import { formatGoDuration } from "../../stdx/go-duration.ts";
import { byteString } from "../byte-text.ts";
import { goFloat } from "./go-float.ts";
import type { LoadFigures } from "./latency-report.ts";
import type { SecondSample } from "./second-samples.ts";

const BAR_CHARACTER = byteString("∎");

/** Characters of the longest bar. */
const BAR_LENGTH_MAX = 40;

/** The lines of the report; nothing where nothing was called. `precise` shows numbers whole. */
export function reportText(figures: LoadFigures, precise: boolean): string {
  const number = (value: number): string => (precise ? goFloat(value) : value.toFixed(4));
  const seconds = (value: number): string => `${number(value)} secs`;
  let text = "";
  if (figures.count > 0) {
    text += "\nSummary:\n";
    text += `  Total:\t${seconds(figures.total)}.\n`;
    text += `  Slowest:\t${seconds(figures.slowest)}.\n`;
    text += `  Fastest:\t${seconds(figures.fastest)}.\n`;
    text += `  Average:\t${seconds(figures.average)}.\n`;
    text += `  Stddev:\t${seconds(figures.deviation)}.\n`;
    text += `  Requests/sec:\t${number(figures.perSecond)}\n`;
    text += "\nResponse time histogram:\n";
    const most = Math.max(...figures.histogram.map(({ count }) => count));
    for (const { seconds: upTo, count } of figures.histogram) {
      const bar = BAR_CHARACTER.repeat(Math.floor((count * BAR_LENGTH_MAX) / most));
      text += `  ${number(upTo)} [${count}]\t|${bar}\n`;
    }
    text += "\nLatency distribution:\n";
    for (const { percent, seconds: within } of figures.percentiles) {
      text += `  ${percent}% in ${seconds(within)}.\n`;
    }
    if (figures.samples !== undefined) text += `${samplesText(figures.samples)}\n`;
  }
  if (figures.errors.size > 0) {
    text += "\nError distribution:\n";
    for (const [message, count] of figures.errors) text += `  [${count}]\t${byteString(message)}\n`;
  }
  return text;
}

function samplesText(samples: readonly SecondSample[]): string {
  const rows = samples.map(({ unixSecond, fastest, average, slowest, count }) =>
    [unixSecond, duration(fastest), duration(average), duration(slowest), count].join(","),
  );
  const head = "UNIX-SECOND,MIN-LATENCY-MS,AVG-LATENCY-MS,MAX-LATENCY-MS,AVG-THROUGHPUT";
  return `\nSample in one second (unix latency throughput):\n${[head, ...rows].join("\n")}\n`;
}

function duration(nanoseconds: number): string {
  return byteString(formatGoDuration(BigInt(nanoseconds)));
}
