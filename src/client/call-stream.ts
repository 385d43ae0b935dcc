/**
 * One streaming call: messages go out with `send`, answers come in with `next` or `for await`.
 *
 * Answers that nobody has asked for yet wait here, up to a bound; above it the server is granted no more
 * window, so a slow reader stops the server instead of filling memory.
 */
import { GrpcCode } from "../errors/codes.ts";
import type {
  GrpcClient,
  GrpcClientCall,
  GrpcStatus,
  GrpcStreamHandlers,
} from "../http2/grpc-client-types.ts";
import type { GrpcMetadata } from "../http2/grpc-metadata.ts";
import type { Clock } from "../ports/clock.ts";
import type { MethodInfo } from "../wire/codec.ts";
import { type CallOptions, endReason } from "./call-options.ts";
import { onAbort } from "./cancel-signal.ts";
import { answersOf, Inbox } from "./inbox.ts";
import { STREAM_RECEIVE_BYTES_HIGH, STREAM_RECEIVE_BYTES_LOW } from "./limits.ts";
import { errorFromStatus } from "./rpc-status.ts";

/** What a stream is opened with, besides its method. */
export interface CallStreamSettings {
  readonly grpc: GrpcClient;
  readonly metadata: GrpcMetadata;
  readonly options: CallOptions;
  readonly clock: Clock;
}

/**
 * An open stream. It ends with the server's status, with `cancel`, or at a bound of its `CallOptions`.
 * One reader at a time.
 */
export class CallStream<Request extends object, Response extends object> {
  /** The connection that it is on. */
  readonly grpc: GrpcClient;
  readonly #method: MethodInfo<Request, Response>;
  readonly #options: CallOptions;
  readonly #clock: Clock;
  readonly #call: GrpcClientCall;
  #unlisten = (): void => undefined;
  /** Answers that were not read yet. */
  readonly #received = new Inbox<Uint8Array>();
  #receivedBytes = 0;
  #isHeld = false;
  #isCancelled = false;
  #status: GrpcStatus | undefined;
  #wakeWriter: (() => void) | undefined;
  #hasRoom = true;

  constructor(method: MethodInfo<Request, Response>, settings: CallStreamSettings) {
    const { grpc, metadata, options, clock } = settings;
    this.grpc = grpc;
    this.#method = method;
    this.#options = options;
    this.#clock = clock;
    const handlers: GrpcStreamHandlers = {
      onMessage: (_, message) => this.#onMessage(message),
      onStatus: (_, status) => this.#onStatus(status),
      onWritable: () => this.#onWritable(),
    };
    const { deadlineMs, signal } = options;
    const limits = deadlineMs === undefined ? {} : { deadlineMs };
    this.#call = grpc.stream(method.path, metadata, handlers, limits);
    if (this.#call.open) this.#unlisten = onAbort(signal, () => this.cancel());
    if (signal?.aborted === true) this.cancel();
  }

  /** How the server or our side ended the call; `undefined` while it goes on. */
  get status(): GrpcStatus | undefined {
    return this.#status;
  }

  /** Sends one message, or drops it when the call has ended: `next` tells why. False: `writable` first. */
  send(request: Partial<Request>): boolean {
    const codec = this.#method.request;
    this.#hasRoom = this.#call.sendMessage(codec.encode(codec.create(request)));
    return this.#hasRoom;
  }

  /** Resolves when there is room for more messages, or the call has ended. */
  writable(): Promise<void> {
    if (this.#hasRoom || this.#status !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#wakeWriter;
      this.#wakeWriter = () => {
        before?.();
        resolve();
      };
    });
  }

  /** Says that no more messages will be sent. */
  closeSend(): void {
    this.#call.halfClose();
  }

  /** Ends the call; answers that were not read are dropped. Does nothing after the end. */
  cancel(): void {
    if (this.#status !== undefined) return;
    this.#isCancelled = true;
    this.#received.clear();
    this.#receivedBytes = 0;
    this.#call.cancel();
  }

  /**
   * The next answer; `undefined` when the server has ended the call with success. Throws `EtcdError` when
   * the call ended otherwise, after the answers that came before.
   */
  async next(): Promise<Response | undefined> {
    const bytes = await this.#received.next();
    if (bytes === undefined) return undefined;
    this.#receivedBytes -= bytes.length;
    if (this.#isHeld && this.#receivedBytes <= STREAM_RECEIVE_BYTES_LOW && this.#call.open) {
      this.#isHeld = false;
      this.#call.setReceiving(true);
    }
    return this.#method.response.decode(bytes);
  }

  /** The answers up to the end, as `next`. Leaving the loop early cancels the call. */
  [Symbol.asyncIterator](): AsyncGenerator<Response, void, undefined> {
    return answersOf(this);
  }

  #onMessage(message: Uint8Array): void {
    this.#received.push(message.slice());
    this.#receivedBytes += message.length;
    if (!this.#isHeld && this.#receivedBytes > STREAM_RECEIVE_BYTES_HIGH) {
      this.#isHeld = true;
      this.#call.setReceiving(false);
    }
  }

  #onStatus(status: GrpcStatus): void {
    this.#status = status;
    this.#unlisten();
    this.#received.end(this.#errorOf(status));
    this.#onWritable();
  }

  #errorOf(status: GrpcStatus): Error | undefined {
    if (status.code === GrpcCode.OK) return undefined;
    const ended = this.#isCancelled ? "cancelled" : endReason(status, this.#options, this.#clock);
    return errorFromStatus(status, ended);
  }

  #onWritable(): void {
    this.#hasRoom = true;
    const wake = this.#wakeWriter;
    this.#wakeWriter = undefined;
    wake?.();
  }
}
