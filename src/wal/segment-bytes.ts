/**
 * The bytes of one segment, read forward in pieces. Each piece is a buffer of its own, so that entries can
 * stay views into it and a piece is freed when the last entry in it is.
 */
import type { DiskFile } from "../ports/disk.ts";
import { READ_CHUNK_BYTES } from "./limits.ts";

export class SegmentBytes {
  readonly file: DiskFile;
  /** Bytes of the file when reading started. */
  readonly size: number;
  /** The current piece, and the position of its first byte in the file. */
  piece: Uint8Array = new Uint8Array(0);
  pieceStart = 0;

  constructor(file: DiskFile) {
    this.file = file;
    this.size = file.size();
  }

  /** Makes `[position, position + length)` part of the piece; false when the file is shorter. */
  load(position: number, length: number): boolean {
    const start = position - this.pieceStart;
    if (start >= 0 && start + length <= this.piece.length) return true;
    if (position + length > this.size) return false;
    const wanted = Math.min(Math.max(READ_CHUNK_BYTES, length), this.size - position);
    const piece = new Uint8Array(wanted);
    const count = this.file.read(piece, position);
    this.piece = count === wanted ? piece : piece.subarray(0, count);
    this.pieceStart = position;
    return count >= length;
  }
}
