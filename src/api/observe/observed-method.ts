/**
 * A method with observers in front: each call is handed on in a wrapper, which tells them what is received,
 * sent, and how it ends. Without observers there is no wrapper, and a call costs nothing more.
 */
import { GrpcCode } from "../../errors/codes.ts";
import type { GrpcMetadata } from "../../http2/grpc-metadata.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../../http2/grpc-server-types.ts";
import type { ClientPeer } from "../../ports/client-peer.ts";
import type { Clock } from "../../ports/clock.ts";
import { assert } from "../../stdx/assert.ts";
import type { CallObservation, CallObserver } from "./call-observer.ts";

/** `handler` as it is where nobody looks on, and with `observers` in front otherwise. */
export function observed(
  path: string,
  handler: GrpcMethodHandler,
  observers: readonly CallObserver[],
  clock: Clock,
): GrpcMethodHandler {
  if (observers.length === 0) return handler;
  return new ObservedMethod(path, handler, observers, clock);
}

class ObservedMethod implements GrpcMethodHandler {
  readonly kind: GrpcMethodHandler["kind"];
  readonly isEndless: boolean;
  readonly #path: string;
  readonly #handler: GrpcMethodHandler;
  readonly #observers: readonly CallObserver[];
  readonly #clock: Clock;

  constructor(
    path: string,
    handler: GrpcMethodHandler,
    observers: readonly CallObserver[],
    clock: Clock,
  ) {
    this.kind = handler.kind;
    this.isEndless = handler.isEndless === true;
    this.#path = path;
    this.#handler = handler;
    this.#observers = observers;
    this.#clock = clock;
  }

  onCall(call: GrpcServerCall): void {
    this.#handler.onCall?.(this.#begin(call));
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    // Who calls a unary method from within need not tell that the headers have arrived.
    const wrapped = call.context instanceof ObservedCall ? call.context : this.#begin(call);
    wrapped.received(message);
    this.#handler.onMessage(wrapped, message);
  }

  onHalfClose(call: GrpcServerCall): void {
    this.#handler.onHalfClose(wrapperOf(call));
  }

  onCancel(call: GrpcServerCall): void {
    const isLate = call.deadlineMs <= this.#clock.nowMs();
    wrapperOf(call).givenUp(isLate);
    this.#handler.onCancel(wrapperOf(call));
  }

  onWritable(call: GrpcServerCall): void {
    this.#handler.onWritable?.(wrapperOf(call));
  }

  #begin(call: GrpcServerCall): ObservedCall {
    const observations = this.#observers
      .map((observer) => observer.begin(this.#path, call))
      .filter((observation) => observation !== undefined);
    const wrapped = new ObservedCall(call, observations);
    call.context = wrapped;
    return wrapped;
  }
}

function wrapperOf(call: GrpcServerCall): ObservedCall {
  assert(call.context instanceof ObservedCall, "An observed call has its wrapper");
  return call.context;
}

class ObservedCall implements GrpcServerCall {
  context: unknown = undefined;
  readonly countWith: GrpcServerCall["countWith"];
  readonly #call: GrpcServerCall;
  readonly #observations: readonly CallObservation[];
  #isOver = false;

  constructor(call: GrpcServerCall, observations: readonly CallObservation[]) {
    this.#call = call;
    this.#observations = observations;
    this.countWith =
      call.countWith === undefined
        ? undefined
        : (counts, startedMs) => call.countWith?.(counts, startedMs);
  }

  received(message: Uint8Array): void {
    for (const observation of this.#observations) observation.received(message);
  }

  givenUp(isLate: boolean): void {
    if (isLate) this.#ended(GrpcCode.DeadlineExceeded, "context deadline exceeded");
    else this.#ended(GrpcCode.Canceled, "context canceled");
  }

  get path(): string {
    return this.#call.path;
  }

  get deadlineMs(): number {
    return this.#call.deadlineMs;
  }

  get open(): boolean {
    return this.#call.open;
  }

  get peer(): ClientPeer {
    return this.#call.peer;
  }

  get unsentBytes(): number {
    return this.#call.unsentBytes;
  }

  get(name: string): string | undefined {
    return this.#call.get(name);
  }

  getAll(name: string): string[] {
    return this.#call.getAll(name);
  }

  getBytes(name: string): Uint8Array | undefined {
    return this.#call.getBytes(name);
  }

  metadata(): GrpcMetadata {
    return this.#call.metadata();
  }

  sendHeaders(metadata?: GrpcMetadata): void {
    this.#call.sendHeaders(metadata);
  }

  sendMessage(message: Uint8Array): boolean {
    this.#sent(message);
    return this.#call.sendMessage(message);
  }

  sendParts(head: Uint8Array, headLength: number, body: Uint8Array): boolean {
    return this.#call.sendParts(head, headLength, body);
  }

  sendStatus(code: number, message: string, trailers?: GrpcMetadata): void {
    if (this.#call.open) this.#ended(code, message);
    this.#call.sendStatus(code, message, trailers);
  }

  sendUnary(message: Uint8Array): void {
    if (this.#call.open) {
      this.#sent(message);
      this.#ended(GrpcCode.OK, "");
    }
    this.#call.sendUnary(message);
  }

  setReceiving(receiving: boolean): void {
    this.#call.setReceiving(receiving);
  }

  #sent(message: Uint8Array): void {
    if (!this.#call.open) return;
    for (const observation of this.#observations) observation.sent(message);
  }

  #ended(code: number, message: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const observation of this.#observations) observation.ended(code, message);
  }
}
