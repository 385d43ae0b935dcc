/**
 * Events that some watchers of one range have in front of them, in the order of their revisions, and the
 * batches that are cut from them. Watchers that stand at the same place get the same batch object, so that
 * what is made from it (its bytes, the header of the response) is made once for all of them.
 */
import { assert } from "../stdx/assert.ts";
import { concatBytes } from "../stdx/bytes.ts";
import type { WatchLimits } from "./limits.ts";
import type { Store } from "./store.ts";
import type { WatchEvent } from "./watch-event.ts";

/** Which form of the events a watcher wants: bits. */
export const EventForm = { NO_PUT: 1, NO_DELETE: 2, PREVIOUS: 4 } as const;

const FORMS = 8;

/**
 * What one response shows. Never part of a revision.
 *
 * Differs from etcd: changes that follow each other closely may come in one response, where a watcher that
 * is up to date gets one for each revision there. In a response from history the revision of the header is
 * the last one that it covers, there it is the store's newest, also when more events below it follow.
 */
export class WatchBatch {
  /** First revision that it covers, with an event or not. */
  readonly firstRevision: number;
  /** Everything up to here has been shown to who got this batch and all before it. */
  readonly lastRevision: number;
  /** Marshalled events as in `WatchEvent.plain`; empty when filters left nothing. */
  readonly events: readonly Uint8Array[];
  /** Bytes of all of them together. */
  readonly size: number;
  /** Whether there were more events than one batch takes. */
  readonly isFull: boolean;
  /** How responses that show it begin, as the receivers encode it; theirs to fill. */
  responseHeader: Uint8Array | undefined = undefined;
  #joined: Uint8Array | undefined = undefined;

  constructor(
    firstRevision: number,
    lastRevision: number,
    events: readonly Uint8Array[],
    size: number,
    isFull: boolean,
  ) {
    this.firstRevision = firstRevision;
    this.lastRevision = lastRevision;
    this.events = events;
    this.size = size;
    this.isFull = isFull;
  }

  /** All events in one piece. */
  get bytes(): Uint8Array {
    this.#joined ??= this.events.length === 1 ? this.events[0] : concatBytes(this.events);
    return this.#joined;
  }
}

/** The events of one revision. */
interface Step {
  readonly revision: number;
  readonly events: WatchEvent[];
}

export class WatchEvents {
  readonly #limits: WatchLimits;
  readonly #steps: Step[] = [];
  /** Last revision that is known to be covered, beyond that of the last event; 0 for none. */
  readonly #coveredTo: number;
  /** The newest batch of each form. */
  readonly #batches: (WatchBatch | undefined)[] = [];
  /** What keeping the events costs. */
  keptBytes = 0;
  /** How many there are. */
  count = 0;

  /** `coveredTo`: there are no events of this range behind the last one up to here; 0 when that is open. */
  constructor(limits: WatchLimits, coveredTo: number) {
    this.#limits = limits;
    this.#coveredTo = coveredTo;
  }

  /** Appends an event; revisions never go back. */
  add(event: WatchEvent): void {
    const last = this.#steps.at(-1);
    if (last?.revision === event.revision) {
      last.events.push(event);
    } else {
      assert(last === undefined || last.revision < event.revision, "Events must be in order");
      this.#steps.push({ revision: event.revision, events: [event] });
    }
    this.keptBytes += event.keptBytes;
    this.count++;
  }

  /** Last revision that has events; 0 when there are none. */
  get lastRevision(): number {
    return this.#steps.at(-1)?.revision ?? 0;
  }

  /** Forgets the older half, at least one revision; returns the last revision forgotten. */
  dropOlderHalf(): number {
    const dropped = this.#steps.splice(0, Math.ceil(this.#steps.length / 2));
    for (const { events } of dropped) {
      this.count -= events.length;
      for (const event of events) this.keptBytes -= event.keptBytes;
    }
    this.#batches.length = 0;
    return dropped.at(-1)?.revision ?? 0;
  }

  /**
   * The batch for a watcher that has been shown everything before `revision`, in one of the forms of
   * `EventForm`; `undefined` when there is no event from there on. O(log n) when it was made before.
   */
  batchFrom(revision: number, form: number, store: Store): WatchBatch | undefined {
    const first = this.#firstStepFrom(revision);
    if (first === this.#steps.length) return undefined;
    const known = this.#batches[form];
    if (known?.firstRevision === this.#steps[first].revision && !this.#canGrow(known)) return known;
    const batch = this.#cut(first, form, store);
    while (this.#batches.length < FORMS) this.#batches.push(undefined);
    this.#batches[form] = batch;
    return batch;
  }

  /** Whether a batch that was cut earlier would be larger now. */
  #canGrow(batch: WatchBatch): boolean {
    return !batch.isFull && batch.lastRevision < this.lastRevision;
  }

  #cut(first: number, form: number, store: Store): WatchBatch {
    const chosen: Uint8Array[] = [];
    const steps = this.#steps;
    const { batchBytes, batchRevisions } = this.#limits;
    const end = Math.min(steps.length, first + batchRevisions);
    let size = 0;
    let at = first;
    for (; at < end && size < batchBytes; at++) {
      for (const event of steps[at].events) {
        if ((form & (event.tombstone ? EventForm.NO_DELETE : EventForm.NO_PUT)) !== 0) continue;
        const bytes = (form & EventForm.PREVIOUS) === 0 ? event.plain : event.withPrevious(store);
        chosen.push(bytes);
        size += bytes.length;
      }
    }
    const lastStep = steps[at - 1].revision;
    const isFull = at < steps.length;
    const last = isFull ? lastStep : Math.max(lastStep, this.#coveredTo);
    return new WatchBatch(steps[first].revision, last, chosen, size, isFull);
  }

  #firstStepFrom(revision: number): number {
    let low = 0;
    let high = this.#steps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#steps[middle].revision < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
