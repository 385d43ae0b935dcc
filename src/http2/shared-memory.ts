/**
 * What all connections of a server keep for their peers, together: incomplete requests, and answers that wait.
 * Each connection may keep much, because most keep nothing. When all of them together keep too much, those that
 * keep more than a little get no more room, until there is some again.
 */
import { SHARED_BYTES_MAX } from "./limits.ts";

export class SharedMemory {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number = SHARED_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get isShort(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  /** A connection keeps `bytes` more than when it last told. */
  changedBy(bytes: number): void {
    this.#bytes += bytes;
  }
}
