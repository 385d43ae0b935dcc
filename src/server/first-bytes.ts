/** The first byte of every connection over TLS; no request of HTTP begins with it. */
export const TLS_HANDSHAKE = 0x16;
