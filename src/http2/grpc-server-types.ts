/**
 * The server's side of a call as handlers see it.
 *
 * Life of a call: onCall -> onMessage* -> onHalfClose -> (answers) -> sendStatus or sendUnary. Or at any
 * time onCancel, after which answers are dropped silently: a handler need not look before it answers.
 *
 *   unary    onMessage is called once, with the whole request, when the client has sent all of it;
 *            onHalfClose is not called. Zero or two requests never reach the handler.
 *   stream   onMessage per message, then onHalfClose once.
 */
import type { ClientPeer } from "../ports/client-peer.ts";
import type { Counter } from "../stdx/metrics/counter.ts";
import type { GrpcMetadata } from "./grpc-metadata.ts";

/** Told what happens to calls of one method. */
export interface CallCounts {
  /** Messages that clients were sent. */
  readonly sent: Counter;
  /** A call is over, with this code. `startedMs`: as it was given to `countWith`. */
  ended(code: number, startedMs: number): void;
}

/** One RPC method. Shared by all calls and connections: per-call state lives in `call.context`. */
export interface GrpcMethodHandler {
  readonly kind: "unary" | "stream";
  /** Of unary methods: whether an answer may not come for ever, so that a server that stops ends the call. */
  readonly isEndless?: boolean;
  /** Headers arrived; metadata is there, no message yet. */
  onCall?(call: GrpcServerCall): void;
  /** `message` is a view, valid until return: copy what is kept. */
  onMessage(call: GrpcServerCall, message: Uint8Array): void;
  /** The client will send no more ("stream" only). */
  onHalfClose(call: GrpcServerCall): void;
  /** The call is over without the handler's doing: reset, deadline, lost connection. Not after a status. */
  onCancel(call: GrpcServerCall): void;
  /** `sendMessage` returned false, and now there is room again. */
  onWritable?(call: GrpcServerCall): void;
}

/** One call. May be kept and answered later; after its end every method does nothing. */
export interface GrpcServerCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Absolute, in the shell's milliseconds; `Infinity` when the client set none. */
  readonly deadlineMs: number;
  /** False after the status, a cancellation or the loss of the connection. */
  readonly open: boolean;
  /** Free for the handler; `undefined` at first. */
  context: unknown;
  /** Who calls; the same object for all calls of a connection. */
  readonly peer: ClientPeer;

  /** Bytes that wait to be sent to whoever called, of all its calls. O(1). */
  readonly unsentBytes: number;
  /**
   * Counts what comes of this call from now on; `startedMs` is handed back at its end. Not there where calls are
   * not counted, as those that the member makes to itself.
   */
  readonly countWith?: ((counts: CallCounts, startedMs: number) => void) | undefined;

  /** First value of `name` (lower case); `-bin` names: see `getBytes`. O(headers). */
  get(name: string): string | undefined;
  /** All values of `name`, in wire order. */
  getAll(name: string): string[];
  /** First value of a `-bin` name, decoded. */
  getBytes(name: string): Uint8Array | undefined;
  /** All application metadata, with `:authority`, `user-agent` and `content-type` as grpc-go shows them. */
  metadata(): GrpcMetadata;

  /** Sends the response headers now, with `metadata`. Only before the first message; otherwise ignored. */
  sendHeaders(metadata?: GrpcMetadata): void;
  /**
   * Sends one message. `message` is kept until it is written and must not change afterwards; it may be
   * shared between calls. Returns false when more than the stream's high-water mark is waiting: stop
   * until `onWritable`. The message is sent all the same.
   */
  sendMessage(message: Uint8Array): boolean;
  /**
   * `sendMessage` of one message in two parts: `head[0, headLength)` is copied, `body` is kept. For messages
   * of many calls that differ only where they begin.
   */
  sendParts(head: Uint8Array, headLength: number, body: Uint8Array): boolean;
  /** Ends the call. Code 0 is success; `message` is text for the client; `trailers` go with it. */
  sendStatus(code: number, message: string, trailers?: GrpcMetadata): void;
  /**
   * The answer of a unary call: headers, `message`, status OK, in one go. The hot path. `message` is kept
   * as in `sendMessage`, but only where it cannot be written at once.
   */
  sendUnary(message: Uint8Array): void;

  /** Stops, or lets go on, granting the client window for this call; at most one window more arrives. */
  setReceiving(receiving: boolean): void;
}
