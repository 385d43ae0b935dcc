/**
 * Watch streams spread over connections, and the watchers on them. What comes is counted, not decoded.
 *
 * Source: etcd api/etcdserverpb/rpc.proto (WatchResponse).
 */
import { errorFromStatus } from "../../client/rpc-status.ts";
import type { GrpcClientCall } from "../../http2/grpc-client-types.ts";
import {
  createWatchCreateRequest,
  createWatchRequest,
  encodeWatchRequest,
} from "../../wire/gen/rpc.ts";
import { WatchService } from "../../wire/gen/services.ts";
import type { LoadConnection } from "./load-connection.ts";

/** Field numbers and wire types of WatchResponse, as they are in front of a field. */
const CREATED_TAG = 0x18;
const CANCELED_TAG = 0x20;
const EVENT_TAG = 0x5a;

const WIRE_TYPE_BITS = 7;
const LENGTH_DELIMITED = 2;

/** What a watch response says. */
export interface WatchNews {
  readonly isCreated: boolean;
  readonly isCanceled: boolean;
  readonly events: number;
}

/** Walks over the fields of an encoded WatchResponse. */
export function scanWatchResponse(bytes: Uint8Array): WatchNews {
  let isCreated = false;
  let isCanceled = false;
  let events = 0;
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++];
    let value = 0;
    // Lengths and flags are of interest alone: an id may lose its high bits here.
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (tag === EVENT_TAG) events++;
    else if (tag === CREATED_TAG) isCreated = value !== 0;
    else if (tag === CANCELED_TAG) isCanceled = value !== 0;
    if ((tag & WIRE_TYPE_BITS) === LENGTH_DELIMITED) at += Math.max(0, value);
  }
  return { isCreated, isCanceled, events };
}

/** The request for a watcher of `key`; of what is new when `startRevision` is 0. */
export function watchBody(key: Uint8Array, startRevision = 0): Uint8Array {
  const value = createWatchCreateRequest({ key, startRevision });
  return encodeWatchRequest(createWatchRequest({ requestUnion: { case: "createRequest", value } }));
}

/** Who is told what comes. */
interface WatchListener {
  /** A watcher on stream number `stream` is there. */
  onCreated(stream: number): void;
  onEvents(count: number): void;
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
    this.#calls = Array.from({ length: count }, (_, i) => {
      const { grpc, metadata } = connections[i % connections.length];
      return grpc.stream(WatchService.watch.path, metadata, {
        onMessage: (_call, message) => {
          const { isCreated, isCanceled, events } = scanWatchResponse(message);
          if (isCanceled) this.#fail(new Error("a watcher was canceled by the server"));
          else if (isCreated) listener.onCreated(i);
          if (events > 0) listener.onEvents(events);
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
