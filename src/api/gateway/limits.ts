/** Bounds of the JSON gateway, each with its unit and reason. */

/**
 * Bytes of JSON per byte of a message that the services take: base64 makes four of three, and there is room for
 * names, spaces and escapes. More is answered as a message that is too large.
 */
export const JSON_BYTES_PER_MESSAGE_BYTE = 4;

/**
 * Calls that may be open at once; about 4 KiB each. Beyond it they are answered with "too many requests".
 * Differs from etcd: it has no bound.
 */
export const GATEWAY_CALLS_MAX = 20_000;

/** Bytes of one message over websocket: the JSON of the largest message that the services take by default. */
export const WEBSOCKET_MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
