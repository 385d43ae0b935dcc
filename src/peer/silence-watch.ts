/**
 * Notices that a peer has fallen silent. A leader and its followers hear each other many times a second,
 * others only by the heartbeats of their streams: silence is what is longer than usual.
 */
import type { Clock, Timer } from "../ports/clock.ts";
import { SILENCE_BUSY_TICKS, SILENCE_TICK_MS, SILENCE_TICKS } from "./limits.ts";

export class SilenceWatch {
  readonly #clock: Clock;
  readonly #idleTicks: number;
  readonly #onSilent: () => void;
  #timer: Timer | undefined;
  #heard = false;
  /** Ticks without a sound, and how many with one came before them in a row. */
  #silentTicks = 0;
  #busyTicks = 0;

  /** `heartbeatMs`: how often a peer is heard that has nothing to say. */
  constructor(clock: Clock, heartbeatMs: number, onSilent: () => void) {
    this.#clock = clock;
    this.#idleTicks = Math.ceil(heartbeatMs / SILENCE_TICK_MS) + SILENCE_TICKS;
    this.#onSilent = onSilent;
    this.#watch();
  }

  /** Something came from the peer. */
  heard(): void {
    this.#heard = true;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #watch(): void {
    this.#timer = this.#clock.after(SILENCE_TICK_MS, () => {
      this.#watch();
      this.#tick();
    });
  }

  #tick(): void {
    if (this.#heard) {
      this.#heard = false;
      this.#busyTicks = this.#silentTicks > 0 ? 0 : this.#busyTicks + 1;
      this.#silentTicks = 0;
      return;
    }
    this.#silentTicks++;
    const isBusy = this.#busyTicks >= SILENCE_BUSY_TICKS;
    if (this.#silentTicks === (isBusy ? SILENCE_TICKS : this.#idleTicks)) this.#onSilent();
  }
}
