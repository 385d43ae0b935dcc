/**
 * Long work beside the requests: tasks take turns, a slice at a time, with a pause after each slice in which
 * everything else goes on. However many tasks there are, they take a bounded share of the event loop.
 */
import type { BackgroundTask } from "../../api/context.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import { BACKGROUND_PAUSE_MS, BACKGROUND_PAUSE_PER_SLICE } from "../limits.ts";

export class BackgroundWork {
  readonly #clock: Clock;
  /** In the order of their turns. */
  readonly #tasks = new Set<BackgroundTask>();
  #timer: Timer | undefined;
  /** A turn is due, or going on. */
  #scheduled = false;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Gives the task its turns from now on; does nothing when it has them already. */
  add(task: BackgroundTask): void {
    if (this.#stopped || this.#tasks.has(task)) return;
    this.#tasks.add(task);
    if (!this.#scheduled) this.#schedule(BACKGROUND_PAUSE_MS);
  }

  /** No turns any more, for nobody. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#tasks.clear();
  }

  #schedule(pauseMs: number): void {
    this.#scheduled = true;
    this.#timer = this.#clock.after(pauseMs, () => this.#turn());
  }

  #turn(): void {
    const [task] = this.#tasks;
    if (task === undefined) {
      this.#scheduled = false;
      return;
    }
    this.#tasks.delete(task);
    const startMs = this.#clock.nowMs();
    const goesOn = task.step();
    if (this.#stopped) return;
    if (goesOn) this.#tasks.add(task);
    const tookMs = this.#clock.nowMs() - startMs;
    this.#schedule(Math.max(BACKGROUND_PAUSE_MS, tookMs * BACKGROUND_PAUSE_PER_SLICE));
  }
}
