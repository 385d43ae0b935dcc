/** Sizes of the write-ahead log. The first three are part of the format or visible in data directories. */
import { assert } from "../stdx/assert.ts";

/** A segment that has reached this size is finished. Decimal, as in etcd. */
export const SEGMENT_BYTES = 64_000_000;

/** The unit a device writes as a whole; a torn record is recognized by zeros in one of these. */
export const SECTOR_BYTES = 512;

/** Frames start at multiples of this, so that a length word never crosses a sector. */
export const FRAME_ALIGNMENT_BYTES = 8;

/**
 * Zeros are written durably this far ahead of the records: writes into blocks that are already on the device
 * cost half of those that allocate (numbers in platform/disk-file.ts). 0.1 s of the highest load.
 */
export const ZERO_AHEAD_BYTES = 2 * 1024 * 1024;

/**
 * Larger writes get no zeros ahead of them: there the device is busy with the bytes themselves, and writing
 * everything twice costs more than the blocks do. Measured: at 30 kB per write zeros save a quarter of the
 * time, at 300 kB back to back they cost a third of the rate.
 */
export const ZERO_FOR_WRITES_BYTES_MAX = 64 * 1024;

/** Zeros per write. Small, so that a record beside it waits less than a millisecond. */
export const ZERO_CHUNK_BYTES = 256 * 1024;

/** The next segment is made when this part of the current one is used: early enough, and idle members never pay. */
export const PREPARE_AT_FRACTION = 0.5;

/** First size of the two buffers that batches are encoded into, and the size above which one is not kept. */
export const BUFFER_BYTES = 64 * 1024;
export const BUFFER_BYTES_KEPT_MAX = 4 * 1024 * 1024;

/** Records that need no sync wait in memory for the next ones that do, up to this many bytes. */
export const LAZY_BYTES_MAX = 16 * 1024;

/** Segments are read in pieces of this size; entries are views into them and keep them alive. */
export const READ_CHUNK_BYTES = 1024 * 1024;

/** A flush that takes longer is logged. As in etcd. */
export const SLOW_SYNC_MS = 1000;

assert(ZERO_CHUNK_BYTES <= ZERO_AHEAD_BYTES, "One chunk of zeros must fit before the records");
assert(LAZY_BYTES_MAX < BUFFER_BYTES, "Waiting records must fit into a buffer");
assert(SECTOR_BYTES % FRAME_ALIGNMENT_BYTES === 0, "Length words must not cross sectors");
