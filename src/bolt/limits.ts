/** Bounds of the bolt format and of this implementation, each with its unit and its reason. */
import { assert } from "../stdx/assert.ts";

/** Longest key or bucket name. The format's rule. */
export const KEY_BYTES_MAX = 32_768;

/** Longest value. The format's rule: a signed 32-bit size with room to spare. */
export const VALUE_BYTES_MAX = 2 ** 31 - 2;

/** Smallest page that is accepted: a meta page needs 80 bytes, a useful B+tree page some more. */
export const PAGE_BYTES_MIN = 512;

/** Largest page that is accepted: what bbolt looks for when the first meta page is damaged. */
export const PAGE_BYTES_MAX = 16 * 1024 * 1024;

/** Page size of new files: that of the systems etcd runs on. */
export const PAGE_BYTES_DEFAULT = 4096;

/** Pages in a file: ids index typed arrays and 32-bit words. 8 TiB at 4096 bytes a page. */
export const FILE_PAGES_MAX = 2 ** 31 - 1;

/** A page with its overflow pages: what one typed array holds. A real one holds a value or a few. */
export const PAGE_RUN_BYTES_MAX = 2 ** 32;

/** Levels from a root to a leaf. Two keys a page at least, so a real file of FILE_PAGES_MAX has 31. */
export const TREE_DEPTH_MAX = 64;

/** Buckets inside buckets. Bounds the recursion over a hostile file. */
export const BUCKET_DEPTH_MAX = 256;

/** Elements on a page: the count is 16 bits, and 0xFFFF has a meaning of its own on freelist pages. */
export const PAGE_ITEMS_MAX = 0xfffe;

/**
 * Items of a node in memory before it is split, long before commit splits it into pages: inserting in the
 * middle moves the items behind, which must not become quadratic in a large transaction.
 */
export const NODE_ITEMS_MAX = 1024;

/** Bytes of clean pages kept in memory. Pages of an unfinished commit are kept beyond it. */
export const CACHE_BYTES_MAX_DEFAULT = 64 * 1024 * 1024;

/** A file that must grow beyond this size grows by this much more than it needs. bbolt's AllocSize. */
export const GROW_BYTES_DEFAULT = 16 * 1024 * 1024;

/** Smallest size a file grows to. bbolt's smallest memory map. */
export const GROW_BYTES_MIN = 32 * 1024;

/** Buffers handed to one write: half of what Linux takes in one pwritev (IOV_MAX = 1024). */
export const WRITE_CHUNKS_MAX = 512;

/** Bytes handed to one write, so that one write does not hold a thread for long. */
export const WRITE_BYTES_MAX = 4 * 1024 * 1024;

/** Writes of one commit under way at once: enough to keep a device busy, too few to fill the pool. */
export const WRITES_UNDER_WAY_MAX = 2;

/** Bytes per read while the free pages are found by scanning. */
export const SCAN_READ_BYTES = 1024 * 1024;

/** Bytes of pages that left the cache and are kept for new ones: a few commits of a copy. */
export const PAGE_MEMORY_BYTES_MAX = 4 * 1024 * 1024;

/** Most bytes read ahead of a pass over pages that lie in a row. */
export const READ_AHEAD_BYTES_MAX = 256 * 1024;

/** Pages that the scan reads without need rather than start another read. */
export const SCAN_GAP_PAGES = 16;

/** Problems that `check` reports before it stops: one broken pointer can cause millions. */
export const CHECK_PROBLEMS_MAX = 1000;

assert(PAGE_BYTES_DEFAULT >= PAGE_BYTES_MIN, "The default page is smaller than the smallest");
assert(PAGE_RUN_BYTES_MAX > VALUE_BYTES_MAX + KEY_BYTES_MAX, "The largest item fits no page");
assert(SCAN_READ_BYTES >= PAGE_BYTES_DEFAULT, "A scan read is smaller than a page");
assert(NODE_ITEMS_MAX >= 8, "A node must be able to split into two with two items each");
