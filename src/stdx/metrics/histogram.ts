/**
 * How often values of which size were seen, in fixed buckets. Buckets are counted apart here and summed up
 * when they are written: to observe is a short loop and three additions, and allocates nothing.
 */
export class Histogram {
  /** Upper bounds, inclusive, growing; the last bucket, above them all, has none. */
  readonly bounds: Float64Array;
  /** Of each bucket alone; one more than there are bounds. */
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = Float64Array.from(bounds);
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
    this.count++;
  }
}

/** `count` bounds, each `factor` times the one before it. */
export function exponentialBounds(start: number, factor: number, count: number): number[] {
  const bounds: number[] = [];
  for (let bound = start; bounds.length < count; bound *= factor) bounds.push(bound);
  return bounds;
}
