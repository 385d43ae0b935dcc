/** A key-value store with revisions, as simply as it can be written: what a member must equal. */
import { executeRange } from "../src/mvcc/range.ts";
import type { Store } from "../src/mvcc/store.ts";
import { EtcdError } from "../src/errors/etcd-error.ts";
import { utf8FromBytes } from "../src/stdx/bytes.ts";
import { decodeKeyValue } from "../src/wire/gen/kv.ts";
import { createRangeRequest } from "../src/wire/gen/rpc.ts";

export type ModelOperation =
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  | { readonly kind: "delete"; readonly key: string };

export class KvModel {
  #revision = 1;
  readonly #keys = new Map<
    string,
    { value: string; create: number; mod: number; version: number }
  >();

  apply(operation: ModelOperation): void {
    const { key } = operation;
    const previous = this.#keys.get(key);
    if (operation.kind === "delete") {
      if (previous === undefined) return;
      this.#revision++;
      this.#keys.delete(key);
      return;
    }
    this.#revision++;
    this.#keys.set(key, {
      value: operation.value,
      create: previous?.create ?? this.#revision,
      mod: this.#revision,
      version: (previous?.version ?? 0) + 1,
    });
  }

  /** Everything there is to see, as text. */
  dump(): string {
    const lines = [...this.#keys]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([key, { value, create, mod, version }]) => `${key}=${value} ${create} ${mod} ${version}`,
      );
    return [`revision ${this.#revision}`, ...lines].join("\n");
  }
}

/** The same text for a real store. */
export function dumpStore(store: Store): string {
  const zero = new Uint8Array(1);
  const answer = executeRange(store, createRangeRequest({ key: zero, rangeEnd: zero }));
  if (answer instanceof EtcdError) throw answer;
  const lines = answer.kvs.map((bytes) => {
    const { key, value, createRevision, modRevision, version } = decodeKeyValue(bytes);
    return `${utf8FromBytes(key)}=${utf8FromBytes(value)} ${createRevision} ${modRevision} ${version}`;
  });
  return [`revision ${store.revision}`, ...lines].join("\n");
}
