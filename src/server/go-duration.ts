/** Times of the clock as Go prints durations, for the log. */
import { formatGoDuration } from "../stdx/go-duration.ts";

/** `ms` milliseconds, to the nanosecond. */
export function goDurationOfMs(ms: number): string {
  return formatGoDuration(BigInt(Math.round(ms * 1e6)));
}
