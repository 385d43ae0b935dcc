/** Bounds of the client for Node programs, each with its unit and the reason for its size. */

/** Milliseconds that a call may take where neither it nor the client says otherwise: no call waits for ever. */
export const CALL_TIMEOUT_MS = 30_000;

/** Milliseconds of silence before a connection with open calls is asked for a sign of life: the least that is allowed. */
export const CONNECTION_CHECK_MS = 10_000;

/** Milliseconds that the sign of life may take; then the connection counts as dead, and another one is made. */
export const CONNECTION_CHECK_TIMEOUT_MS = 5000;

/** Milliseconds that a host may be silent before a read is asked of another one: longer than an election takes. */
export const HEDGE_MS = 2000;

/** Entries of one page when a range is read page by page: far below what makes an answer large. */
export const PAGE_ENTRIES = 1000;

/** Seconds that a lease outlives its owner, where nobody says otherwise: soon enough for whoever waits for its end. */
export const LEASE_TTL_SECONDS = 10;

/** Milliseconds between the first two attempts to connect: a member that is started again is back soon, … */
export const RECONNECT_FIRST_MS = 250;

/** … and between later ones: who waits for a cluster should not wait for its client, too. */
export const RECONNECT_LONGEST_MS = 10_000;

/** Part of its time before whose end a lease counts as lost: clocks differ, timers are late, work takes time to stop. */
export const LEASE_MARGIN_FRACTION = 0.1;

/** Milliseconds of that at most. */
export const LEASE_MARGIN_MS_MAX = 1000;
