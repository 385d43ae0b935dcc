/**
 * Counts frames that cost us work and the peer nothing. Every kind has its allowance per window of
 * FLOOD_WINDOW_MS; some kinds are also paid for by DATA that we sent, because honest peers answer it with
 * them. Windows are fixed, so a peer may spend two allowances around a border: the limits leave room.
 */
import {
  EMPTY_DATA_MAX,
  FLOOD_WINDOW_MS,
  PINGS_MAX,
  PRIORITIES_MAX,
  RESETS_MAX,
  SETTINGS_MAX,
  UNKNOWN_FRAMES_MAX,
  WINDOW_UPDATES_MAX,
} from "./limits.ts";

export const Flood = {
  PING: 0,
  SETTINGS: 1,
  EMPTY_DATA: 2,
  RESET: 3,
  PRIORITY: 4,
  WINDOW_UPDATE: 5,
  UNKNOWN: 6,
} as const;

export type Flood = (typeof Flood)[keyof typeof Flood];

/** In the order of `Flood`. */
const ALLOWANCES: readonly number[] = [
  PINGS_MAX,
  SETTINGS_MAX,
  EMPTY_DATA_MAX,
  RESETS_MAX,
  PRIORITIES_MAX,
  WINDOW_UPDATES_MAX,
  UNKNOWN_FRAMES_MAX,
];

/** Frames of each kind that one DATA frame of ours pays for. */
const PER_DATA_FRAME: readonly number[] = [1, 0, 0, 0, 0, 4, 0];

/** For the log and the GOAWAY, in the order of `Flood`. */
const NAMES: readonly string[] = [
  "PING frames",
  "SETTINGS frames",
  "empty DATA frames",
  "stream resets",
  "PRIORITY frames",
  "WINDOW_UPDATE frames",
  "frames of unknown type",
];

export class FloodGuard {
  readonly #counts = new Int32Array(NAMES.length);
  /** DATA frames that we sent in this window; added to by the sender. */
  dataFramesSent = 0;
  #windowStartMs = 0;

  /** Counts one frame; true when there are now too many of them. */
  exceeded(kind: Flood, nowMs: number): boolean {
    if (nowMs - this.#windowStartMs >= FLOOD_WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#counts.fill(0);
      this.dataFramesSent = 0;
    }
    this.#counts[kind]++;
    return this.#counts[kind] > ALLOWANCES[kind] + PER_DATA_FRAME[kind] * this.dataFramesSent;
  }
}

/** The text of the GOAWAY that ends a flood. */
export function floodText(kind: Flood): string {
  return `too many ${NAMES[kind]}`;
}
