/**
 * What the client needs of an `AbortSignal`, which the platform's own satisfies. Declared here because the
 * client has no types of any platform.
 */
export interface CancelSignal {
  /** Whether it was given. */
  readonly aborted: boolean;
  /** `listener` is called when it is given. */
  addEventListener(type: "abort", listener: () => void): void;
  /** `listener` is not called any more. */
  removeEventListener(type: "abort", listener: () => void): void;
}

/** A signal and the hand that gives it. */
export class Canceller implements CancelSignal {
  readonly #listeners = new Set<() => void>();
  #isAborted = false;

  get aborted(): boolean {
    return this.#isAborted;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Who is to be told by one signal. */
const told = new WeakMap<CancelSignal, Set<() => void>>();

/**
 * Calls `listener` when `signal` aborts, until the function that is returned is called. However many calls share a signal,
 * it has one listener: platforms take more than a few for a leak, and warn.
 */
export function onAbort(signal: CancelSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => undefined;
  let listeners = told.get(signal);
  if (listeners === undefined) {
    const all = new Set<() => void>();
    const tell = (): void => {
      told.delete(signal);
      // What one of them does may be that another one wants to hear nothing more.
      for (const each of [...all]) if (all.has(each)) each();
    };
    tellers.set(all, tell);
    told.set(signal, all);
    signal.addEventListener("abort", tell);
    listeners = all;
  }
  const all = listeners;
  // Each call has its own, also where they share a function.
  const own = (): void => listener();
  all.add(own);
  return () => {
    all.delete(own);
    if (all.size > 0 || told.get(signal) !== all) return;
    told.delete(signal);
    const tell = tellers.get(all);
    if (tell !== undefined) signal.removeEventListener("abort", tell);
  };
}

/** The one listener that a signal has for those who are to be told. */
const tellers = new WeakMap<Set<() => void>, () => void>();
