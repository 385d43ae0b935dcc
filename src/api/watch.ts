/**
 * The Watch service: requests on a stream create and cancel watchers, and the hub tells what to send. Which
 * events there are, in which order and when, is the hub's business (`mvcc/watch-hub.ts`).
 *
 * Source: etcd server/etcdserver/api/v3rpc/watch.go.
 */
import { goRpcError } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { Member } from "../member/member.ts";
import type { WatchBatch } from "../mvcc/watch-batch.ts";
import type { WatchHub, WatchRefusal } from "../mvcc/watch-hub.ts";
import type { WatchReceiver, WatchStream } from "../mvcc/watch-stream.ts";
import type { WatchId } from "../mvcc/watcher.ts";
import { assert } from "../stdx/assert.ts";
import { decodeWatchRequest, type WatchCreateRequest, type WatchRequest } from "../wire/gen/rpc.ts";
import type { CallerContext } from "./caller-checks.ts";
import type { Callers, HeaderContext, WatchFacts } from "./context.ts";
import type { RpcMetrics } from "./rpc-metrics.ts";
import { decodeStreamed } from "./status.ts";
import { controlResponse, fragmentedResponses, sendEvents } from "./watch-responses.ts";

/** The id of responses that are about no watcher. Source: etcd client/v3/watch.go (InvalidWatchID). */
const NO_WATCH_ID = -1;

/** No random number is larger; a tenth of sixteen months. */
const JITTER_MS_MAX = 2 ** 32;

/** Source: etcd server/mvcc/watcher.go; the first and the last one as its gRPC layer has them. */
const REASONS: Readonly<Record<WatchRefusal, string>> = {
  compacted: Errors.Compacted.message,
  emptyRange: "mvcc: watcher range is empty",
  duplicateId: "mvcc: duplicate watch ID provided on the WatchStream",
  tooMany: Errors.TooManyRequests.message,
};

/** What watches of no key begin with. */
const FIRST_KEY = new Uint8Array(1);

/** What the service asks of a member and the server around it. */
export interface WatchContext extends HeaderContext {
  readonly member: Pick<Member, "id" | "term"> & CallerContext["member"];
  readonly callers: Callers;
  readonly watches: WatchFacts;
  readonly rpcs: Pick<RpcMetrics, "streamFailed">;
}

export function watchMethods(context: WatchContext): [string, GrpcMethodHandler][] {
  return [
    [
      "/etcdserverpb.Watch/Watch",
      {
        kind: "stream",
        onCall(call) {
          call.context = new WatchCall(context, call);
        },
        onMessage: (call, message) => watchOf(call).receive(message),
        // As in etcd: what was created goes on until the client cancels the call.
        onHalfClose() {},
        onCancel: (call) => watchOf(call).end(),
        onWritable: (call) => watchOf(call).resume(),
      },
    ],
  ];
}

function watchOf(call: GrpcServerCall): WatchCall {
  assert(call.context instanceof WatchCall, "A watch call has its stream");
  return call.context;
}

class WatchCall implements WatchReceiver {
  readonly #context: WatchContext;
  readonly #call: GrpcServerCall;
  readonly #hub: WatchHub;
  readonly #stream: WatchStream;

  constructor(context: WatchContext, call: GrpcServerCall) {
    const { hub, progressIntervalMs, random } = context.watches;
    this.#context = context;
    this.#call = call;
    this.#hub = hub;
    const jitter = random.below(
      Math.max(1, Math.floor(Math.min(JITTER_MS_MAX, progressIntervalMs / 10))),
    );
    this.#stream = hub.open(this, call.peer, progressIntervalMs + jitter);
  }

  receive(message: Uint8Array): void {
    const request = this.#decode(message);
    switch (request?.requestUnion?.case) {
      case "createRequest":
        this.#create(request.requestUnion.value);
        break;
      case "cancelRequest":
        this.#cancel(request.requestUnion.value.watchId);
        break;
      case "progressRequest":
        this.#hub.requestProgress(this.#stream);
        break;
      default:
    }
  }

  resume(): void {
    this.#hub.resume(this.#stream);
    this.#context.watches.wake();
  }

  end(): void {
    this.#hub.close(this.#stream);
  }

  // --- What the hub tells -------------------------------------------------------------------------------

  onEvents(id: WatchId, fragment: boolean, batch: WatchBatch): boolean {
    const { fragmentBytesMax } = this.#context.watches;
    if (fragment && batch.size >= fragmentBytesMax / 2) {
      const pieces = fragmentedResponses(this.#context, id, batch, fragmentBytesMax);
      if (pieces !== undefined) {
        let hasRoom = true;
        for (const piece of pieces) hasRoom = this.#call.sendMessage(piece);
        return hasRoom;
      }
    }
    return sendEvents(this.#context, this.#call, id, batch);
  }

  onCompacted(id: WatchId, compactRevision: number): boolean {
    return this.#send(0, id, { canceled: true, compactRevision });
  }

  onProgress(id: WatchId, revision: number): boolean {
    return this.#send(revision, id, {});
  }

  onStreamProgress(revision: number): boolean {
    return this.#send(revision, NO_WATCH_ID, {});
  }

  // --- Requests -----------------------------------------------------------------------------------------

  #create(request: WatchCreateRequest): void {
    const { revision } = this.#hub;
    const refused = this.#refusal(request);
    if (refused !== undefined) {
      const cancelReason = goRpcError(refused.code, refused.message);
      this.#send(revision, NO_WATCH_ID, { created: true, canceled: true, cancelReason });
      return;
    }
    const created = this.#hub.create(this.#stream, request);
    if (typeof created === "string") {
      const cancelReason = REASONS[created];
      this.#send(revision, NO_WATCH_ID, { created: true, canceled: true, cancelReason });
    } else {
      this.#send(revision, created.id, { created: true });
    }
  }

  /** Why its caller may not watch the range; what runs goes on when that changes, as in etcd. */
  #refusal({ key, rangeEnd, startRevision }: WatchCreateRequest): EtcdError | undefined {
    const { callers, member } = this.#context;
    const { auth } = member.applier;
    // A start before all revisions is told of first.
    if (!auth.enabled || startRevision < 0) return undefined;
    const caller = callers.identityOf(this.#call);
    if (caller instanceof EtcdError) return caller;
    return auth.checkRange(caller, key.length === 0 ? FIRST_KEY : key, rangeEnd);
  }

  #cancel(watchId: bigint): void {
    if (!this.#hub.cancel(this.#stream, watchId)) return;
    this.#send(this.#hub.revision, watchId, { canceled: true });
  }

  #send(revision: number, id: WatchId, parts: Parameters<typeof controlResponse>[3]): boolean {
    return this.#call.sendMessage(controlResponse(this.#context, revision, id, parts));
  }

  /** `undefined` after the call was ended: these bytes are no such message. */
  #decode(message: Uint8Array): WatchRequest | undefined {
    const request = decodeStreamed(this.#call, message, decodeWatchRequest);
    if (request === undefined) {
      this.#context.rpcs.streamFailed("watch");
      this.end();
    }
    return request;
  }
}
