/**
 * Metrics of one name. A child belongs to one value of each label; who counts asks for it once and keeps it,
 * so that no hot path looks anything up.
 */
import { assert } from "../assert.ts";
import type { Counter } from "./counter.ts";
import type { Gauge } from "./gauge.ts";
import { FAMILY_CHILDREN_MAX } from "./limits.ts";
import type { Histogram } from "./histogram.ts";
import type { Summary } from "./summary.ts";

export type MetricType = "counter" | "gauge" | "histogram" | "summary";

/** What can be written as a sample or several of them. */
export type Metric = Counter | Gauge | Histogram | Summary;

/** What a name stands for. */
export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** In the order in which `Family.child` takes their values. */
  readonly labels: readonly string[];
  /** Upper bounds of the buckets of a histogram. */
  readonly bounds: readonly number[];
}

/** One metric of a family. */
export interface FamilyChild<M extends Metric> {
  readonly values: readonly string[];
  readonly metric: M;
}

export class Family<M extends Metric> {
  readonly description: MetricDescription;
  readonly #create: () => M;
  readonly #children = new Map<string, FamilyChild<M>>();

  /** `create` makes the metric of a new child. */
  constructor(description: MetricDescription, create: () => M) {
    this.description = description;
    this.#create = create;
  }

  /**
   * The metric of these label values, made when it is asked for first; it stays until it is deleted. Where there
   * are `FAMILY_CHILDREN_MAX` already, one that nobody will see.
   */
  child(...values: readonly string[]): M {
    assert(values.length === this.description.labels.length, "one value for each label");
    const key = keyOf(values);
    const known = this.#children.get(key);
    if (known !== undefined) return known.metric;
    const metric = this.#create();
    if (this.#children.size < FAMILY_CHILDREN_MAX) this.#children.set(key, { values, metric });
    return metric;
  }

  /** Forgets the child: it is not written any more. */
  delete(...values: readonly string[]): void {
    this.#children.delete(keyOf(values));
  }

  /** Forgets all children. */
  clear(): void {
    this.#children.clear();
  }

  /** In the order in which they were made. */
  children(): Iterable<FamilyChild<M>> {
    return this.#children.values();
  }
}

/** What is in no label value separates them. */
function keyOf(values: readonly string[]): string {
  return values.join("\u0000");
}
