/** Bounds over what the flags of the load generator may ask for. */

/** Connections, each with a socket and buffers of its own. */
export const CONNECTIONS_MAX = 10_000;

/** Callers at once. */
export const CALLERS_MAX = 1_000_000;

/** Calls of one run: the time of each is kept, eight bytes. */
export const CALLS_MAX = 250_000_000;

/** Bytes of a key, and of a value: no server takes more in a request than it is told to, 1.5 MiB mostly. */
export const KEY_BYTES_MAX: number = 1024 * 1024;
export const VALUE_BYTES_MAX: number = 64 * 1024 * 1024;

/** Different keys. */
export const KEY_SPACE_MAX: number = 2 ** 32;

/** Bytes of requests that are encoded once and sent again and again. */
export const KEPT_BODIES_BYTES_MAX: number = 64 * 1024 * 1024;

/** Calls per second; above that there is no telling from no limit. */
export const RATE_MAX: number = 2 ** 31 - 1;

/** Operations of one transaction: many times what a server takes that is not told otherwise. */
export const TXN_OPERATIONS_MAX = 100_000;

/** Watch streams. */
export const STREAMS_MAX = 1_000_000;

/** Keys that are watched, whose numbers are kept. */
export const KEPT_KEYS_MAX = 10_000_000;
