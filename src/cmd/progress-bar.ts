/**
 * How far long work on bytes has come, on one line that is drawn again and again. Only for people: a terminal
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

export class ProgressBar {
  readonly #io: BarOutput;
  readonly #clock: Clock;
  readonly #startMs: number;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(io: BarOutput, clock: Clock) {
    this.#io = io;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  /** Draws the state when it is time to. */
  show(doneBytes: number, totalBytes: number): void {
    if (!this.#io.isTerminal) return;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#isShown = true;
    const share = totalBytes === 0 ? 1 : Math.min(doneBytes / totalBytes, 1);
    const filled = Math.floor(share * CELLS);
    const bar = "#".repeat(filled) + "-".repeat(CELLS - filled);
    const seconds = Math.max(nowMs - this.#startMs, 1) / 1000;
    const rate = humanBytes(doneBytes / seconds);
    const percent = `${Math.floor(share * 100)}%`.padStart(5);
    const sizes = `${humanBytes(doneBytes)} of ${humanBytes(totalBytes)}`;
    this.#io.error(`\r[${bar}]${percent} ${sizes}, ${rate}/s\x1b[K`);
  }

  /** Takes the line away. */
  clear(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#io.error("\r\x1b[K");
  }
}
