/**
 * A connection inside the process: two ends of a byte stream, without a socket between. What one end writes
 * reaches the other one's handler as it is, uncopied, once the code that runs now has returned.
 */
import type { ClientPeer } from "../ports/client-peer.ts";
import { unprovenPeer } from "../ports/client-peer.ts";
import type { ByteStream, StreamHandler } from "../ports/network.ts";
import type { GrpcStream } from "../server/client-listener.ts";
import { STREAM_WAITING_BYTES_MAX } from "./limits.ts";

/** Where such connections come from, in logs. */
const ADDRESS = "in-process";

/**
 * Two ends that are connected: one for the client, one for the member. `closeReason` is asked when the connection
 * is over, for those whose calls it ends.
 */
export function connectedStreams(closeReason: () => string): {
  readonly client: ByteStream;
  readonly server: GrpcStream;
} {
  const client = new MemoryStream(closeReason);
  const server = new MemoryStream(() => "");
  client.connect(server);
  server.connect(client);
  return { client, server };
}

class MemoryStream implements GrpcStream {
  readonly peer: ClientPeer = unprovenPeer(ADDRESS);
  readonly remoteAddress: string = ADDRESS;
  readonly secure = false;
  readonly prohibitsHttp2 = false;
  /** The other end has the very bytes, until it has handled them. */
  readonly writtenWhole = false;
  readonly #closeReason: () => string;
  #other: MemoryStream | undefined;
  #handler: StreamHandler | undefined;
  #arrived: Uint8Array[] = [];
  #arrivedBytes = 0;
  /** The other end was told to stop writing. */
  #isFull = false;
  #isPaused = false;
  #isScheduled = false;
  /** The other end has written its last. */
  #isEnding = false;
  /** There will be no more events but `onClosed`. */
  #isOver = false;
  #isTold = false;
  #owesWritable = false;

  constructor(closeReason: () => string) {
    this.#closeReason = closeReason;
  }

  connect(other: MemoryStream): void {
    this.#other = other;
  }

  setHandler(handler: StreamHandler): void {
    this.#handler = handler;
    this.#schedule();
  }

  write(bytes: Uint8Array): boolean {
    return this.#isOver || this.#other === undefined || this.#other.#take(bytes);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  end(): void {
    if (this.#isOver || this.#other === undefined) return;
    this.#other.#isEnding = true;
    this.#other.#schedule();
  }

  destroy(): void {
    this.#close();
    if (this.#other !== undefined) this.#other.#close();
  }

  #take(bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    this.#arrived.push(bytes);
    this.#arrivedBytes += bytes.length;
    this.#schedule();
    this.#isFull = this.#arrivedBytes > STREAM_WAITING_BYTES_MAX;
    return !this.#isFull;
  }

  #close(): void {
    this.#isOver = true;
    this.#arrived = [];
    this.#schedule();
  }

  /** Handlers are never called from inside a method: what there is to tell is told soon. */
  #schedule(): void {
    if (this.#isScheduled || this.#isTold || this.#handler === undefined) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#tell();
    });
  }

  #tell(): void {
    if (this.#owesWritable && !this.#isOver) {
      this.#owesWritable = false;
      this.#handler?.onWritable();
    }
    while (!this.#isOver && !this.#isPaused && this.#arrived.length > 0) {
      const arrived = this.#arrived;
      this.#arrived = [];
      this.#tellBytes(arrived);
    }
    if (this.#isFull && this.#arrived.length === 0) {
      this.#isFull = false;
      if (this.#other !== undefined) this.#other.#madeRoom();
    }
    if (this.#isEnding && this.#arrived.length === 0) this.destroy();
    if (!this.#isOver || this.#isTold) return;
    this.#isTold = true;
    this.#handler?.onClosed(this.#closeReason());
  }

  /** Tells `arrived`, and keeps the rest when the handler wants no more. */
  #tellBytes(arrived: readonly Uint8Array[]): void {
    for (const [index, bytes] of arrived.entries()) {
      if (this.#isOver) return;
      if (this.#isPaused) {
        this.#arrived = [...arrived.slice(index), ...this.#arrived];
        return;
      }
      this.#arrivedBytes -= bytes.length;
      this.#handler?.onBytes(bytes);
    }
  }

  #madeRoom(): void {
    this.#owesWritable = true;
    this.#schedule();
  }
}
