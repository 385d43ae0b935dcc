/**
 * How far long work has come, on one line that is drawn again and again. Only for people: a terminal
 * on the error stream. Source: none, etcd's tools have no such line.
 */
import type { Clock } from "../ports/clock.ts";
import { humanBytes } from "../stdx/humanize.ts";
import type { ToolIo } from "./tool-io.ts";

/** Milliseconds between two drawings. */
const REDRAW_MS = 100;

/** Cells of the bar. */
const CELLS = 30;

/** Where a bar is drawn. */
type BarOutput = Pick<ToolIo, "error" | "isTerminal">;

/** Says how far work has come after `seconds`. */
type Description = (done: number, total: number, seconds: number) => string;

export class ProgressBar {
  readonly #io: BarOutput;
  readonly #clock: Clock;
  readonly #describe: Description;
  readonly #startMs: number;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  /** `describe` words what stands behind the bar; without it the work is on bytes. */
  constructor(io: BarOutput, clock: Clock, describe: Description = bytesText) {
    this.#describe = describe;
    this.#io = io;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  /** Draws the state when it is time to. */
  show(done: number, total: number): void {
    if (!this.#io.isTerminal) return;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#isShown = true;
    const share = total === 0 ? 1 : Math.min(done / total, 1);
    const filled = Math.floor(share * CELLS);
    const bar = "#".repeat(filled) + "-".repeat(CELLS - filled);
    const seconds = Math.max(nowMs - this.#startMs, 1) / 1000;
    const percent = `${Math.floor(share * 100)}%`.padStart(5);
    const text = this.#describe(done, total, seconds);
    this.#io.error(`\r[${bar}]${percent} ${text}\x1b[K`);
  }

  /** Takes the line away. */
  clear(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#io.error("\r\x1b[K");
  }
}

function bytesText(done: number, total: number, seconds: number): string {
  return `${humanBytes(done)} of ${humanBytes(total)}, ${humanBytes(done / seconds)}/s`;
}
