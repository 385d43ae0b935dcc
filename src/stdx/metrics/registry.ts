/**
 * The metrics of one member or one process: who has something to count gets its counters here, once, and
 * whoever scrapes reads them all. There is no registry of the process: several members in it have one each.
 */
import { assert } from "../assert.ts";
import { Counter } from "./counter.ts";
import { Family, type Metric, type MetricDescription, type MetricType } from "./family.ts";
import { Gauge } from "./gauge.ts";
import { Histogram } from "./histogram.ts";
import { Summary } from "./summary.ts";

const NO_LABELS: readonly string[] = [];
const NO_BOUNDS: readonly number[] = [];

/** A name is taken once; a second time is a mistake. */
export class MetricsRegistry {
  readonly #families = new Map<string, Family<Metric>>();
  readonly #collectors: (() => void)[] = [];

  counter(name: string, help: string): Counter {
    return this.counters(name, help, NO_LABELS).child();
  }

  gauge(name: string, help: string): Gauge {
    return this.gauges(name, help, NO_LABELS).child();
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.histograms(name, help, NO_LABELS, bounds).child();
  }

  summary(name: string, help: string): Summary {
    return this.#add(describe(name, help, "summary", NO_LABELS), () => new Summary()).child();
  }

  /** Counters of one name, told apart by labels. So are `gauges` and `histograms`. */
  counters(name: string, help: string, labels: readonly string[]): Family<Counter> {
    return this.#add(describe(name, help, "counter", labels), () => new Counter());
  }

  gauges(name: string, help: string, labels: readonly string[]): Family<Gauge> {
    return this.#add(describe(name, help, "gauge", labels), () => new Gauge());
  }

  histograms(
    name: string,
    help: string,
    labels: readonly string[],
    bounds: readonly number[],
  ): Family<Histogram> {
    const description = describe(name, help, "histogram", labels, bounds);
    return this.#add(description, () => new Histogram(bounds));
  }

  /** A gauge whose value is asked for when it is written; `read` must be cheap. */
  gaugeOf(name: string, help: string, read: () => number): void {
    const gauge = this.gauge(name, help);
    this.onCollect(() => gauge.set(read()));
  }

  /** A counter that somebody else counts. */
  counterOf(name: string, help: string, read: () => number): void {
    const counter = this.counter(name, help);
    this.onCollect(() => {
      counter.value = read();
    });
  }

  /** `collect` is called before the metrics are read, to bring those up to date that are not counted. */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** All families, by name, with their values of now. */
  collect(): readonly Family<Metric>[] {
    for (const collect of this.#collectors) collect();
    return [...this.#families.values()].toSorted(byName);
  }

  #add<M extends Metric>(description: MetricDescription, create: () => M): Family<M> {
    const { name } = description;
    assert(!this.#families.has(name), () => `metric ${name} is registered twice`);
    const family = new Family(description, create);
    this.#families.set(name, family);
    return family;
  }
}

function byName(a: Family<Metric>, b: Family<Metric>): number {
  return a.description.name < b.description.name ? -1 : 1;
}

function describe(
  name: string,
  help: string,
  type: MetricType,
  labels: readonly string[],
  bounds: readonly number[] = NO_BOUNDS,
): MetricDescription {
  return { name, help, type, labels, bounds };
}
