/** Watch streams spread over connections, and the watchers on them. What comes is counted, not decoded. */
import { errorFromStatus } from "../../client/rpc-status.ts";
import type { GrpcClientCall } from "../../http2/grpc-client-types.ts";
import {
  createWatchCreateRequest,
  createWatchRequest,
  encodeWatchRequest,
} from "../../wire/gen/rpc.ts";
import { WatchService } from "../../wire/gen/services.ts";
import type { LoadConnection } from "./load-connection.ts";
import { WatchScan } from "./watch-scan.ts";

/** The request for a watcher of `key`; of what is new when `startRevision` is 0; with what was there before each event. */
export function watchBody(key: Uint8Array, startRevision = 0, prevKv = false): Uint8Array {
  const value = createWatchCreateRequest({ key, startRevision, prevKv });
  return encodeWatchRequest(createWatchRequest({ requestUnion: { case: "createRequest", value } }));
}

/** Who is told what comes. */
interface WatchListener {
  /** A watcher on stream number `stream` is there. */
  onCreated(stream: number, watchId: number): void;
  onEvents(count: number, stream: number, watchId: number): void;
}

export class WatchStreams {
  readonly #calls: readonly GrpcClientCall[];
  readonly #failure: Promise<never>;
  #fail: (reason: Error) => void = () => undefined;
  #isClosed = false;

  constructor(connections: readonly LoadConnection[], count: number, listener: WatchListener) {
    this.#failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Whoever waits with `orFailure` is told; nobody else has to be.
    this.#failure.catch(() => undefined);
    const scan = new WatchScan();
    this.#calls = Array.from({ length: count }, (_, i) => {
      const { grpc, metadata } = connections[i % connections.length];
      return grpc.stream(WatchService.watch.path, metadata, {
        onMessage: (_call, message) => {
          scan.read(message);
          const { isCreated, isCanceled, watchId, events } = scan;
          if (isCanceled) this.#fail(new Error("a watcher was canceled by the server"));
          else if (isCreated) listener.onCreated(i, watchId);
          if (events > 0) listener.onEvents(events, i, watchId);
        },
        onStatus: (_call, status) => {
          if (!this.#isClosed) this.#fail(errorFromStatus(status, undefined));
        },
      });
    });
  }

  /** Asks for a watcher on stream number `stream`. */
  add(stream: number, body: Uint8Array): void {
    this.#calls[stream].sendMessage(body);
  }

  /** Waits for `work`; rejects when a watcher or a stream is lost meanwhile. */
  orFailure<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failure]);
  }

  close(): void {
    this.#isClosed = true;
    for (const call of this.#calls) call.cancel();
  }
}
