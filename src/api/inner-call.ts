/**
 * Calls of services from inside the process: the same handlers, behind the same guards, that answer calls from
 * outside, without a connection between. The concurrency services ask the keyspace this way on behalf of
 * whoever called them, and the JSON gateway translates requests into such calls.
 *
 * A handler runs while `start` or `send` runs. What it answers is told in a later turn of the event loop, so
 * that no handler is called from inside another one.
 */
import { GrpcCode } from "../errors/codes.ts";
import type { GrpcMetadata, MetadataEntry } from "../http2/grpc-metadata.ts";
import { EMPTY_METADATA } from "../http2/grpc-metadata.ts";
import type { CallCounts, GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { STREAM_QUEUE_BYTES_HIGH, STREAM_QUEUE_BYTES_LOW } from "../http2/limits.ts";
import type { ClientPeer } from "../ports/client-peer.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import { concatBytes } from "../stdx/bytes.ts";
import { CALL_TIMER_MS_MAX } from "./limits.ts";

/** On whose behalf a call is made. */
export interface CallOrigin {
  readonly peer: ClientPeer;
  /** Names in lower case. */
  readonly metadata: GrpcMetadata;
  /** Absolute, in milliseconds of the clock; `Infinity` for none. */
  readonly deadlineMs: number;
}

/** What whoever started a call is told, in later turns. Nothing after `onEnd`, nor after `cancel`. */
export interface InnerCallEvents {
  /** The service has accepted the call. At most once, before the first message. */
  onHeaders?(metadata: GrpcMetadata): void;
  /** `message` is valid until return: copy what is kept. */
  onMessage(message: Uint8Array): void;
  /** The call has ended. */
  onEnd(code: number, text: string, trailers: GrpcMetadata): void;
  /** `wanted` was false, and now messages may be sent again. */
  onWanted?(): void;
}

const DEADLINE_TEXT = "context deadline exceeded";

/** Starts calls; one for a server. */
export class InnerCalls {
  readonly clock: Clock;
  /** Bytes of a message that a service takes. */
  readonly messageBytesMax: number;
  readonly #lookup: (path: string) => GrpcMethodHandler | undefined;
  readonly #poke: () => void;
  #telling: InnerCall[] = [];
  #isScheduled = false;

  /** `poke` is called when the member may have been given something. */
  constructor(
    lookup: (path: string) => GrpcMethodHandler | undefined,
    options: {
      readonly clock: Clock;
      readonly messageBytesMax: number;
      readonly poke: () => void;
    },
  ) {
    this.#lookup = lookup;
    this.clock = options.clock;
    this.messageBytesMax = options.messageBytesMax;
    this.#poke = options.poke;
  }

  /** Starts a call; its messages are sent through what is returned. */
  start(path: string, origin: CallOrigin, events: InnerCallEvents): InnerCall {
    const call = new InnerCall(this, path, origin, events);
    call.begin(this.#lookup(path));
    this.poke();
    return call;
  }

  poke(): void {
    this.#poke();
  }

  /** Called by a call that has something to tell for the first time since it was last asked. */
  tellSoon(call: InnerCall): void {
    this.#telling.push(call);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.clock.defer(() => {
      this.#isScheduled = false;
      const telling = this.#telling;
      this.#telling = [];
      for (const each of telling) each.tell();
    });
  }
}

/** One call: for its handler the server's side, for whoever started it the client's. */
export class InnerCall implements GrpcServerCall {
  readonly path: string;
  context: unknown = undefined;
  open = true;
  readonly #calls: InnerCalls;
  readonly #origin: CallOrigin;
  readonly #events: InnerCallEvents;
  #handler: GrpcMethodHandler | undefined;
  #deadline: Timer | undefined;
  /** Unary: the request, until the end of the messages. */
  #request: Uint8Array | undefined;
  #isHalfClosed = false;
  #wanted = true;
  #hasHeaders = false;
  #headers: GrpcMetadata | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #isFull = false;
  #end: { code: number; text: string; trailers: GrpcMetadata } | undefined;
  #isPaused = false;
  #isTold = true;
  #wasHeld = false;
  #isOver = false;
  #counts: CallCounts | undefined;
  #startedMs = 0;

  constructor(calls: InnerCalls, path: string, origin: CallOrigin, events: InnerCallEvents) {
    this.#calls = calls;
    this.path = path;
    this.#origin = origin;
    this.#events = events;
  }

  get deadlineMs(): number {
    return this.#origin.deadlineMs;
  }

  get peer(): ClientPeer {
    return this.#origin.peer;
  }

  /** Of this call alone; whoever reads its answers has a connection of its own. */
  get unsentBytes(): number {
    return this.#queuedBytes;
  }

  // --- For whoever started it ----------------------------------------------------------------------------

  /** Whether the service wants more messages; those that are sent anyway wait in it. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /** To be called once, by who made it. */
  begin(handler: GrpcMethodHandler | undefined): void {
    if (handler === undefined) {
      this.sendStatus(GrpcCode.Unimplemented, unknownMethod(this.path));
      return;
    }
    this.#handler = handler;
    const { deadlineMs } = this.#origin;
    if (deadlineMs < Number.POSITIVE_INFINITY) {
      const { clock } = this.#calls;
      if (deadlineMs <= clock.nowMs()) {
        this.sendStatus(GrpcCode.DeadlineExceeded, DEADLINE_TEXT);
        return;
      }
      const leftMs = deadlineMs - clock.nowMs();
      if (leftMs < CALL_TIMER_MS_MAX) {
        this.#deadline = clock.after(leftMs, () => this.#onDeadline());
      }
    }
    handler.onCall?.(this);
  }

