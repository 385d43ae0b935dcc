/** Bounds over what programs read from others. */

/** Characters of an answer of a discovery service: one line for each member of a cluster. */
export const RESPONSE_BYTES_MAX: number = 1024 * 1024;
