/** Who is at the other end of a connection, one object for all calls and requests of that connection. */
export interface ClientPeer {
  /** Where it comes from, such as "127.0.0.1:40522"; "@" over a Unix socket. */
  readonly address: string;
  /**
   * Subject CN of the certificate with which it proved who it is, "" when that has none. `undefined` without
   * TLS, without a certificate, and where certificates are not verified.
   */
  readonly commonName: string | undefined;
}

/** The other end of a connection that proves nothing. */
export function unprovenPeer(address: string): ClientPeer {
  return { address, commonName: undefined };
}
