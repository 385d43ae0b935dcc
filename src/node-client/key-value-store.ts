/**
 * Keys and values of one namespace.
 *
 * ```ts
 * await client.kv.put("name", "etcd");
 * const name = (await client.kv.get("name"))?.value;
 * for await (const { key, value } of client.kv.iterate({ prefix: "users/" })) …
 * ```
 */
import type { Kv } from "../client/kv.ts";
import { assert } from "../stdx/assert.ts";
import { concatBytes } from "../stdx/bytes.ts";
import type { CallBounds, Deadlines } from "./call-bounds.ts";
import type { Entry } from "./entry.ts";
import type { Bytes, KeySpace, KeyTarget } from "./key-space.ts";
import { PAGE_ENTRIES } from "./limits.ts";
import {
  countRequest,
  type DeleteOptions,
  deleteRequest,
  type DeleteResult,
  deleteResult,
  type GetOptions,
  type PutOptions,
  putRequest,
  type PutResult,
  putResult,
  type RangeOptions,
  rangeRequest,
  type RangeResult,
  rangeResult,
} from "./requests.ts";

/** How a range is read page by page. */
export interface IterateOptions extends GetOptions, CallBounds {
  /** Entries of one request; 1000 when absent. */
  readonly pageSize?: number | undefined;
  /** Leaves values out. */
  readonly keysOnly?: boolean | undefined;
}

const ZERO_BYTE = new Uint8Array(1);

/**
 * Every method throws `EtcdError`. Reads are tried again on other endpoints; a change is not when it may have
 * been applied: then only the program knows whether it may be made twice.
 */
export class KeyValueStore {
  readonly #kv: Kv;
  readonly #space: KeySpace;
  readonly #deadlines: Deadlines;

  constructor(kv: Kv, space: KeySpace, deadlines: Deadlines) {
    this.#kv = kv;
    this.#space = space;
    this.#deadlines = deadlines;
  }

  /** The entry of `key`; `undefined` when there is none. */
  async get(key: Bytes, options: GetOptions & CallBounds = {}): Promise<Entry | undefined> {
    return (await this.range(key, options)).entries.at(0);
  }

  /** The entries of a range, in one answer. */
  async range(target: KeyTarget, options: RangeOptions & CallBounds = {}): Promise<RangeResult> {
    const request = rangeRequest(this.#space, target, options);
    return rangeResult(await this.#kv.range(request, this.#deadlines.of(options)), this.#space);
  }

  /** How many keys a range has. */
  async count(target: KeyTarget, options: GetOptions & CallBounds = {}): Promise<number> {
    const request = countRequest(this.#space, target, options);
    return (await this.#kv.range(request, this.#deadlines.of(options))).count;
  }

  /**
   * The entries of a range in the order of their keys, read page by page, all as they were at one revision.
   * `timeoutMs` is for each page. Throws `Errors.Compacted` when that revision is compacted meanwhile.
   */
  async *iterate(
    target: KeyTarget,
    options: IterateOptions = {},
  ): AsyncGenerator<Entry, void, undefined> {
    const { pageSize = PAGE_ENTRIES, keysOnly } = options;
    assert(pageSize >= 1, "A page has an entry at least");
    const { revision, serializable } = options;
    const read = { revision, serializable, keysOnly, limit: pageSize };
    let request = rangeRequest(this.#space, target, read);
    for (;;) {
      const answer = await this.#kv.range(request, this.#deadlines.of(options));
      const page = rangeResult(answer, this.#space);
      yield* page.entries;
      const last = answer.kvs.at(-1);
      if (!page.more || last === undefined) return;
      const key = concatBytes([last.key, ZERO_BYTE]);
      request = { ...request, key, revision: request.revision || page.revision };
    }
  }

  /** Sets a key. */
  async put(key: Bytes, value: Bytes, options: PutOptions & CallBounds = {}): Promise<PutResult> {
    const request = putRequest(this.#space, key, value, options);
    return putResult(await this.#kv.put(request, this.#deadlines.of(options)), this.#space);
  }

  /** Deletes a key, or all keys of a range. */
  async delete(target: KeyTarget, options: DeleteOptions & CallBounds = {}): Promise<DeleteResult> {
    const request = deleteRequest(this.#space, target, options);
    const answer = await this.#kv.deleteRange(request, this.#deadlines.of(options));
    return deleteResult(answer, this.#space);
  }

  /**
   * Forgets what was before `revision`, of the whole store and not only of this namespace. With `physical` the
   * answer comes when the space is free.
   */
  async compact(
    revision: number,
    options: { readonly physical?: boolean | undefined } & CallBounds = {},
  ): Promise<void> {
    const { physical = false } = options;
    await this.#kv.compact({ revision, physical }, this.#deadlines.of(options));
  }
}
