/**
 * The hash of the whole keyspace up to a revision, in steps. Writes may go on between steps: they are
 * above the revision. Compaction must pause: `Store.openHash` sees to that.
 *
 * Source: etcd server/mvcc/kvstore.go (hashByRev), server/mvcc/hash.go (3.5).
 */
import { assert } from "../stdx/assert.ts";
import { latin1FromBytes } from "../stdx/bytes.ts";
import { keyOf } from "../wire/key-value.ts";
import { NOT_FOUND } from "./key-index.ts";
import { KeepProbe, type KeyValueHash, KeyValueHasher } from "./kv-hash.ts";
import { BYTES_PER_BUDGET_UNIT } from "./limits.ts";
import type { RevisionStorage } from "./storage.ts";
import type { TreeIndex } from "./tree-index.ts";

export class HashJob {
  readonly #index: TreeIndex;
  readonly #storage: RevisionStorage;
  readonly #compactRevision: number;
  readonly #revision: number;
  readonly #probe: KeepProbe;
  #hasher: KeyValueHasher | undefined;
  #nextMain = 0;
  #nextSub = 0;
  #done = false;

  /** Made by `Store.openHash`. */
  constructor(
    index: TreeIndex,
    storage: RevisionStorage,
    compactRevision: number,
    revision: number,
  ) {
    this.#index = index;
    this.#storage = storage;
    this.#compactRevision = compactRevision;
    this.#revision = revision;
    this.#probe = new KeepProbe(index, (history) => history.hashedAt(revision) !== NOT_FOUND);
  }

  get done(): boolean {
    return this.#done;
  }

  /** Does a slice; `budget` counts stored revisions, large values count more. Returns the hash at the end. */
  step(budget: number): KeyValueHash | undefined {
    assert(budget > 0, "Cannot step a hash without a budget");
    let left = this.#probe.answer === undefined ? this.#probe.step(budget) : budget;
    if (this.#probe.answer === undefined || left <= 0) return undefined;
    this.#hasher ??= new KeyValueHasher(this.#compactRevision, this.#revision, this.#probe.answer);
    const hasher = this.#hasher;
    const end = this.#revision + 1;
    this.#storage.scan(this.#nextMain, this.#nextSub, end, (main, sub, tombstone, value) => {
      const kept =
        !hasher.asksIfKept(main) || this.#isKept(latin1FromBytes(keyOf(value)), main, sub);
      hasher.add(main, sub, tombstone, value, kept);
      this.#nextMain = main;
      this.#nextSub = sub + 1;
      left -= 1 + value.length / BYTES_PER_BUDGET_UNIT;
      return left > 0;
    });
    this.#done = left > 0;
    return this.#done ? hasher.result() : undefined;
  }

  /**
   * Whether exactly this stored revision is kept, as etcd's hash has it. Not `keptAt`: in a hash, etcd does
   * not count a tombstone at the revision among what is kept.
   */
  #isKept(key: string, main: number, sub: number): boolean {
    const history = this.#index.get(key);
    const position = history?.hashedAt(this.#revision) ?? NOT_FOUND;
    if (history === undefined || position === NOT_FOUND) return false;
    return history.mainAt(position) === main && history.subAt(position) === sub;
  }
}
