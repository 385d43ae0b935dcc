/** Bounds of the proxies, each with its unit and reason. */

/** Connections that the TCP gateway carries at once: each has two sockets and what their buffers hold. */
export const GATEWAY_CONNECTIONS_MAX = 10_000;

/** Milliseconds that a connection to a server may take before the next one is tried. */
export const GATEWAY_DIAL_TIMEOUT_MS = 10_000;
