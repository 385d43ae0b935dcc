/** A number that only grows. Its owner holds the object: to count is one addition. */
export class Counter {
  /** For who reads it; who counts calls `inc` or `add`. */
  value = 0;

  inc(): void {
    this.value++;
  }

  /** Adds what happened at once; not negative. */
  add(amount: number): void {
    this.value += amount;
  }
}
