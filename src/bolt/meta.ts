/**
 * Meta pages: the two alternating heads of the file, each naming one whole state of it.
 *
 * A commit with transaction id t writes page t mod 2, so the other page keeps the state before. After a
 * crash the valid meta page with the larger id wins.
 *
 *   page header 16 | magic u32 | version u32 | page size u32 | flags u32 | root {page id u64, sequence u64}
 *   | freelist page id u64 | high-water page id u64 | transaction id u64 | FNV-1a 64 of the 56 bytes before
 *
 * Source: bbolt db.go, type meta (1.3.12).
 */
import { fnv1a64 } from "./fnv.ts";
import {
  META_PAGE,
  PAGE_HEADER_BYTES,
  readU64,
  viewOf,
  writePageHeader,
  writeU64,
} from "./layout.ts";
import { FILE_PAGES_MAX, PAGE_BYTES_MAX, PAGE_BYTES_MIN } from "./limits.ts";

export const MAGIC = 0xed0cdaed;
export const VERSION = 2;

/** Bytes of a meta page that carry information, header included. */
export const META_PAGE_BYTES_USED = 80;

/** The checksum's place, from the start of the page. */
const SUM_AT = 72;

/** The freelist's page id when the list is not stored. */
const NO_FREELIST_WORD = 0xffffffff;

/** One state of the file. */
export interface Meta {
  /** Bytes. */
  readonly pageSize: number;
  /** Page id of the root bucket's root page. */
  readonly rootId: number;
  /** Sequence of the root bucket; nothing sets it, it is carried along. */
  readonly rootSequence: bigint;
  /** Page id of the stored freelist; `undefined` when free pages must be found by scanning. */
  readonly freelistId: number | undefined;
  /** One past the largest page id in use: the logical size of the file in pages. */
  readonly highWaterId: number;
  /** Transaction id. */
  readonly txid: number;
}

/** Why 80 bytes are not a meta page. `magic` and `version` tell other files from damaged ones. */
export interface MetaProblem {
  readonly kind: "magic" | "version" | "checksum" | "content";
  readonly detail: string;
}

/** Returns the whole meta page of `meta`, for page `pageId` (0 or 1). */
export function encodeMetaPage(meta: Meta, pageId: number): Uint8Array {
  const bytes = new Uint8Array(meta.pageSize);
  const view = viewOf(bytes);
  writePageHeader(view, pageId, META_PAGE, 0, 0);
  view.setUint32(16, MAGIC, true);
  view.setUint32(20, VERSION, true);
  view.setUint32(24, meta.pageSize, true);
  writeU64(view, 32, meta.rootId);
  view.setBigUint64(40, meta.rootSequence, true);
  if (meta.freelistId === undefined) {
    view.setUint32(48, NO_FREELIST_WORD, true);
    view.setUint32(52, NO_FREELIST_WORD, true);
  } else {
    writeU64(view, 48, meta.freelistId);
  }
  writeU64(view, 56, meta.highWaterId);
  writeU64(view, 64, meta.txid);
  const sum = fnv1a64(bytes, PAGE_HEADER_BYTES, SUM_AT);
  view.setUint32(SUM_AT, sum.low, true);
  view.setUint32(SUM_AT + 4, sum.high, true);
  return bytes;
}

/** Reads the first 80 bytes of a meta page. */
export function decodeMetaPage(bytes: Uint8Array): Meta | MetaProblem {
  if (bytes.length < META_PAGE_BYTES_USED) return { kind: "magic", detail: "file too short" };
  const view = viewOf(bytes);
  const magic = view.getUint32(16, true);
  if (magic !== MAGIC) {
    return { kind: "magic", detail: `magic is 0x${hex(magic)}, expected 0x${hex(MAGIC)}` };
  }
  const version = view.getUint32(20, true);
  if (version !== VERSION) {
    return { kind: "version", detail: `format version is ${version}, expected ${VERSION}` };
  }
  const sum = fnv1a64(bytes, PAGE_HEADER_BYTES, SUM_AT);
  const low = view.getUint32(SUM_AT, true);
  const high = view.getUint32(SUM_AT + 4, true);
  if (sum.low !== low || sum.high !== high) {
    const expected = `${hex(sum.high)}${hex(sum.low)}`;
    return { kind: "checksum", detail: `checksum is 0x${hex(high)}${hex(low)}, not 0x${expected}` };
  }
  return decodeContent(view);
}

/** Tells the two results of `decodeMetaPage` apart. */
export function isMeta(result: Meta | MetaProblem): result is Meta {
  return !("kind" in result);
}

function decodeContent(view: DataView): Meta | MetaProblem {
  const stored =
    view.getUint32(48, true) !== NO_FREELIST_WORD || view.getUint32(52, true) !== NO_FREELIST_WORD;
  const meta: Meta = {
    pageSize: view.getUint32(24, true),
    rootId: readU64(view, 32),
    rootSequence: view.getBigUint64(40, true),
    freelistId: stored ? readU64(view, 48) : undefined,
    highWaterId: readU64(view, 56),
    txid: readU64(view, 64),
  };
  const problem = contentProblem(meta);
  return problem === undefined ? meta : { kind: "content", detail: problem };
}

/** What a writer without bugs never stores, although the checksum is right. */
function contentProblem(meta: Meta): string | undefined {
  const { pageSize, rootId, freelistId, highWaterId, txid } = meta;
  if (!isPageSize(pageSize)) return `page size ${pageSize} is not a power of two in range`;
  if (highWaterId > FILE_PAGES_MAX) return `${highWaterId} pages are too many`;
  if (rootId < 2 || rootId >= highWaterId) return `root page ${rootId} is not in the file`;
  if (freelistId !== undefined && (freelistId < 2 || freelistId >= highWaterId)) {
    return `freelist page ${freelistId} is not in the file`;
  }
  if (!Number.isSafeInteger(txid)) return `transaction id ${txid} is too large`;
  return undefined;
}

/** Whether pages may have this size: a power of two within bounds. */
export function isPageSize(bytes: number): boolean {
  return bytes >= PAGE_BYTES_MIN && bytes <= PAGE_BYTES_MAX && (bytes & (bytes - 1)) === 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
