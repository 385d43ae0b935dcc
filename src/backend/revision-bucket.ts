/** Bucket `key` as the storage that the MVCC store asks for. */
import { LentMemory } from "../bolt/lent-pages.ts";
import {
  encodeRevision,
  isTombstoneBytes,
  mainOfRevisionBytes,
  subOfRevisionBytes,
  writeRevision,
} from "../mvcc/revision.ts";
import type { CompactionMark, RevisionStorage, RevisionVisitor } from "../mvcc/storage.ts";
import type { Backend } from "./backend.ts";
import { META } from "./schema.ts";

export class RevisionBucket implements RevisionStorage {
  readonly #backend: Backend;
  /** Where keys to look up are built: lookups only borrow them. */
  readonly #lookup = new Uint8Array(17);
  /** What scans read into. */
  readonly #lent = new LentMemory();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  put(main: number, sub: number, tombstone: boolean, value: Uint8Array): void {
    this.#backend.put("key", encodeRevision(main, sub, tombstone), value);
  }

  get(main: number, sub: number): Uint8Array | undefined {
    writeRevision(this.#lookup, 0, main, sub, false);
    return this.#backend.get("key", this.#lookup);
  }

  scan(fromMain: number, fromSub: number, endMain: number, visit: RevisionVisitor): void {
    const cursor = this.#backend.bucket("key").lendingCursor(this.#lent);
    const start = encodeRevision(fromMain, fromSub, false);
    for (let found = cursor.seek(start); found; found = cursor.next()) {
      const { key, value } = cursor;
      if (key === undefined || value === undefined) continue;
      const main = mainOfRevisionBytes(key);
      if (main >= endMain) return;
      if (!visit(main, subOfRevisionBytes(key), isTombstoneBytes(key), value)) return;
    }
  }

  delete(main: number, sub: number, tombstone: boolean): void {
    this.#backend.delete("key", encodeRevision(main, sub, tombstone));
  }

  compactionMark(mark: CompactionMark): number | undefined {
    const bytes = this.#backend.get("meta", META[mark]);
    return bytes === undefined ? undefined : mainOfRevisionBytes(bytes);
  }

  setCompactionMark(mark: CompactionMark, main: number): void {
    this.#backend.put("meta", META[mark], encodeRevision(main, 0, false));
  }
}
