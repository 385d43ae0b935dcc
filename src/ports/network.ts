/**
 * Byte streams as a port: what a socket is to the code that speaks a protocol over it. `platform/` makes
 * them from sockets, tests and an embedding program from memory.
 *
 * Each side has one handler object, so that no event needs a closure. Handlers are never called from
 * inside a method of the stream.
 */

/** What the owner of a stream is told. */
export interface StreamHandler {
  /** Bytes arrived; borrowed until return. Not called while the stream is paused. */
  onBytes(bytes: Uint8Array): void;
  /** `write` returned false, and now there is room again. */
  onWritable(): void;
  /** The stream is gone, from either side; the last call. `reason` is for the log, empty when clean. */
  onClosed(reason: string): void;
}

/** Bytes in both directions, in order. */
export interface ByteStream {
  /** Other end, such as "127.0.0.1:40522", for logs and limits. */
  readonly remoteAddress: string;
  /** Sets who is told; bytes that arrived before are delivered to it soon afterwards. */
  setHandler(handler: StreamHandler): void;
  /** Sends bytes, which must not change afterwards. False: enough is waiting, stop until `onWritable`. */
  write(bytes: Uint8Array): boolean;
  /** Whether all bytes have been taken over by whoever carries them: their memory may be used again. */
  readonly writtenWhole: boolean;
  /** Stops reading from the other end until `resume`. */
  pause(): void;
  /** Goes on reading. */
  resume(): void;
  /** Sends what is waiting, then closes. */
  end(): void;
  /** Closes at once; what is waiting is lost. */
  destroy(): void;
}

/** A listening address. */
export interface StreamListener {
  /** Port that is really listened on, for an address with port 0; 0 for a unix socket. */
  readonly port: number;
  /** Stops accepting; open streams go on. */
  close(): void;
}

/** Where to listen or to connect. */
export type StreamAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Asks for the address of a host name. `done` is called once: an IP address, or why there is none. */
export type HostLookup = (host: string, done: (address: string | Error) => void) => void;

/** One record of DNS that says where a service is. */
export interface SrvRecord {
  /** Host name, with or without the dot at its end. */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Asks for the SRV records of a name. `done` is called once: what there is, or why there is nothing. */
export type SrvLookup = (
  name: string,
  done: (records: readonly SrvRecord[] | Error) => void,
) => void;
