/** Quantiles that somebody else works out, with the sum and the number of all values. */
export class Summary {
  /** By quantile, growing. */
  readonly quantiles = new Map<number, number>();
  sum = 0;
  count = 0;
}
