/** Bounds of the backend, each with its unit and reason. */

/** Bytes of a key and its value that cost a slice of a copy as much as one item more. */
export const COPY_BYTES_PER_BUDGET_UNIT = 1024;

/**
 * Bytes of clean pages of a copy in memory: it is written from one end to the other, and only changes behind
 * read of it.
 */
export const COPY_CACHE_BYTES_MAX = 8 * 1024 * 1024;

/** Items (large ones count more) in one commit of a copy that is made while nobody else is waiting. */
export const COPY_COMMIT_ITEMS = 10_000;

/** Bytes of a slab: a little more than an online copy gathers between two commits. */
export const SLAB_BYTES = 1024 * 1024;
