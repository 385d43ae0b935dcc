/**
 * Memory of pages that have left the cache, for new pages of the same size. For a file from which nobody
 * keeps what was read beyond the transaction that read it: elsewhere views of keys and values stay valid for
 * as long as somebody holds them.
 *
 * Why: a copy of a gigabyte is a gigabyte of pages that are gone a moment later, and the garbage collector
 * goes through everything that lives for every few dozen megabytes of them.
 *
 *   in the cache ──> retired ──(the open transaction is committed: its nodes are gone)──> free ──> a new page
 */
import { PAGE_MEMORY_BYTES_MAX } from "./limits.ts";

export class PageMemory {
  readonly #free = new Map<number, Uint8Array[]>();
  #freeBytes = 0;
  #retired: Uint8Array[] = [];

  /** Takes the memory of a page that left the cache; the open transaction may still look at it. */
  retire(bytes: Uint8Array): void {
    if (bytes.length === bytes.buffer.byteLength) this.#retired.push(bytes);
  }

  /** The open transaction has been turned into pages: nobody looks at what was retired any more. */
  settle(): void {
    for (const bytes of this.#retired) {
      if (this.#freeBytes + bytes.length > PAGE_MEMORY_BYTES_MAX) break;
      const list = this.#free.get(bytes.length);
      if (list === undefined) this.#free.set(bytes.length, [bytes]);
      else list.push(bytes);
      this.#freeBytes += bytes.length;
    }
    this.#retired = [];
  }

  /** `size` bytes of zeros, if there is such memory. */
  take(size: number): Uint8Array | undefined {
    const bytes = this.#free.get(size)?.pop();
    if (bytes === undefined) return undefined;
    this.#freeBytes -= size;
    return bytes.fill(0);
  }
}
