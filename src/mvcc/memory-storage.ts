/**
 * `RevisionStorage` in memory: the twin of the backend for tests, simulation and benchmarks. Revisions
 * arrive in ascending order, so an array is sorted by construction; deleted ones leave gaps that are
 * closed when they make up half of it.
 */
import { assert } from "../stdx/assert.ts";
import { compareRevisions } from "./revision.ts";
import type { CompactionMark, RevisionStorage, RevisionVisitor } from "./storage.ts";

/** Gaps are not worth closing below this many. */
const GAPS_KEPT_MAX = 1024;

interface StoredRevision {
  readonly main: number;
  readonly sub: number;
  readonly tombstone: boolean;
  /** `undefined` once deleted. */
  value: Uint8Array | undefined;
}

export class MemoryStorage implements RevisionStorage {
  #revisions: StoredRevision[] = [];
  #gaps = 0;
  readonly #marks = new Map<CompactionMark, number>();

  /** Number of stored revisions. */
  get size(): number {
    return this.#revisions.length - this.#gaps;
  }

  put(main: number, sub: number, tombstone: boolean, value: Uint8Array): void {
    const last = this.#revisions.at(-1);
    assert(
      last === undefined || compareRevisions(main, sub, last.main, last.sub) > 0,
      () => `Cannot store revision ${main}.${sub}: it is not above every stored one`,
    );
    this.#revisions.push({ main, sub, tombstone, value });
  }

  get(main: number, sub: number): Uint8Array | undefined {
    const stored = this.#find(main, sub);
    return stored === undefined || stored.tombstone ? undefined : stored.value;
  }

  scan(fromMain: number, fromSub: number, endMain: number, visit: RevisionVisitor): void {
    for (let i = this.#lowerBound(fromMain, fromSub); i < this.#revisions.length; i++) {
      const { main, sub, tombstone, value } = this.#revisions[i];
      if (main >= endMain) return;
      if (value !== undefined && !visit(main, sub, tombstone, value)) return;
    }
  }

  delete(main: number, sub: number, tombstone: boolean): void {
    const stored = this.#find(main, sub);
    assert(stored?.value !== undefined, () => `Cannot delete revision ${main}.${sub}: not stored`);
    assert(stored.tombstone === tombstone, () => `Revision ${main}.${sub} has the other mark`);
    stored.value = undefined;
    this.#gaps++;
    if (this.#gaps > GAPS_KEPT_MAX && this.#gaps > this.#revisions.length / 2) {
      this.#revisions = this.#revisions.filter((revision) => revision.value !== undefined);
      this.#gaps = 0;
    }
  }

  compactionMark(mark: CompactionMark): number | undefined {
    return this.#marks.get(mark);
  }

  setCompactionMark(mark: CompactionMark, main: number): void {
    this.#marks.set(mark, main);
  }

  #find(main: number, sub: number): StoredRevision | undefined {
    const stored = this.#revisions[this.#lowerBound(main, sub)];
    return stored?.main === main && stored.sub === sub ? stored : undefined;
  }

  #lowerBound(main: number, sub: number): number {
    let low = 0;
    let high = this.#revisions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#revisions[middle];
      if (compareRevisions(at.main, at.sub, main, sub) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
