/** A number that goes up and down. */
export class Gauge {
  /** For who reads it; who moves it calls the methods. */
  value = 0;

  set(value: number): void {
    this.value = value;
  }

  inc(): void {
    this.value++;
  }

  dec(): void {
    this.value--;
  }

  add(amount: number): void {
    this.value += amount;
  }
}
