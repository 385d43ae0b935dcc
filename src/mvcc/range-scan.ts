/**
 * A Range over many keys, cut into steps so that the caller bounds the work between two other events.
 *
 * The scan is pinned to the revision it was opened at. Between steps writes may go on: from then on it
 * reads history instead of the newest revisions, and its result stays what one uninterrupted read would
 * have given. Compaction must pause while a scan is open: `Store.openRange` sees to that.
 *
 * At the newest revision the count comes from the index and the limit ends the walk; at an older one
 * counting takes a visit to every key of the range. Filters and the sorts by revision and version read the
 * index only. Keys that are equal under a sort stay in key order (etcd leaves their order open).
 *
 * Source: etcd server/etcdserver/apply.go (Range), server/mvcc/index.go (Revisions).
 */
import { assert } from "../stdx/assert.ts";
import { compareBytes } from "../stdx/bytes.ts";
import type { RangeRequest } from "../wire/gen/rpc.ts";
import { createRevisionOf, valueOf, versionOf, withoutValue } from "../wire/key-value.ts";
import { type KeyIndex, NOT_FOUND } from "./key-index.ts";
import { createRangePlan, passesFilters, type RangePlan } from "./range-plan.ts";
import { fetch, fetchAt, type ReadView } from "./read-view.ts";

/** A revision that a sort holds until all are known. */
interface Row {
  readonly main: number;
  readonly sub: number;
  /** What a numeric sort target compares; 0 for VALUE. */
  readonly rank: number;
}

export class RangeScan {
  /** Newest revision of the view when the scan was opened: the revision of the answer's header. */
  readonly headerRevision: number;
  readonly #view: ReadView;
  readonly #request: RangeRequest;
  readonly #plan: RangePlan;
  readonly #atRevision: number;
  readonly #countKnown: boolean;

  #phase: "walk" | "emit" | "done" = "walk";
  /** The last key visited, to go on behind it. */
  #lastKey: string | undefined;
  /** Set when no further key can enter the answer; the walk may go on to count. */
  #full: boolean;
  #taken = 0;
  #count = 0;
  #more = false;
  #rows: Row[] = [];
  #emitted = 0;

