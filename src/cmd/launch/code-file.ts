/**
 * A file of compiled code: what V8 made of a program when it ran, to be given to V8 again. Damaged data
 * crashes V8 (it checks version, flags and lengths, not content), so the data is there twice, and is used
 * only while both are the same: comparing costs a third of any checksum that is at hand without loading more
 * of Node.
 *
 *     key \n kinds of runs, one a line \n   padded with line feeds to HEADER_BYTES
 *     data
 *     data
 *
 * The key says of which program and for which binary of Node the data is.
 */
import type { Buffer } from "node:buffer";
import { CODE_KINDS_MAX } from "./limits.ts";

const HEADER_BYTES = 4096;

export interface KeptCode {
  /** What has run when the data was made. */
  readonly kinds: readonly string[];
  readonly data: Buffer;
}

/** What `file` holds for `key`; undefined when it is for another one or damaged. Borrows `file`. */
export function readCode(file: Buffer, key: string): KeptCode | undefined {
  const middle = HEADER_BYTES + (file.length - HEADER_BYTES) / 2;
  if (middle <= HEADER_BYTES || !Number.isInteger(middle)) return undefined;
  const lines = file.toString("latin1", 0, HEADER_BYTES).split("\n");
  if (lines[0] !== key) return undefined;
  const data = file.subarray(HEADER_BYTES, middle);
  if (!data.equals(file.subarray(middle))) return undefined;
  return { kinds: lines.slice(1).filter((line) => line !== ""), data };
}

/** The parts of a file for `key`; undefined when there are too many kinds for one. */
export function codeFileParts(key: string, { kinds, data }: KeptCode): Uint8Array[] | undefined {
  const head = [key, ...kinds, ""].join("\n");
  if (kinds.length > CODE_KINDS_MAX || head.length > HEADER_BYTES) return undefined;
  const header = new Uint8Array(HEADER_BYTES).fill(0x0a);
  for (let at = 0; at < head.length; at++) header[at] = head.charCodeAt(at);
  return [header, data, data];
}
