/** Bounds of metrics. */

/**
 * Children of one family. Label values may come from outside, such as the version that a client says it has:
 * what is beyond the bound counts, and is not shown.
 */
export const FAMILY_CHILDREN_MAX = 1000;
