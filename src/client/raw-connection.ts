/**
 * One connection for callers that make very many calls: requests and answers are bytes, the end of a call is
 * a callback, and nothing is allocated for a call beyond the call itself. No call is ever tried again.
 *
 * ```ts
 * const raw = await openRawConnection({ endpoint: "127.0.0.1:2379", connector, clock, onClosed });
 * const { path } = KVService.put;
 * raw.grpc.unary(path, raw.metadata, body, NO_DEADLINE, (status, message) => { … });
 * ```
 */
import type { GrpcCallOptions, GrpcClient } from "../http2/grpc-client-types.ts";
import type { GrpcMetadata } from "../http2/grpc-metadata.ts";
import type { Clock } from "../ports/clock.ts";
import { PLAIN_METADATA, tokenMetadata } from "./channel.ts";
import type { Connector } from "./connector.ts";
import { parseEndpoint } from "./endpoint.ts";
import { RESPONSE_BYTES_MAX } from "./limits.ts";
import { Transport } from "./transport.ts";

/** Options of a call that may take as long as it takes; shared by all of them. */
export const NO_DEADLINE: GrpcCallOptions = {};

/** Where a raw connection goes, and who is told of its end. */
export interface RawConnectionOptions {
  /** `host:port`, a URL, or a Unix socket. */
  readonly endpoint: string;
  /** Makes the connection. */
  readonly connector: Connector;
  /** Counts the time of calls. */
  readonly clock: Clock;
  /** Whether an endpoint without a scheme is reached by TLS. */
  readonly secure?: boolean;
  /** A token of a user, where the cluster asks for one. */
  readonly token?: string;
  /** The connection is gone; open calls have ended before. Not called after `close`. */
  readonly onClosed: (reason: string) => void;
}

/** A connection that is open; `close` it. */
export interface RawConnection {
  /** Calls go here: `unary` with a callback, or `stream`. */
  readonly grpc: GrpcClient;
  /** To be passed with every call: one array, so that its encoded form is made once. */
  readonly metadata: GrpcMetadata;
  /** Ends it; open calls end as unavailable. */
  close(): void;
}

/** Connects. Rejects when there is no connection, or no HTTP/2 server behind it. */
export async function openRawConnection(options: RawConnectionOptions): Promise<RawConnection> {
  const { connector, clock, token, onClosed } = options;
  const { address, serverName, security, text } = parseEndpoint(options.endpoint);
  const secure = security === "optional" ? options.secure === true : security === "require";
  const stream = await connector.connect({ address, secure, serverName });
  const limits = { receiveMessageBytesMax: RESPONSE_BYTES_MAX };
  return new Promise((resolve, reject) => {
    let isClosing = false;
    let isReady = false;
    const transport: Transport = new Transport(
      stream,
      { authority: serverName, secure, limits, clock },
      {
        onReady: () => {
          isReady = true;
          resolve({
            grpc: transport.grpc,
            metadata: token === undefined ? PLAIN_METADATA : tokenMetadata(token),
            close: () => {
              isClosing = true;
              transport.close("");
            },
          });
        },
        onClosed: (reason) => {
          if (!isReady) reject(new Error(`Cannot speak HTTP/2 with "${text}": ${reason}`));
          else if (!isClosing) onClosed(reason);
        },
      },
    );
  });
}
