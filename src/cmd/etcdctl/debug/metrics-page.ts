/**
 * Numbers from a page of metrics in Prometheus' text form.
 *
 * Source: the exposition format of Prometheus; histogram_quantile of its query language.
 */

/** One sample: its labels as they are written, and its value. */
interface Sample {
  readonly labels: string;
  readonly value: number;
}

export class MetricsPage {
  /** When it was read, in milliseconds of the tool's clock. */
  readonly atMs: number;
  readonly #samples = new Map<string, Sample[]>();

  constructor(text: string, atMs: number) {
    this.atMs = atMs;
    for (const line of text.split("\n")) {
      const parts = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)/i.exec(line);
      if (parts === null) continue;
      const [, name, labels = "", value] = parts;
      const samples = this.#samples.get(name) ?? [];
      samples.push({ labels, value: Number(value) });
      this.#samples.set(name, samples);
    }
  }

  /** The sum over all labels; `undefined` where there is no such metric. */
  value(name: string): number | undefined {
    const samples = this.#samples.get(name);
    return samples?.reduce((sum, { value }) => sum + value, 0);
  }

  /** Growth of a counter per second since `before`. */
  perSecond(name: string, before: MetricsPage): number | undefined {
    const [now, then] = [this.value(name), before.value(name)];
    const seconds = (this.atMs - before.atMs) / 1000;
    if (now === undefined || then === undefined || seconds <= 0 || now < then) return undefined;
    return (now - then) / seconds;
  }

  /**
   * What `share` of the observations of a histogram stay below, all labels together: the upper bound of the bucket.
   * `undefined` where nothing was observed.
   */
  quantile(name: string, share: number): number | undefined {
    const counts = new Map<number, number>();
    for (const { labels, value } of this.#samples.get(`${name}_bucket`) ?? []) {
      const le = /(?:^|,)le="([^"]+)"/.exec(labels)?.[1] ?? "";
      const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
      counts.set(bound, (counts.get(bound) ?? 0) + value);
    }
    const bounds = [...counts].sort(([a], [b]) => a - b);
    const total = bounds.at(-1)?.[1] ?? 0;
    if (total === 0) return undefined;
    return bounds.find(([, count]) => count >= total * share)?.[0];
  }
}
