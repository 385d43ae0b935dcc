/**
 * A tar archive of a few small files, made in memory.
 *
 * ```
 * header 512 B | content, zeros up to a multiple of 512 B | … | 1024 B of zeros
 * header: name 100, mode 8, uid 8, gid 8, size 12, mtime 12, checksum 8, type 1, link 100,
 *         "ustar\0" "00", user 32, group 32, device 16, prefix 155, zeros
 * ```
 *
 * Numbers are octal digits and end with a zero byte; the checksum is the sum of the bytes of the header with
 * blanks in its own place.
 *
 * Source: POSIX.1-2017, pax, "ustar Interchange Format".
 */
import { assert } from "../stdx/assert.ts";
import { bytesFromLatin1, concatBytes } from "../stdx/bytes.ts";

const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;
const CHECKSUM_AT = 148;

/** One file of an archive. */
export interface ArchivedFile {
  /** Path below the place where it is unpacked: ASCII, at most 100 bytes. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** The archive; every file can be read by its owner only, and was changed at `modifiedSeconds` (Unix time). */
export function tarArchive(files: readonly ArchivedFile[], modifiedSeconds: number): Uint8Array {
  const parts = files.flatMap(({ name, content }) => {
    const padding = (BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES;
    return [header(name, content.length, modifiedSeconds), content, new Uint8Array(padding)];
  });
  return concatBytes([...parts, new Uint8Array(2 * BLOCK_BYTES)]);
}

function header(name: string, size: number, modifiedSeconds: number): Uint8Array {
  assert(name.length <= NAME_BYTES_MAX, () => `The name ${name} is too long for an archive`);
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (text: string, at: number): void => block.set(bytesFromLatin1(text), at);
  put(name, 0);
  put(octal(0o600, 8), 100);
  put(octal(0, 8), 108);
  put(octal(0, 8), 116);
  put(octal(size, 12), 124);
  put(octal(modifiedSeconds, 12), 136);
  put(" ".repeat(8), CHECKSUM_AT);
  put("0", 156);
  put("ustar\u000000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 7)} `, CHECKSUM_AT);
  return block;
}

/** `width` bytes, the last of them zero. */
function octal(value: number, width: number): string {
  return `${Math.trunc(value)
    .toString(8)
    .padStart(width - 1, "0")}\0`;
}
