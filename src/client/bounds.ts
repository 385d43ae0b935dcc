/** Waiting for something no longer than the bounds of a call allow. */
import type { Clock, Timer } from "../ports/clock.ts";
import { onAbort } from "./cancel-signal.ts";
import type { CallOptions } from "./call-options.ts";
import { DEADLINE_TIMER_MS_MAX } from "./limits.ts";
import { CANCELLED, DEADLINE_EXCEEDED } from "./rpc-status.ts";

/**
 * What `promise` comes to, unless the deadline passes or the signal aborts first; it is not waited for then. Throws its
 * errors, `Errors.DeadlineExceeded`, and `EtcdError` with the code `Canceled`.
 */
export function withinBounds<T>(
  promise: Promise<T>,
  { deadlineMs, signal }: Pick<CallOptions, "deadlineMs" | "signal">,
  clock: Clock,
): Promise<T> {
  if (deadlineMs === undefined && signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const timers: Timer[] = [];
    const settled = (): void => {
      for (const timer of timers) timer.cancel();
      unlisten();
    };
    const leave = (): void => {
      settled();
      reject(CANCELLED);
    };
    const unlisten = onAbort(signal, leave);
    promise.finally(settled).then(resolve, reject);
    if (signal?.aborted === true) {
      leave();
      return;
    }
    const leftMs = (deadlineMs ?? Number.POSITIVE_INFINITY) - clock.nowMs();
    if (leftMs > DEADLINE_TIMER_MS_MAX) return;
    const onDeadline = (): void => {
      settled();
      reject(DEADLINE_EXCEEDED);
    };
    timers.push(clock.after(Math.max(0, leftMs), onDeadline));
  });
}
