/**
 * The hash of a whole database, in steps: CRC-32C over each bucket in the order of their names: the name,
 * then every key and its value. The consistent index and its term differ between members and do not count.
 *
 * Source: etcd server/storage/backend/backend.go (Hash), server/storage/schema (DefaultIgnores) (3.5).
 */
import type { Cursor } from "../bolt/cursor.ts";
import type { Tx } from "../bolt/tx.ts";
import { assert } from "../stdx/assert.ts";
import { compareBytes, latin1FromBytes } from "../stdx/bytes.ts";
import { crc32c } from "../stdx/crc32c.ts";
import { META } from "./schema.ts";

/** Bytes of a key and its value that cost a step as much as one item more. */
const BYTES_PER_BUDGET_UNIT = 2048;

const IGNORED_KEYS: readonly Uint8Array[] = [META.consistentIndex, META.term];

export class DatabaseHash {
  readonly #tx: Tx;
  /** Names of the buckets still to come, the next one last. */
  readonly #names: Uint8Array[] = [];
  #cursor: Cursor | undefined;
  #ignoresKeys = false;
  #crc = 0;

  /** The hash of the state that `tx`, a reading transaction, sees; it stays open until the end. */
  constructor(tx: Tx) {
    this.#tx = tx;
    tx.forEachBucket((name) => this.#names.push(name));
    this.#names.reverse();
  }

  /** Does a slice; `budget` counts items, large ones count more. Returns the hash at the end. */
  step(budget: number): number | undefined {
    assert(budget > 0, "Cannot step a hash without a budget");
    let left = budget;
    while (left > 0) {
      const cursor = this.#cursor ?? this.#nextBucket();
      if (cursor === undefined) return this.#crc;
      left--;
      if (!cursor.next()) this.#cursor = undefined;
      else left -= this.#add(cursor) / BYTES_PER_BUDGET_UNIT;
    }
    return undefined;
  }

  #nextBucket(): Cursor | undefined {
    const name = this.#names.pop();
    if (name === undefined) return undefined;
    this.#crc = crc32c(this.#crc, name);
    this.#ignoresKeys = latin1FromBytes(name) === "meta";
    this.#cursor = this.#tx.bucket(name)?.lendingCursor();
    return this.#cursor;
  }

  /** Takes in the item under the cursor; returns its bytes. */
  #add({ key, value }: Cursor): number {
    // A bucket inside of a bucket has no value; etcd has none of those.
    if (key === undefined || value === undefined) return 0;
    if (this.#ignoresKeys && IGNORED_KEYS.some((ignored) => compareBytes(ignored, key) === 0)) {
      return 0;
    }
    this.#crc = crc32c(crc32c(this.#crc, key), value);
    return key.length + value.length;
  }
}
