/**
 * Pages read before they are asked for, for a pass over pages that lie in a row: one long read costs little
 * more than a short one. How far ahead doubles with each read that goes on where the last one ended, and
 * falls back to nothing where the pages are scattered.
 *
 * Not a cache: what is read may be served at any later time, so nothing may be written meanwhile.
 */
import type { DiskFile } from "../ports/disk.ts";
import { PAGE_OVERFLOW_AT } from "./layout.ts";
import { READ_AHEAD_BYTES_MAX } from "./limits.ts";

export class ReadAhead {
  readonly #file: DiskFile;
  readonly #pageSize: number;
  /** What was read, from page `#firstId` on. */
  #bytes: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #firstId = 0;
  /** One past the page that was served last. */
  #nextId = -1;
  #windowBytes = 0;

  constructor(file: DiskFile, pageSize: number) {
    this.#file = file;
    this.#pageSize = pageSize;
  }

  /** The page `id` with its overflow pages, unchecked; `undefined` where it must be read by itself. */
  page(id: number): Uint8Array | undefined {
    const served = this.#serve(id);
    if (served !== undefined) return served;
    if (id !== this.#nextId) {
      this.#windowBytes = this.#pageSize;
      this.#nextId = id + 1;
      return undefined;
    }
    this.#windowBytes = Math.min(2 * this.#windowBytes, READ_AHEAD_BYTES_MAX);
    // A buffer of its own for each read: pages that were served stay as they are.
    const buffer = new Uint8Array(this.#windowBytes);
    const count = this.#file.read(buffer, id * this.#pageSize);
    this.#bytes = buffer.subarray(0, count);
    this.#view = new DataView(buffer.buffer, 0, count);
    this.#firstId = id;
    return this.#serve(id);
  }

  #serve(id: number): Uint8Array | undefined {
    const at = (id - this.#firstId) * this.#pageSize;
    if (at < 0 || at + this.#pageSize > this.#bytes.length) return undefined;
    const pages = this.#view.getUint32(at + PAGE_OVERFLOW_AT, true) + 1;
    const end = at + pages * this.#pageSize;
    if (end > this.#bytes.length) return undefined;
    this.#nextId = id + pages;
    return this.#bytes.subarray(at, end);
  }
}
