/**
 * Calls of the concurrency services: they wait for as long as it takes, and what they wait for ends with the
 * caller.
 */
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { assert } from "../stdx/assert.ts";
import type { Codec } from "../wire/codec.ts";
import { CallerStore } from "./caller-store.ts";
import type { InnerCalls } from "./inner-call.ts";
import { SESSION_TTL_SECONDS } from "./limits.ts";
import { decodeRequest } from "./status.ts";

/** A unary method that `answer`s through the store of its caller. */
export function waitingMethod<Request extends object, Response extends object>(
  calls: InnerCalls,
  { request, response }: { readonly request: Codec<Request>; readonly response: Codec<Response> },
  answer: (store: CallerStore, request: Request) => Promise<Partial<Response>>,
): GrpcMethodHandler {
  return {
    kind: "unary",
    isEndless: true,
    onMessage(call, bytes) {
      const asked = decodeRequest(call, bytes.slice(), (own) => request.decode(own));
      if (asked === undefined) return;
      const store = openStore(calls, call);
      answer(store, asked).then(
        (partial) => call.sendUnary(response.encode(response.create(partial))),
        (error: unknown) => endWith(call, error),
      );
    },
    onHalfClose() {},
    onCancel: abortStore,
  };
}

/** A method with one request and many answers. */
export function observingMethod<Request extends object, Response extends object>(
  calls: InnerCalls,
  { request, response }: { readonly request: Codec<Request>; readonly response: Codec<Response> },
  answers: (store: CallerStore, request: Request) => AsyncIterable<Partial<Response>>,
): GrpcMethodHandler {
  return {
    kind: "stream",
    onMessage(call, bytes) {
      if (call.context !== undefined) return;
      const asked = decodeRequest(call, bytes.slice(), (own) => request.decode(own));
      if (asked === undefined) return;
      const stream = new ObservedStream(call, openStore(calls, call));
      call.context = stream;
      void stream.run(response, (store) => answers(store, asked));
    },
    onHalfClose() {},
    onCancel: ({ context }) => {
      if (context instanceof ObservedStream) context.abort();
    },
    onWritable: ({ context }) => {
      if (context instanceof ObservedStream) context.goOn();
    },
  };
}

/** The lease of a request; where it names none, one that lives for a minute and is not kept alive. */
export async function sessionLease(store: CallerStore, lease: bigint): Promise<bigint> {
  if (lease !== 0n) return lease;
  return (await store.leaseGrant({ ttl: SESSION_TTL_SECONDS })).id;
}

function openStore(calls: InnerCalls, call: GrpcServerCall): CallerStore {
  const store = CallerStore.of(calls, call);
  call.context = store;
  return store;
}

function abortStore({ context }: GrpcServerCall): void {
  if (context instanceof CallerStore) context.abort();
}

/** Ends a call with what went wrong; anything but an expected answer is a mistake of ours. */
function endWith(call: GrpcServerCall, error: unknown): void {
  assert(error instanceof EtcdError, () => `Expected an answer, found ${String(error)}`);
  call.sendStatus(error.code, error.message);
}

/** One stream of answers, sent as fast as the client takes them. */
class ObservedStream {
  readonly #call: GrpcServerCall;
  readonly #store: CallerStore;
  #wake: (() => void) | undefined;

  constructor(call: GrpcServerCall, store: CallerStore) {
    this.#call = call;
    this.#store = store;
  }

  abort(): void {
    this.#store.abort();
    this.goOn();
  }

  goOn(): void {
    this.#wake?.();
  }

  async run<Response extends object>(
    codec: Codec<Response>,
    answers: (store: CallerStore) => AsyncIterable<Partial<Response>>,
  ): Promise<void> {
    try {
      for await (const partial of answers(this.#store)) {
        if (this.#call.sendMessage(codec.encode(codec.create(partial)))) continue;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
    }
    this.#call.sendStatus(GrpcCode.Unknown, Errors.ElectionObserveClosed.message);
  }
}
