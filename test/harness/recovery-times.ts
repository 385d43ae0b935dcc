/** How long a cluster took to take writes again, by what had gone wrong. */

interface Recovery {
  readonly fault: string;
  /** Milliseconds until any member acknowledged a write, and until every member had. */
  readonly any: number;
  readonly all: number;
}

export class RecoveryTimes {
  readonly #recoveries: Recovery[] = [];

  /** `undefined`: not within the time that was waited. */
  add(fault: string, any: number | undefined, all: number | undefined): void {
    this.#recoveries.push({ fault, any: any ?? Infinity, all: all ?? Infinity });
  }

  get count(): number {
    return this.#recoveries.length;
  }

  /** The longest until any member acknowledged a write. */
  get worstMs(): number {
    return Math.max(0, ...this.#recoveries.map(({ any }) => any));
  }

  /** A line for each fault, the slowest first, and one for all of them. */
  lines(): string[] {
    const faults = [...new Set(this.#recoveries.map(({ fault }) => fault))];
    const lines = faults.map((fault) => {
      const own = this.#recoveries.filter((recovery) => recovery.fault === fault);
      return { worst: Math.max(...own.map(({ any }) => any)), line: lineOf(fault, own) };
    });
    lines.sort((a, b) => b.worst - a.worst);
    return [...lines.map(({ line }) => line), lineOf("all", this.#recoveries)];
  }
}

function lineOf(name: string, recoveries: readonly Recovery[]): string {
  const text = (values: readonly number[]): string => {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (part: number) => sorted[Math.ceil(part * sorted.length) - 1]?.toFixed(0) ?? "-";
    return `p50 ${at(0.5)}, p99 ${at(0.99)}, worst ${at(1)} ms`;
  };
  const any = text(recoveries.map((recovery) => recovery.any));
  const all = text(recoveries.map((recovery) => recovery.all));
  return `${name} (${recoveries.length}): any member ${any}; every member ${all}`;
}
