/** The groups of watchers by what they watch: whose keys a change touches is found in O(log n + found). */
import { IntervalTree } from "../stdx/interval-tree.ts";
import type { KeyRange } from "./key-range.ts";
import { WatchGroup } from "./watcher.ts";

export class WatchIndex {
  readonly #keys = new Map<string, WatchGroup>();
  readonly #ranges = new IntervalTree<WatchGroup>();

  /** The group of a range; a new one has no recent events, and what it misses ends before `recentFrom`. */
  groupOf(range: KeyRange, isSingleKey: boolean, recentFrom: number): WatchGroup {
    const { from, end } = range;
    const known = isSingleKey ? this.#keys.get(from) : this.#ranges.get(from, end);
    if (known !== undefined) return known;
    const group = new WatchGroup(range, isSingleKey, recentFrom);
    if (isSingleKey) this.#keys.set(from, group);
    else this.#ranges.insert(from, end, group);
    return group;
  }

  /** Removes a group that has no watchers any more. */
  remove({ from, end, isSingleKey }: WatchGroup): void {
    if (isSingleKey) this.#keys.delete(from);
    else this.#ranges.delete(from, end);
  }

  /** Calls `visit` with every group, in no order. */
  forEach(visit: (group: WatchGroup) => void): void {
    this.#keys.forEach(visit);
    this.#ranges.forEach(visit);
  }

  /** Appends to `into` the groups that watch `key`. */
  collect(key: string, into: WatchGroup[]): void {
    const group = this.#keys.get(key);
    if (group !== undefined) into.push(group);
    this.#ranges.collect(key, into);
  }
}
