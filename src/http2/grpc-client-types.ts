/**
 * The client's side of a call as callers see it.
 */
import type { GrpcMetadata } from "./grpc-metadata.ts";

/** How a call ended. Codes are `GrpcCode` numbers, also unknown ones that a server sent. */
export interface GrpcStatus {
  /** 0 is success. */
  readonly code: number;
  /** Why, in the server's words; empty for success. */
  readonly message: string;
  /** Trailing metadata. */
  readonly trailers: GrpcMetadata;
  /**
   * True when the server surely did not process the call (never sent, refused, above the last stream of a
   * GOAWAY): it may be tried again elsewhere without asking whether it is idempotent.
   */
  readonly unprocessed: boolean;
}

/** Bounds of one call. */
export interface GrpcCallOptions {
  /** Absolute, in milliseconds of the clock. Sent as grpc-timeout and enforced here. No end when absent. */
  readonly deadlineMs?: number;
}

/**
 * The end of a unary call, called exactly once; from inside `unary` only where the connection no longer
 * `acceptsCalls`. `message` is there exactly when the code is 0, and is a view valid until return. `call` is
 * the one that `unary` returns.
 */
export type UnaryDone = (
  status: GrpcStatus,
  message: Uint8Array | undefined,
  call: GrpcClientCall,
) => void;

/** What a streaming caller is told. One object may serve many calls: per-call state is in `call.context`. */
export interface GrpcStreamHandlers {
  /** Response headers arrived; not called for an answer that is only a status. */
  onHeaders?(call: GrpcClientCall, metadata: GrpcMetadata): void;
  /** `message` is a view, valid until return. */
  onMessage(call: GrpcClientCall, message: Uint8Array): void;
  /** The end, exactly once, nothing after it; inside `stream` only where `acceptsCalls` is false. */
  onStatus(call: GrpcClientCall, status: GrpcStatus): void;
  /** `sendMessage` returned false, and now there is room again. */
  onWritable?(call: GrpcClientCall): void;
}

/** A call that was made. */
export interface GrpcClientCall {
  /** Of the method, such as `/etcdserverpb.KV/Range`. */
  readonly path: string;
  /** Free for the caller; `undefined` at first. */
  context: unknown;
  /** False after the status. */
  readonly open: boolean;
  /** Metadata of the response headers; empty until they arrive. */
  readonly headers: GrpcMetadata;

  /**
   * Sends one message ("stream" calls only). `message` is kept until it is written and must not change.
   * False when more than the high-water mark is waiting: stop until `onWritable`; sent all the same.
   */
  sendMessage(message: Uint8Array): boolean;
  /** No more messages from this side. */
  halfClose(): void;
  /** Ends the call with status Canceled ("context canceled"), told before return. */
  cancel(): void;
  /** Stops, or lets go on, granting the server window for this call; at most one window more arrives. */
  setReceiving(receiving: boolean): void;
}

/** The calling part of `GrpcClientConnection`; the other part is `Http2Endpoint`. */
export interface GrpcClient {
  /** True from `start` until GOAWAY, drain, close or the last stream id. Calls before SETTINGS are fine. */
  readonly acceptsCalls: boolean;
  /** Calls that wait for a free stream (the server's MAX_CONCURRENT_STREAMS). */
  readonly waitingCalls: number;
  /** Calls that have a stream. */
  readonly openCalls: number;

  /**
   * Makes a unary call. `body` is kept until it is written and must not change. `metadata` is compared by
   * identity to reuse its encoded form: pass the same array for the same metadata.
   */
  unary(
    path: string,
    metadata: GrpcMetadata,
    body: Uint8Array,
    options: GrpcCallOptions,
    done: UnaryDone,
  ): GrpcClientCall;

  /** Opens a streaming call of any kind; nothing but headers is sent before `sendMessage`. */
  stream(
    path: string,
    metadata: GrpcMetadata,
    handlers: GrpcStreamHandlers,
    options?: GrpcCallOptions,
  ): GrpcClientCall;
}
