/**
 * A branch or leaf page as it is on disk, searched in place.
 *
 * The bytes of a page never change once a `Page` exists: a commit writes new pages. So views of keys and
 * values that were handed out stay valid for as long as somebody holds them, whatever the cache does.
 *
 *   leaf element     flags u32 | pos u32 | ksize u32 | vsize u32
 *   branch element   pos u32 | ksize u32 | child page id u64
 *
 * `pos` counts from the element itself; the value follows the key. The image of an inline bucket is a leaf
 * page with id 0 inside a value, of any length.
 */
import { CorruptionError } from "./errors.ts";
import {
  BRANCH_PAGE,
  ELEMENT_BYTES,
  LEAF_PAGE,
  PAGE_COUNT_AT,
  PAGE_FLAGS_AT,
  PAGE_HEADER_BYTES,
  PAGE_OVERFLOW_AT,
  readU64,
  viewOf,
} from "./layout.ts";

export class Page {
  /** Page id; 0 for the image of an inline bucket. */
  readonly id: number;
  /** The page with its overflow pages. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly isLeaf: boolean;
  /** Elements on the page. */
  readonly count: number;
  /** Its keys were compared with those of the branch that refers to it, or it was written by us. */
  placed = false;

  // The page cache's bookkeeping, kept here because one lookup per access is enough.
  /** Index in the clock, -1 while not in it. */
  slot = -1;
  /** Used since the hand of the clock last passed. */
  referenced = false;
  /** Must stay in memory: the file does not have it yet. */
  pinned = false;

  /** For bytes that are known to be well formed: ours, or checked by `parsePage`. Keeps `bytes`. */
  constructor(id: number, bytes: Uint8Array) {
    this.id = id;
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.isLeaf = this.view.getUint16(PAGE_FLAGS_AT, true) === LEAF_PAGE;
    this.count = this.view.getUint16(PAGE_COUNT_AT, true);
  }

  /** Pages that follow this one and belong to it. */
  get overflow(): number {
    return this.view.getUint32(PAGE_OVERFLOW_AT, true);
  }

  /** Index of the element with `key`, or the complement (`~`) of where it would stand. O(log count). */
  find(key: Uint8Array): number {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = this.compareKeyAt(middle, key);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return ~low;
  }

  /** Branch: index of the child whose keys may include `key`. */
  childIndex(key: Uint8Array): number {
    const at = this.find(key);
    if (at >= 0) return at;
    return ~at === 0 ? 0 : ~at - 1;
  }

  /** Orders the key of element `index` and `key`: negative, 0 or positive. */
  compareKeyAt(index: number, key: Uint8Array): number {
    const bytes = this.bytes;
    const start = this.keyStart(index);
    const size = this.keySize(index);
    const common = size < key.length ? size : key.length;
    for (let i = 0; i < common; i++) {
      const difference = bytes[start + i] - key[i];
      if (difference !== 0) return difference;
    }
    return size - key.length;
  }

  /** Where the key of element `index` starts in `bytes`; the value follows it. */
  keyStart(index: number): number {
    const at = PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
    return at + this.view.getUint32(this.isLeaf ? at + 4 : at, true);
  }

  keySize(index: number): number {
    const at = PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
    return this.view.getUint32(this.isLeaf ? at + 8 : at + 4, true);
  }

  /** Leaf only. */
  valueSize(index: number): number {
    return this.view.getUint32(PAGE_HEADER_BYTES + index * ELEMENT_BYTES + 12, true);
  }

  /** A view of the key of element `index`. */
  keyAt(index: number): Uint8Array {
    const start = this.keyStart(index);
    return this.bytes.subarray(start, start + this.keySize(index));
  }

  /** Leaf only: a view of the value of element `index`. */
  valueAt(index: number): Uint8Array {
    const start = this.keyStart(index) + this.keySize(index);
    return this.bytes.subarray(start, start + this.valueSize(index));
  }

  /** Leaf only. */
  flagsAt(index: number): number {
    return this.view.getUint32(PAGE_HEADER_BYTES + index * ELEMENT_BYTES, true);
  }

  /** Branch only: the page id of child `index`. */
  childIdAt(index: number): number {
    return readU64(this.view, PAGE_HEADER_BYTES + index * ELEMENT_BYTES + 8);
  }

  /** Bytes of header, elements, keys and values, as a fresh page with the same items would have. */
  usedBytes(): number {
    let used = PAGE_HEADER_BYTES + this.count * ELEMENT_BYTES;
    for (let index = 0; index < this.count; index++) {
      used += this.keySize(index);
      if (this.isLeaf) used += this.valueSize(index);
    }
    return used;
  }
}

/**
 * Checks that `bytes` are a well-formed branch or leaf page and returns it. Afterwards every access of
 * `Page` stays inside the bytes. Keeps `bytes`. Errors: CorruptionError naming `path` and the page
 * (`ownerId` for the image of an inline bucket, whose own id is 0). O(bytes of keys).
 */
export function parsePage(path: string, id: number, bytes: Uint8Array, ownerId: number = id): Page {
  const fail = (detail: string): never => {
    const what = id === ownerId ? detail : `inline bucket: ${detail}`;
    throw new CorruptionError(path, ownerId, what);
  };
  if (bytes.length < PAGE_HEADER_BYTES) return fail("shorter than a page header");
  const page = new Page(id, bytes);
  const storedId = readU64(page.view, 0);
  if (storedId !== id) return fail(`the page says its id is ${storedId}`);
  const flags = page.view.getUint16(PAGE_FLAGS_AT, true);
  if (flags !== LEAF_PAGE && flags !== BRANCH_PAGE) {
    return fail(`not a branch or leaf page, flags are 0x${flags.toString(16)}`);
  }
  if (!page.isLeaf && page.count === 0) return fail("branch page without children");
  const problem = elementProblem(page);
  return problem === undefined ? page : fail(problem);
}

/** The first element that reaches outside of the page or out of order. */
function elementProblem(page: Page): string | undefined {
  const { bytes, count, isLeaf } = page;
  const elementsEnd = PAGE_HEADER_BYTES + count * ELEMENT_BYTES;
  if (elementsEnd > bytes.length) return `${count} elements do not fit`;
  let previousStart = 0;
  let previousSize = 0;
  for (let index = 0; index < count; index++) {
    const start = page.keyStart(index);
    const size = page.keySize(index);
    const end = start + size + (isLeaf ? page.valueSize(index) : 0);
    if (size === 0) return `the key of element ${index} is empty`;
    if (start < elementsEnd || end > bytes.length) return `element ${index} reaches outside`;
    if (index > 0 && compareRanges(bytes, previousStart, previousSize, start, size) >= 0) {
      return `the keys of elements ${index - 1} and ${index} are not in order`;
    }
    previousStart = start;
    previousSize = size;
  }
  return undefined;
}

function compareRanges(
  bytes: Uint8Array,
  startA: number,
  sizeA: number,
  startB: number,
  sizeB: number,
): number {
  const common = sizeA < sizeB ? sizeA : sizeB;
  for (let i = 0; i < common; i++) {
    const difference = bytes[startA + i] - bytes[startB + i];
    if (difference !== 0) return difference;
  }
  return sizeA - sizeB;
}
