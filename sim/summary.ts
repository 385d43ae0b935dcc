/** What many seeds were together, for the last lines of a run. */
import type { SeedReport } from "./run-seed.ts";

export class Summary {
  seeds = 0;
  simulatedMs = 0;
  events = 0;
  operations = 0;
  readonly #counts = new Map<string, number>();
  /** CPU milliseconds of each seed. */
  readonly #cpuMs: number[] = [];

  add(report: SeedReport, cpuMs: number): void {
    this.seeds++;
    this.simulatedMs += report.simulatedMs;
    this.events += report.events;
    this.operations += report.operations;
    this.#cpuMs.push(cpuMs);
    for (const [name, count] of Object.entries(report.counts)) {
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
    }
  }

  get cpuSeconds(): number {
    return this.#cpuMs.reduce((sum, ms) => sum + ms, 0) / 1000;
  }

  /** Lines for people. */
  lines(): string[] {
    const sorted = [...this.#cpuMs].sort((a, b) => a - b);
    const median = sorted[sorted.length >> 1] ?? 0;
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    const hours = this.simulatedMs / 3_600_000;
    const lines = [
      `${this.seeds} seeds, ${hours.toFixed(2)} simulated hours, ${this.operations} operations of clients, ` +
        `${this.events} events`,
      `${this.cpuSeconds.toFixed(1)} s of CPU: ${median.toFixed(0)} ms a seed in the median, ` +
        `${p99.toFixed(0)} ms at the 99th percentile, ` +
        `${Math.round(this.simulatedMs / 1000 / Math.max(this.cpuSeconds, 0.001))} times real time`,
    ];
    const names = [...this.#counts.keys()];
    const faults = names.filter((name) => name.startsWith("fault "));
    const others = names.filter((name) => !name.startsWith("fault "));
    lines.push(`reached: ${this.#list(others, "")}`, `faults: ${this.#list(faults, "fault ")}`);
    return lines;
  }

  #list(names: readonly string[], prefix: string): string {
    const parts = names.map((name) => `${name.slice(prefix.length)} ${this.#counts.get(name)}`);
    return parts.join(", ");
  }
}
