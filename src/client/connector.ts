/**
 * How the client reaches a server: the one thing it needs from its surroundings besides a clock and
 * randomness. A program passes sockets, a simulator or an embedding program passes streams in memory.
 */
import type { ByteStream } from "../ports/network.ts";

/** Where a connection goes. */
export interface ConnectTarget {
  /** `host:port`, or `unix:path`. */
  readonly address: string;
  /** Whether the stream must be TLS, … */
  readonly secure: boolean;
  /** … and then the name to check the certificate against, with the port where there is one. */
  readonly serverName: string;
}

/** Makes connections. */
export interface Connector {
  /**
   * Connects. Rejects with an error whose message follows "connection error: desc = " in what users read,
   * such as "transport: Error while dialing: dial tcp 127.0.0.1:2379: connect: connection refused".
   */
  connect(target: ConnectTarget): Promise<ByteStream>;
}
