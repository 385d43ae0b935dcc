/**
 * Answers to ranges, for those who ask the same again and take what may be old (serializable). What passes the
 * proxy and changes keys drops the answers that it touches, also those that are on their way.
 *
 * Differs from etcd: an answer to a caller with a token is not kept. There it is, and whoever asks the same is
 * given it, without the servers having a say.
 *
 * Source: etcd server/proxy/grpcproxy/cache/store.go.
 */
import { compareBytes, equalBytes, latin1FromBytes } from "../../stdx/bytes.ts";
import { createRangeRequest, encodeRangeRequest, type RangeRequest } from "../../wire/gen/rpc.ts";
import { CACHED_BYTES_MAX, CACHED_RANGES_MAX } from "../limits.ts";

/** A range: an empty end means one key, a zero byte all from the key on. */
export interface KeyInterval {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

interface CachedRange extends KeyInterval {
  readonly name: string;
  /** 0 for the newest: only such answers become old. */
  readonly revision: number;
  readonly body: Uint8Array;
}

/** A range that the servers are being asked for. */
export interface PendingRange {
  readonly request: RangeRequest;
  /** Something changed in it meanwhile. */
  isStale: boolean;
}

export class RangeCache {
  /** The one that was not used for longest first. */
  readonly #byName = new Map<string, CachedRange>();
  /** Of the newest revision, about one key each. */
  readonly #ofKey = new Map<string, Set<CachedRange>>();
  /** Of the newest revision, about several keys. */
  readonly #ofRange = new Set<CachedRange>();
  readonly #pending = new Set<PendingRange>();
  #bytes = 0;
  #compacted = -1;

  get size(): number {
    return this.#byName.size;
  }

  /** The answer to `request`, "compacted" when it asks for what is known to be gone, or nothing. */
  find(request: RangeRequest): Uint8Array | "compacted" | undefined {
    const name = nameOf(request);
    const found = this.#byName.get(name);
    if (request.revision > 0 && request.revision < this.#compacted) {
      if (found !== undefined) this.#drop(found);
      return "compacted";
    }
    if (found === undefined) return undefined;
    this.#byName.delete(name);
    this.#byName.set(name, found);
    return found.body;
  }

  /** The servers are asked; the returned object is handed to `ended`. */
  begin(request: RangeRequest): PendingRange {
    const pending = { request, isStale: false };
    this.#pending.add(pending);
    return pending;
  }

  /** The servers have answered, or not when there is no `body`. */
  ended(pending: PendingRange, body: Uint8Array | undefined): void {
    this.#pending.delete(pending);
    const { request } = pending;
    const { key, rangeEnd, revision } = request;
    // What a revision held does not become old.
    if (body === undefined || (pending.isStale && revision <= 0)) return;
    if (revision > 0 && revision <= this.#compacted) return;
    const name = nameOf(request);
    const old = this.#byName.get(name);
    if (old !== undefined) this.#drop(old);
    this.#add({ key, rangeEnd, revision, name, body });
  }

  /** Keys of this range are being changed, or were. */
  invalidate(range: KeyInterval): void {
    for (const pending of this.#pending) {
      if (overlaps(range, pending.request)) pending.isStale = true;
    }
    if (range.rangeEnd.length === 0) {
      for (const cached of this.#ofKey.get(latin1FromBytes(range.key)) ?? []) this.#drop(cached);
    } else {
      for (const ranges of this.#ofKey.values()) {
        for (const cached of ranges) if (overlaps(range, cached)) this.#drop(cached);
      }
    }
    for (const cached of this.#ofRange) if (overlaps(range, cached)) this.#drop(cached);
  }

  /** What is older than `revision` is gone. */
  compact(revision: number): void {
    this.#compacted = Math.max(this.#compacted, revision);
  }

  clear(): void {
    for (const pending of this.#pending) pending.isStale = true;
    for (const cached of [...this.#byName.values()]) this.#drop(cached);
  }

  #add(cached: CachedRange): void {
    if (cached.body.length > CACHED_BYTES_MAX / 2) return;
    this.#byName.set(cached.name, cached);
    this.#bytes += cached.body.length;
    if (cached.revision <= 0) this.#index(cached);
    for (const oldest of this.#byName.values()) {
      if (this.#byName.size <= CACHED_RANGES_MAX && this.#bytes <= CACHED_BYTES_MAX) break;
      this.#drop(oldest);
    }
  }

  #index(cached: CachedRange): void {
    if (cached.rangeEnd.length > 0) {
      this.#ofRange.add(cached);
      return;
    }
    const key = latin1FromBytes(cached.key);
    const others = this.#ofKey.get(key);
    if (others === undefined) this.#ofKey.set(key, new Set([cached]));
    else others.add(cached);
  }

  #drop(cached: CachedRange): void {
    if (!this.#byName.delete(cached.name)) return;
    this.#bytes -= cached.body.length;
    this.#ofRange.delete(cached);
    const key = latin1FromBytes(cached.key);
    const others = this.#ofKey.get(key);
    others?.delete(cached);
    if (others?.size === 0) this.#ofKey.delete(key);
  }
}

/** Linearizable and serializable requests for the same have the same name. */
function nameOf(request: RangeRequest): string {
  const asked = createRangeRequest({ ...request, serializable: true });
  return latin1FromBytes(encodeRangeRequest(asked));
}

function overlaps(a: KeyInterval, b: KeyInterval): boolean {
  return isBefore(a.key, b) && isBefore(b.key, a);
}

/** Whether `key` is before the end of `range`. */
function isBefore(key: Uint8Array, { key: first, rangeEnd }: KeyInterval): boolean {
  if (rangeEnd.length === 0) return compareBytes(key, first) < 0 || equalBytes(key, first);
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return true;
  return compareBytes(key, rangeEnd) < 0;
}
