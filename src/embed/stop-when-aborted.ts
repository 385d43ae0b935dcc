/** Stopping by an `AbortSignal`. */

/** What can be stopped, and tells when it has. */
interface Stoppable {
  stop(): Promise<void>;
  readonly closed: Promise<unknown>;
}

/** Stops `running` when `signal` aborts. Leaves nothing at `signal` once it has ended otherwise. */
export function stopWhenAborted(signal: AbortSignal, running: Stoppable): void {
  const stop = (): void => {
    // `closed` tells of what goes wrong.
    running.stop().catch(() => undefined);
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  const forget = (): void => signal.removeEventListener("abort", stop);
  running.closed.then(forget, forget);
}
