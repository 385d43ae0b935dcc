/**
 * The keyspace as the concurrency services use it: by calls to the services of this process, with the
 * metadata, and so with the rights, of whoever called. When that one goes away, everything that was asked for
 * it ends.
 *
 * Differs from etcd: what is watched, and what is tidied up behind a caller who went away, is so with the rights
 * of that caller. There all watches share a stream with the rights of whoever came first, and tidying up has
 * none, so that with authentication the keys of those who went away stay until their leases end.
 *
 * Source: etcd server/proxy/grpcproxy/adapter, client/v3 (the client that etcd runs inside its server).
 */
import type { ConcurrencyStore } from "../concurrency/store.ts";
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { MethodInfo } from "../wire/codec.ts";
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  LeaseGrantRequest,
  LeaseGrantResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
  WatchCreateRequest,
  WatchResponse,
} from "../wire/gen/rpc.ts";
import { createWatchCreateRequest } from "../wire/gen/rpc.ts";
import { KVService, LeaseService, WatchService } from "../wire/gen/services.ts";
import type { CallOrigin, InnerCall, InnerCalls } from "./inner-call.ts";

/** The caller went away: told to nobody. */
const GONE = new EtcdError(GrpcCode.Canceled, "context canceled");

/** What is asked for one call. Errors have the code that the answer to that call gets. */
export class CallerStore implements ConcurrencyStore {
  /** Goes on when the caller has gone away. */
  readonly cleanup: Pick<ConcurrencyStore, "txn" | "deleteRange">;
  readonly #calls: InnerCalls;
  readonly #origin: CallOrigin;
  /** Calls under way, and how whoever waits for them is told that they are not any more. */
  readonly #open = new Map<InnerCall, (reason: EtcdError) => void>();
  #isGone = false;

  private constructor(calls: InnerCalls, origin: CallOrigin, cleanup?: CallerStore) {
    this.#calls = calls;
    this.#origin = origin;
    this.cleanup = cleanup ?? this;
  }

  /** What `call`'s caller may ask for. */
  static of(calls: InnerCalls, call: GrpcServerCall): CallerStore {
    // It was let through: what it leads to does not depend on whether there is a leader, as in etcd.
    const metadata = call.metadata().filter(({ name }) => name !== "hasleader");
    const origin = { peer: call.peer, metadata, deadlineMs: Number.POSITIVE_INFINITY };
    return new CallerStore(calls, origin, new CallerStore(calls, origin));
  }

  /** The caller went away. */
  abort(): void {
    this.#isGone = true;
    const open = [...this.#open];
    this.#open.clear();
    for (const [call, fail] of open) {
      call.cancel();
      fail(GONE);
    }
  }

  range(request: Partial<RangeRequest>): Promise<RangeResponse> {
    return this.#unary(KVService.range, request);
  }

  txn(request: Partial<TxnRequest>): Promise<TxnResponse> {
    return this.#unary(KVService.txn, request);
  }

  deleteRange(request: Partial<DeleteRangeRequest>): Promise<DeleteRangeResponse> {
    return this.#unary(KVService.deleteRange, request);
  }

  leaseGrant(request: Partial<LeaseGrantRequest>): Promise<LeaseGrantResponse> {
    return this.#unary(LeaseService.leaseGrant, request);
  }

  async *watch(
    request: Partial<WatchCreateRequest>,
  ): AsyncGenerator<WatchResponse, void, undefined> {
    const reader = new StreamReader();
    const { watch } = WatchService;
    const call = this.#calls.start(watch.path, this.#checked(), {
      onMessage: (bytes) => reader.push(watch.response.decode(bytes.slice())),
      onEnd: (code, text) => reader.fail(watchEnd(code, text)),
    });
    this.#open.set(call, (reason) => reader.fail(reason));
    const value = createWatchCreateRequest(request);
    const create = watch.request.create({ requestUnion: { case: "createRequest", value } });
    call.send(watch.request.encode(create));
    try {
      for (;;) {
        const response = await reader.next();
        if (response.canceled) throw cancelReason(response);
        if (response.events.length > 0) yield response;
      }
    } finally {
      this.#open.delete(call);
      call.cancel();
    }
  }

  #checked(): CallOrigin {
    if (this.#isGone) throw GONE;
    return this.#origin;
  }

  async #unary<Request extends object, Response extends object>(
    method: MethodInfo<Request, Response>,
    request: Partial<Request>,
  ): Promise<Response> {
    const origin = this.#checked();
    return new Promise((resolve, reject) => {
      let answer: Response | undefined;
      const call = this.#calls.start(method.path, origin, {
        onMessage: (bytes) => {
          answer = method.response.decode(bytes.slice());
        },
        onEnd: (_code, text) => {
          this.#open.delete(call);
          if (answer !== undefined) resolve(answer);
          else reject(new EtcdError(GrpcCode.Unknown, text));
        },
      });
      this.#open.set(call, reject);
      call.send(method.request.encode(method.request.create(request)));
      call.closeSend();
    });
  }
}

/** Why a stream of watches ended. */
function watchEnd(code: number, text: string): EtcdError {
  return new EtcdError(code === 0 ? GrpcCode.Unavailable : GrpcCode.Unknown, text);
}

/** Source: etcd client/v3/watch.go (WatchResponse.Err). */
function cancelReason({ compactRevision, cancelReason }: WatchResponse): EtcdError {
  if (compactRevision !== 0) return Errors.Compacted;
  if (cancelReason === "") return new EtcdError(GrpcCode.Unknown, Errors.FutureRevision.message);
  return new EtcdError(GrpcCode.FailedPrecondition, cancelReason);
}

/** What a stream has said and nobody has read yet. One reader. */
class StreamReader {
  #items: WatchResponse[] = [];
  #error: EtcdError | undefined;
  #wake: (() => void) | undefined;

  push(item: WatchResponse): void {
    this.#items.push(item);
    this.#wake?.();
  }

  fail(error: EtcdError): void {
    this.#error ??= error;
    this.#wake?.();
  }

  async next(): Promise<WatchResponse> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) return item;
      if (this.#error !== undefined) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
