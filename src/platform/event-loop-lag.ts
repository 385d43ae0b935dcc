/** How late the event loop is: a timer that says by how much it was called too late. */

/** Milliseconds between two looks: often enough to see what holds heartbeats up, and next to no work. */
const LOOK_MS = 50;

/** Calls `onLook` with the lateness of each look, in seconds; returns what ends that. */
export function observeEventLoopLag(onLook: (lagSeconds: number) => void): () => void {
  let dueMs = performance.now() + LOOK_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    onLook(Math.max(0, nowMs - dueMs) / 1000);
    dueMs = nowMs + LOOK_MS;
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
