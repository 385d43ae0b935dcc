/** Bounds of the proxies, each with its unit and reason. */

/** Connections that the TCP gateway carries at once: each has two sockets and what their buffers hold. */
export const GATEWAY_CONNECTIONS_MAX = 10_000;

/** Milliseconds that a connection to a server may take before the next one is tried. */
export const GATEWAY_DIAL_TIMEOUT_MS = 10_000;

/** Callers with a token whose metadata are kept ready. */
export const CALLERS_KEPT_MAX = 1024;

/** Answers to ranges that the gRPC proxy keeps. As etcd. */
export const CACHED_RANGES_MAX = 2048;

/** Bytes of these answers together. */
export const CACHED_BYTES_MAX: number = 64 * 1024 * 1024;

/** Watchers of one stream of a client. */
export const PROXIED_WATCHERS_MAX = 100_000;

/**
 * Bytes that wait for a client that does not read its watch: then its stream ends, and it may come again. etcd
 * waits 50 ms for room in a queue of 1024 answers.
 */
export const WATCH_WAITING_BYTES_MAX: number = 16 * 1024 * 1024;

/** Milliseconds for which one answer to a renewal of a lease serves others that renew it. */
export const RENEWAL_REUSE_MS = 500;

/** Milliseconds before a stream of renewals that was lost is opened again. */
export const RENEWAL_RETRY_MS = 200;

/** Renewals that wait for the servers, each a few dozen bytes; more streams end with ResourceExhausted. */
export const RENEWALS_WAITING_MAX = 100_000;

/** Milliseconds between two attempts to register the proxy, or to watch who is registered. As etcd. */
export const REGISTER_RETRY_MS = 1000;

/** Proxies of one prefix that a proxy knows of. */
export const REGISTERED_PROXIES_MAX = 10_000;

/** Milliseconds that a server may take for the read of `/health`. As etcd. */
export const PROXY_HEALTH_READ_MS = 1000;
/** The same for the watch of `/proxy/health`, of which the proxy itself is asked. As etcd. */
export const PROXY_HEALTH_WATCH_MS = 3000;

/** Bytes of a server's page of metrics that the proxy hands on. */
export const RELAYED_METRICS_BYTES_MAX: number = 16 * 1024 * 1024;
/** Milliseconds for which such a page may stand still. */
export const RELAYED_METRICS_TIMEOUT_MS = 10_000;
