/**
 * Waiting for a turn with a lease: what locks and elections have in common. The lease is the caller's, or one
 * that is made for the purpose and ends with it; a wait ends when the lease is lost.
 */
import type { CallOptions } from "../client/call-options.ts";
import { Canceller, type CancelSignal, onAbort } from "../client/cancel-signal.ts";
import { DEADLINE_TIMER_MS_MAX } from "../client/limits.ts";
import { CANCELLED } from "../client/rpc-status.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Clock } from "../ports/clock.ts";
import type { CallBounds } from "./call-bounds.ts";
import { type LeaseHandle, LeaseLostError, type LeaseOptions } from "./lease-handle.ts";

/** What servers and waits say when the lease is gone. */
const LEASE_ENDS: readonly EtcdError[] = [Errors.LeaseNotFound, Errors.LockSessionExpired];

/** How a turn is waited for. */
export interface TurnOptions {
  /** The lease to stand with; one that is made for this when absent. */
  readonly lease?: LeaseHandle | undefined;
  /** Of the lease that is made, in seconds; 10 when absent. */
  readonly ttlSeconds?: number | undefined;
  /** Milliseconds before the end of the lease that is made at which it counts as lost; as of `LeaseOptions` when absent. */
  readonly marginMs?: number | undefined;
  /** Milliseconds that the turn is waited for; as long as it takes when absent. */
  readonly timeoutMs?: number | undefined;
  /** Gives up when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** A turn that has come. */
export interface Turn<Held> {
  readonly held: Held;
  readonly lease: LeaseHandle;
  /** Gives the turn up, and ends the lease if it was made for it. */
  readonly release: (bounds?: CallBounds) => Promise<void>;
  /** As `release`; without errors where the end of the lease gives it up anyway. */
  readonly dispose: () => Promise<void>;
}

/** What is waited for. */
export interface TurnKind<Held> {
  /** Waits until the turn has come; leaves nothing behind when it fails. */
  wait(lease: LeaseHandle, bounds: CallOptions): Promise<Held>;
  giveUp(held: Held, bounds?: CallBounds): Promise<void>;
}

/** What waits for a turn need of their client. */
export interface TurnNeeds {
  readonly clock: Clock;
  readonly grant: (options: LeaseOptions) => Promise<LeaseHandle>;
}

/**
 * Waits until the turn has come. Throws `LeaseLostError` when the lease is lost meanwhile,
 * `Errors.DeadlineExceeded` behind the time, and `EtcdError` with the code `Canceled` when the signal aborts.
 */
export async function takeTurn<Held>(
  { clock, grant }: TurnNeeds,
  options: TurnOptions,
  kind: TurnKind<Held>,
): Promise<Turn<Held>> {
  const { ttlSeconds, marginMs, timeoutMs, signal } = options;
  const startMs = clock.nowMs();
  const isOwn = options.lease === undefined;
  const lease = options.lease ?? (await grant({ ttlSeconds, marginMs, timeoutMs, signal }));
  const release = async (held: Held, bounds?: CallBounds): Promise<void> => {
    // The end of the lease takes the turn with it, in one step.
    if (isOwn) await lease.revoke(bounds);
    else await kind.giveUp(held, bounds);
  };
  const late = new Canceller();
  const leftMs = startMs + (timeoutMs ?? Number.POSITIVE_INFINITY) - clock.nowMs();
  const isBounded = leftMs <= DEADLINE_TIMER_MS_MAX;
  const timer = isBounded ? clock.after(Math.max(0, leftMs), () => late.abort()) : undefined;
  const over = new JoinedSignal([signal, late, lease.signal]);
  try {
    const { signal: end } = over;
    const held = await unlessAborted(end, kind.wait(lease, { signal: end }), release);
    return {
      held,
      lease,
      release: (bounds) => release(held, bounds),
      dispose: () => (isOwn ? lease[Symbol.asyncDispose]() : release(held)),
    };
  } catch (error) {
    // Without an answer it ends by itself, because it is kept alive no longer.
    if (isOwn) void lease.revoke().catch(() => undefined);
    lease.signal.throwIfAborted();
    if (error instanceof EtcdError && LEASE_ENDS.includes(error)) {
      const { code, message } = error;
      throw new LeaseLostError(lease.id, code, message);
    }
    const isLate = late.aborted && signal?.aborted !== true;
    throw isLate ? Errors.DeadlineExceeded : error;
  } finally {
    timer?.cancel();
    over.release();
  }
}

/**
 * A signal that aborts with the first of several, until it is released: unlike `AbortSignal.any` it leaves nothing behind
 * on signals that live as long as the program.
 */
class JoinedSignal {
  readonly #controller = new AbortController();
  readonly #unlisten: (() => void)[] = [];

  constructor(sources: readonly (CancelSignal | undefined)[]) {
    for (const source of sources) {
      if (source?.aborted === true) this.#controller.abort();
      else this.#unlisten.push(onAbort(source, () => this.#controller.abort()));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  release(): void {
    for (const unlisten of this.#unlisten) unlisten();
  }
}

/**
 * The turn, unless `over` aborts first: a server that does not answer holds nobody up, also while what is left
 * behind is tidied up. A turn that comes too late is given up.
 */
function unlessAborted<Held>(
  over: AbortSignal,
  turn: Promise<Held>,
  release: (held: Held) => Promise<void>,
): Promise<Held> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(CANCELLED);
    if (over.aborted) leave();
    over.addEventListener("abort", leave);
    turn.then((held) => {
      over.removeEventListener("abort", leave);
      if (!over.aborted) resolve(held);
      else void release(held).catch(() => undefined);
    }, reject);
  });
}