  /** `atRevision` comes from `revisionToRead`. Keeps `view` and `request`. */
  constructor(view: ReadView, request: RangeRequest, atRevision: number) {
    this.headerRevision = view.revision;
    this.#view = view;
    this.#request = request;
    this.#plan = createRangePlan(request);
    this.#atRevision = atRevision;
    this.#full = request.countOnly;
    this.#countKnown = atRevision === view.revision;
    if (this.#countKnown) this.#count = view.index.countLive(this.#plan.range);
    if (this.#countKnown && this.#full) this.#phase = "done";
  }

  get done(): boolean {
    return this.#phase === "done";
  }

  /** Keys in the range at the revision, before filters and limit; final once done. */
  get count(): number {
    return this.#count;
  }

  /** Keys in the answer are not more than this; `Infinity` while nothing is known. */
  get keysAtMost(): number {
    const { limit } = this.#plan;
    return this.#countKnown ? Math.min(this.#count, limit) : limit;
  }

  /** Whether the limit cut off keys; final once done. */
  get more(): boolean {
    return this.#more;
  }

  /**
   * Does about `budget` keys' worth of work: appends stored values to `into`, in the order of the answer,
   * and returns whether the scan is done. The bytes are storage's (see `RevisionStorage.get`): they must
   * be used before the next commit. A sort itself is not cut into steps.
   */
  step(budget: number, into: Uint8Array[]): boolean {
    assert(budget > 0, "Cannot step a range scan without a budget");
    const left = this.#phase === "walk" ? this.#walk(budget, into) : budget;
    if (this.#phase === "emit" && left > 0) this.#emit(left, into);
    return this.#phase === "done";
  }

  /** Visits up to `budget` histories; returns what is left of the budget. */
  #walk(budget: number, into: Uint8Array[]): number {
    const { range, backwards } = this.#plan;
    const { from, end } = range;
    const cursor = this.#view.index.cursor(this.#atRevision === this.#view.revision);
    const last = this.#lastKey;
    let ok = backwards
      ? cursor.seekBefore(last ?? end)
      : cursor.seek(last === undefined ? from : `${last}\0`);
    let left = budget;
    while (ok && !(this.#full && this.#countKnown)) {
      const { key } = cursor;
      if (backwards ? key < from : end !== undefined && key >= end) break;
      if (left === 0) return 0;
      left--;
      this.#lastKey = key;
      this.#visit(cursor.value, into);
      ok = backwards ? cursor.previous() : cursor.next();
    }
    this.#finishWalk();
    return left;
  }

  #visit(history: KeyIndex, into: Uint8Array[]): void {
    const position = history.find(this.#atRevision);
    if (position === NOT_FOUND) return;
    if (!this.#countKnown) this.#count++;
    if (this.#full || !this.#passes(history, position)) return;
    const { sortedBy, rowsMax, limit, filtered } = this.#plan;
    if (sortedBy !== undefined) {
      this.#rows.push(this.#rowOf(history, position));
      this.#full = this.#rows.length === rowsMax;
    } else if (this.#taken < limit) {
      this.#taken++;
      into.push(this.#shown(fetchAt(this.#view, history, position)));
      // Whether there are more, the count tells; with filters only the next key that passes does.
      this.#full = this.#taken === limit && !filtered;
    } else {
      this.#more = true;
      this.#full = true;
    }
  }

  #finishWalk(): void {
    const { sortedBy, filtered, limit } = this.#plan;
    if (sortedBy === undefined) {
      if (!filtered && !this.#request.countOnly) this.#more = this.#count > limit;
      this.#phase = "done";
      return;
    }
    this.#rows = this.#sorted();
    if (this.#rows.length > limit) {
      this.#rows.length = limit;
      this.#more = true;
    }
    this.#phase = this.#rows.length === 0 ? "done" : "emit";
  }

  #sorted(): Row[] {
    const direction = this.#plan.descending ? -1 : 1;
    if (this.#plan.sortedBy !== "value") {
      return this.#rows.sort((a, b) => direction * (a.rank - b.rank));
    }
    const withValues = this.#rows.map((row) => {
      return { row, value: valueOf(fetch(this.#view, row.main, row.sub)) };
    });
    withValues.sort((a, b) => direction * compareBytes(a.value, b.value));
    return withValues.map(({ row }) => row);
  }

  #emit(budget: number, into: Uint8Array[]): void {
    const end = Math.min(this.#rows.length, this.#emitted + budget);
    for (; this.#emitted < end; this.#emitted++) {
      const { main, sub } = this.#rows[this.#emitted];
      into.push(this.#shown(fetch(this.#view, main, sub)));
    }
    if (end === this.#rows.length) this.#phase = "done";
  }

  #shown(keyValue: Uint8Array): Uint8Array {
    return this.#request.keysOnly ? withoutValue(keyValue) : keyValue;
  }

  #passes(history: KeyIndex, position: number): boolean {
    if (!this.#plan.filtered) return true;
    const modRevision = history.mainAt(position);
    return passesFilters(this.#request, modRevision, () => {
      return this.#createRevisionAt(history, position);
    });
  }

  #rowOf(history: KeyIndex, position: number): Row {
    const main = history.mainAt(position);
    const { sortedBy } = this.#plan;
    let rank = 0;
    if (sortedBy === "mod") rank = main;
    else if (sortedBy === "create") rank = this.#createRevisionAt(history, position);
    else if (sortedBy === "version") rank = this.#versionAt(history, position);
    return { main, sub: history.subAt(position), rank };
  }

  /** The index knows it of the newest revision only. */
  #createRevisionAt(history: KeyIndex, position: number): number {
    if (position === history.newest) return history.createRevision;
    return createRevisionOf(fetchAt(this.#view, history, position));
  }

  #versionAt(history: KeyIndex, position: number): number {
    if (position === history.newest) return history.version;
    return versionOf(fetchAt(this.#view, history, position));
  }
}
