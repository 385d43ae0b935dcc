/** Reads a snapshot as the file it would be: a backup in slices, while commits go on. */
import type { DiskFile } from "../ports/disk.ts";
import type { UnderWay } from "./commit-pipeline.ts";
import { encodeMetaPage } from "./meta.ts";
import type { Meta } from "./meta.ts";

/**
 * Fills `into` with the bytes from `position` on of a file that holds the state `meta` alone, and returns
 * how many there were. Both meta pages are made: page 0 has the state, page 1 the same with a transaction
 * id one lower, so that page 0 wins. Pages that the state does not use are as they happen to be.
 *
 * The file may not have the pages of commits `underWay` (oldest first) yet: those that belong to the state
 * come from memory. Later commits write to pages that the state does not use. So the copy of a durable
 * state looks at none of them.
 *
 * Source: bbolt tx.go, WriteTo (1.3.12).
 */
export function readCopy(
  file: DiskFile,
  meta: Meta,
  underWay: readonly UnderWay[],
  into: Uint8Array,
  position: number,
): number {
  const size = meta.highWaterId * meta.pageSize;
  const count = Math.max(0, Math.min(into.length, size - position));
  const target = into.subarray(0, count);
  const got = file.read(target, position);
  // What is not in the file yet is under way.
  target.fill(0, got);
  for (const { txid, pages } of underWay) {
    if (txid > meta.txid) break;
    for (const { id, bytes } of pages) overlay(target, position, bytes, id * meta.pageSize);
  }
  overlay(target, position, encodeMetaPage(meta, 0), 0);
  const older = { ...meta, txid: Math.max(0, meta.txid - 1) };
  overlay(target, position, encodeMetaPage(older, 1), meta.pageSize);
  return count;
}

/** Puts the part of `bytes`, which belongs at `bytesAt`, that lies inside of `target`. */
function overlay(target: Uint8Array, position: number, bytes: Uint8Array, bytesAt: number): void {
  const from = Math.max(position, bytesAt);
  const to = Math.min(position + target.length, bytesAt + bytes.length);
  if (from >= to) return;
  target.set(bytes.subarray(from - bytesAt, to - bytesAt), from - position);
}
