/**
 * Metrics as text, for Prometheus to read: format 0.0.4, as Go's client library writes it.
 *
 *   # HELP name what it is
 *   # TYPE name counter
 *   name{label="value"} 1
 *
 * Names are in order, and under each the children by the values of their labels; labels are in order of their
 * names, `le` and `quantile` last. A name without children is left out.
 *
 * Source: prometheus common/expfmt (text_create.go), client_golang/prometheus/internal (metric sorting).
 */
import type { Family, FamilyChild, Metric } from "./family.ts";
import { goFloat } from "./go-float.ts";
import { Histogram } from "./histogram.ts";
import { Summary } from "./summary.ts";

/** Content type of the text. */
export const TEXT_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The text of `families`, in their order. */
export function textExposition(families: readonly Family<Metric>[]): string {
  const lines: string[] = [];
  for (const family of families) {
    const children = orderedChildren(family);
    if (children.length === 0) continue;
    const { name, help, type } = family.description;
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
    for (const { labels, metric } of children) writeMetric(lines, name, labels, metric);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** A child with its labels as they are written, without braces. */
interface LabelledChild {
  readonly labels: string;
  readonly metric: Metric;
}

function orderedChildren(family: Family<Metric>): LabelledChild[] {
  const { labels } = family.description;
  // Where each label stands among the values, in order of the names.
  const order = [...labels.keys()].toSorted((a, b) =>
    (labels[a] ?? "") < (labels[b] ?? "") ? -1 : 1,
  );
  const children = [...family.children()].toSorted((a, b) => compareValues(order, a, b));
  return children.map(({ values, metric }) => {
    const pairs = order.map((at) => `${labels[at] ?? ""}="${escapeLabel(values[at] ?? "")}"`);
    return { labels: pairs.join(","), metric };
  });
}

function compareValues(
  order: readonly number[],
  a: FamilyChild<Metric>,
  b: FamilyChild<Metric>,
): number {
  for (const at of order) {
    const left = a.values[at] ?? "";
    const right = b.values[at] ?? "";
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

function writeMetric(lines: string[], name: string, labels: string, metric: Metric): void {
  const own = labels === "" ? "" : `{${labels}}`;
  if (metric instanceof Histogram) {
    writeBuckets(lines, name, labels, metric);
  } else if (metric instanceof Summary) {
    const before = labels === "" ? "" : `${labels},`;
    for (const [quantile, value] of metric.quantiles) {
      lines.push(`${name}{${before}quantile="${goFloat(quantile)}"} ${goFloat(value)}`);
    }
  } else {
    lines.push(`${name}${own} ${goFloat(metric.value)}`);
    return;
  }
  lines.push(`${name}_sum${own} ${goFloat(metric.sum)}`, `${name}_count${own} ${metric.count}`);
}

function writeBuckets(lines: string[], name: string, labels: string, metric: Histogram): void {
  const before = labels === "" ? "" : `${labels},`;
  let below = 0;
  for (const [at, bound] of metric.bounds.entries()) {
    below += metric.counts[at] ?? 0;
    lines.push(`${name}_bucket{${before}le="${goFloat(bound)}"} ${below}`);
  }
  lines.push(`${name}_bucket{${before}le="+Inf"} ${metric.count}`);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
