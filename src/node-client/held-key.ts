/**
 * A key that is a lock or a leadership as long as it is there: tells when it goes away before it is given up, with its
 * lease or because somebody deleted it.
 *
 * Somebody is asked to look only when the signal is wanted: a lock for a moment costs no watch.
 */
import { Canceller, onAbort } from "../client/cancel-signal.ts";
import type { KeyspaceClient } from "../client/keyspace.ts";
import { WatchCanceledError } from "../client/watch-entry.ts";
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { FilterType } from "../wire/gen/rpc.ts";
import type { LeaseHandle } from "./lease-handle.ts";

/** A lock or a leadership was lost although its lease lives: somebody deleted its key. */
export class KeyLostError extends EtcdError {
  constructor() {
    super(GrpcCode.Aborted, "the key of the lock or of the leadership was deleted");
    this.name = "KeyLostError";
  }
}

/** Which key, since when. */
export interface HeldKeyParts {
  readonly client: KeyspaceClient;
  readonly key: Uint8Array;
  /** At which the key was made. */
  readonly revision: number;
  readonly lease: LeaseHandle;
}

/** A key that is held until `release`. */
export class HeldKey {
  readonly #parts: HeldKeyParts;
  readonly #lost = new AbortController();
  readonly #over = new Canceller();
  #isLooking = false;
  readonly #unlisten: () => void;

  constructor(parts: HeldKeyParts) {
    this.#parts = parts;
    const { signal } = parts.lease;
    const onLeaseLost = (): void => this.#lose(signal.reason);
    this.#unlisten = onAbort(signal, onLeaseLost);
    if (signal.aborted) onLeaseLost();
  }

  /**
   * Aborts when the key is lost before `release`: with a `LeaseLostError` before the lease can end, with a `KeyLostError`
   * when somebody deletes the key.
   */
  get signal(): AbortSignal {
    if (!this.#isLooking && !this.#over.aborted) {
      this.#isLooking = true;
      void this.#look();
    }
    return this.#lost.signal;
  }

  /** From now on the key may go. */
  release(): void {
    this.#over.abort();
    this.#unlisten();
  }

  #lose(reason: unknown): void {
    this.release();
    this.#lost.abort(reason);
  }

  /** Looks until the key is gone; an error ends it, because then the lease alone can tell. */
  async #look(): Promise<void> {
    let startRevision = this.#parts.revision + 1;
    try {
      while (!this.#over.aborted) {
        if (await this.#isGoneFrom(startRevision)) return this.#lose(new KeyLostError());
        if (this.#over.aborted) return;
        // The history was compacted: what is now says whether it is still the same key.
        const { client, key, revision } = this.#parts;
        const { kvs, header } = await client.kv.range({ key }, { signal: this.#over });
        if (kvs.at(0)?.createRevision !== revision) return this.#lose(new KeyLostError());
        startRevision = (header?.revision ?? 0) + 1;
      }
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
    }
  }

  /** Waits for the end of the key; false where the history from `startRevision` on cannot be told, or when released. */
  async #isGoneFrom(startRevision: number): Promise<boolean> {
    const { client, key } = this.#parts;
    const request = { key, startRevision, filters: [FilterType.NOPUT] };
    try {
      const watcher = await client.watch.open(request, {
        signal: this.#over,
        movesToLeader: true,
      });
      for await (const { events } of watcher) if (events.length > 0) return true;
      return false;
    } catch (error) {
      const isCompacted = error instanceof WatchCanceledError && error.response.compactRevision > 0;
      if (isCompacted) return false;
      throw error;
    }
  }
}
