/**
 * What a read needs: the committed store is one view, a write transaction in progress (which sees its own
 * changes) is another.
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { assert } from "../stdx/assert.ts";
import type { KeyIndex } from "./key-index.ts";
import type { RevisionStorage } from "./storage.ts";
import type { TreeIndex } from "./tree-index.ts";

export interface ReadView {
  readonly index: TreeIndex;
  readonly storage: RevisionStorage;
  /** The newest main revision that this reader sees: what answers carry in their headers. */
  readonly revision: number;
  /** Reads below it fail; -1 before the first compaction. */
  readonly compactRevision: number;
}

/**
 * Returns the main revision that a request for `requested` reads at: 0 and below mean the newest.
 * Errors: FutureRevision above the newest; Compacted below the compact revision.
 */
export function revisionToRead(view: ReadView, requested: number): number | EtcdError {
  if (requested > view.revision) return Errors.FutureRevision;
  const revision = requested <= 0 ? view.revision : requested;
  return revision < view.compactRevision ? Errors.Compacted : revision;
}

/** Fetches the stored value of a put; the bytes are storage's (see `RevisionStorage.get`). */
export function fetch(view: ReadView, main: number, sub: number): Uint8Array {
  const keyValue = view.storage.get(main, sub);
  assert(
    keyValue !== undefined,
    () => `Cannot find revision ${main}.${sub}, which the index names`,
  );
  return keyValue;
}

/** `fetch` of the revision at a position of a history. */
export function fetchAt(view: ReadView, history: KeyIndex, position: number): Uint8Array {
  return fetch(view, history.mainAt(position), history.subAt(position));
}