  /** `message` is kept until the handler has returned from it; of a unary call there is one. */
  send(message: Uint8Array): void {
    if (!this.open || this.#isHalfClosed || this.#handler === undefined) return;
    const { messageBytesMax } = this.#calls;
    if (message.length > messageBytesMax) {
      const text = `grpc: received message larger than max (${message.length} vs. ${messageBytesMax})`;
      this.#refuse(GrpcCode.ResourceExhausted, text);
    } else if (this.#handler.kind === "unary") {
      this.#request = message;
    } else {
      this.#handler.onMessage(this, message);
      this.#calls.poke();
    }
  }

  /** No more messages will be sent. */
  closeSend(): void {
    if (!this.open || this.#isHalfClosed || this.#handler === undefined) return;
    this.#isHalfClosed = true;
    const request = this.#request;
    this.#request = undefined;
    if (this.#handler.kind === "stream") this.#handler.onHalfClose(this);
    else if (request !== undefined) this.#handler.onMessage(this, request);
    this.#calls.poke();
  }

  /** Whoever started it went away. */
  cancel(): void {
    this.#isOver = true;
    this.#queue = [];
    this.#cancelHandler();
  }

  /** Nothing is told until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#tellSoon();
  }

  /** Tells what has happened. To be called by `InnerCalls` alone. */
  tell(): void {
    this.#isTold = true;
    if (this.#headers !== undefined && !this.#isOver && !this.#isPaused) {
      const headers = this.#headers;
      this.#headers = undefined;
      this.#events.onHeaders?.(headers);
    }
    this.#tellMessages();
    if (this.#wasHeld && this.#wanted && !this.#isOver) {
      this.#wasHeld = false;
      this.#events.onWanted?.();
    }
    if (this.#end === undefined || this.#queue.length > 0 || this.#isPaused || this.#isOver) return;
    const { code, text, trailers } = this.#end;
    this.#isOver = true;
    this.#events.onEnd(code, text, trailers);
  }

  // --- For its handler -----------------------------------------------------------------------------------

  countWith(counts: CallCounts, startedMs: number): void {
    this.#counts = counts;
    this.#startedMs = startedMs;
  }

  get(name: string): string | undefined {
    const value = this.#entry(name)?.value;
    return typeof value === "string" ? value : undefined;
  }

  getAll(name: string): string[] {
    return this.#origin.metadata.flatMap((entry) =>
      entry.name === name && typeof entry.value === "string" ? [entry.value] : [],
    );
  }

  getBytes(name: string): Uint8Array | undefined {
    const value = this.#entry(name)?.value;
    return value instanceof Uint8Array ? value : undefined;
  }

  metadata(): GrpcMetadata {
    return this.#origin.metadata;
  }

  sendHeaders(metadata: GrpcMetadata = EMPTY_METADATA): void {
    if (!this.open || this.#hasHeaders) return;
    this.#hasHeaders = true;
    this.#headers = metadata;
    this.#tellSoon();
  }

  sendMessage(message: Uint8Array): boolean {
    if (!this.open) return true;
    this.sendHeaders();
    this.#counts?.sent.inc();
    this.#queue.push(message);
    this.#queuedBytes += message.length;
    this.#isFull ||= this.#queuedBytes > STREAM_QUEUE_BYTES_HIGH;
    this.#tellSoon();
    return !this.#isFull;
  }

  sendParts(head: Uint8Array, headLength: number, body: Uint8Array): boolean {
    return !this.open || this.sendMessage(concatBytes([head.subarray(0, headLength), body]));
  }

  sendStatus(code: number, message: string, trailers: GrpcMetadata = EMPTY_METADATA): void {
    if (!this.open) return;
    this.#close();
    this.#counts?.ended(code, this.#startedMs);
    this.#end = { code, text: message, trailers };
    this.#tellSoon();
  }

  sendUnary(message: Uint8Array): void {
    this.sendMessage(message);
    this.sendStatus(GrpcCode.OK, "");
  }

  setReceiving(receiving: boolean): void {
    this.#wanted = receiving;
    if (!receiving) this.#wasHeld = true;
    else if (this.#wasHeld) this.#tellSoon();
  }

  // --- Inside --------------------------------------------------------------------------------------------

  #entry(name: string): MetadataEntry | undefined {
    return this.#origin.metadata.find((entry) => entry.name === name);
  }

  #tellSoon(): void {
    if (!this.#isTold || this.#isOver) return;
    this.#isTold = false;
    this.#calls.tellSoon(this);
  }

  #tellMessages(): void {
    let told = 0;
    while (told < this.#queue.length && !this.#isPaused && !this.#isOver) {
      const message = this.#queue[told++];
      this.#queuedBytes -= message.length;
      this.#events.onMessage(message);
    }
    this.#queue.splice(0, told);
    if (!this.#isFull || this.#queuedBytes > STREAM_QUEUE_BYTES_LOW) return;
    this.#isFull = false;
    if (!this.open) return;
    this.#handler?.onWritable?.(this);
    this.#calls.poke();
  }

  #onDeadline(): void {
    this.#refuse(GrpcCode.DeadlineExceeded, DEADLINE_TEXT);
  }

  /** Ends the call without its handler's doing. */
  #refuse(code: number, text: string): void {
    if (!this.open) return;
    this.sendStatus(code, text);
    this.#handler?.onCancel(this);
  }

  #cancelHandler(): void {
    if (!this.open) return;
    this.#close();
    this.#counts?.ended(GrpcCode.Canceled, this.#startedMs);
    this.#handler?.onCancel(this);
  }

  #close(): void {
    this.open = false;
    this.#request = undefined;
    this.#deadline?.cancel();
  }
}

function unknownMethod(path: string): string {
  const [, service = "", method = ""] = path.split("/");
  return `unknown method ${method} for service ${service}`;
}
