/**
 * Notices that the device does not take the writes of the log any more: for the cluster that is as if this
 * member had died, although it still answers.
 *
 * Differs from etcd: it writes the log where it also sends its heartbeats, so that a leader whose disk stands
 * still falls silent and is voted out. Here heartbeats go on, and leadership is given away instead.
 */
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import type { Log } from "../../ports/log.ts";

export interface DiskWatchParts {
  /** Ticks without progress that count as standing still: an election timeout. */
  readonly ticksMax: number;
  readonly tickMs: number;
  readonly log: Log;
  /** Called when it stands still, and again each time as long as that goes on; `times` before this one. */
  readonly onStall: (times: number) => void;
}

export class DiskWatch {
  readonly #parts: DiskWatchParts;
  #writes = 0;
  #ticks = 0;

  constructor(parts: DiskWatchParts) {
    this.#parts = parts;
  }

  /** A write was started. */
  began(): void {
    this.#writes++;
  }

  /** The oldest write is durable. */
  ended(): void {
    this.#writes--;
    const { ticksMax, log } = this.#parts;
    if (this.#ticks >= ticksMax) log.info("the disk takes writes again", this.#fields());
    this.#ticks = 0;
  }

  tick(): void {
    if (this.#writes === 0) return;
    this.#ticks++;
    const { ticksMax, log, onStall } = this.#parts;
    if (this.#ticks % ticksMax !== 0) return;
    log.warn("the disk does not take a write of the log", this.#fields());
    onStall(this.#ticks / ticksMax - 1);
  }

  #fields(): Readonly<Record<string, string>> {
    return { "stalled-for": goDurationOfMs(this.#ticks * this.#parts.tickMs) };
  }
}
