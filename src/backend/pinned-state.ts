/**
 * One durable state of the database, held while commits go on: what backups and hashes are made of. Its
 * pages are not used again before `close`, so the file grows by what is written meanwhile.
 */
import type { Tx } from "../bolt/tx.ts";
import { DatabaseHash } from "./database-hash.ts";

export class PinnedState {
  /** Size of the database in this state, in bytes. */
  readonly bytes: number;
  readonly #tx: Tx;
  /** Called once, when it is given back. */
  onClosed: (() => void) | undefined;

  /** Made by `Backend.pin`. */
  constructor(tx: Tx) {
    this.#tx = tx;
    this.bytes = tx.sizeBytes;
  }

  /** Reads the file as it would be with this state alone; see `Tx.readCopy`. */
  readCopy(into: Uint8Array, position: number): number {
    return this.#tx.readCopy(into, position);
  }

  /** The hash of this state, in steps. */
  openHash(): DatabaseHash {
    return new DatabaseHash(this.#tx);
  }

  get isOpen(): boolean {
    return this.#tx.isOpen;
  }

  /** Gives the pages back. Closing twice does nothing. */
  close(): void {
    this.#tx.rollback();
    this.onClosed?.();
    this.onClosed = undefined;
  }
}
