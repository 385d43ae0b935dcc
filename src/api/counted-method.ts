/**
 * Counts the calls that reach a method, and hands everything on as it comes.
 *
 * Differs from etcd: a request that cannot be read counts, too, as Internal; there it does not reach what counts.
 */
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { MethodCounts, RpcMetrics, RpcType } from "./rpc-metrics.ts";

/** Streams of which the server alone sends; the others go both ways. */
const SERVER_STREAMS: ReadonlySet<string> = new Set([
  "/etcdserverpb.Maintenance/Snapshot",
  "/v3electionpb.Election/Observe",
  "/grpc.health.v1.Health/Watch",
]);

/** Services that etcd registers after the others: their methods are shown once they were called. */
const SHOWN_WHEN_CALLED = /^\/v3(?:lock|election)pb\./;

/** `handler` of `path`, whose calls `metrics` count. */
export function countedMethod(
  metrics: RpcMetrics,
  path: string,
  handler: GrpcMethodHandler,
): GrpcMethodHandler {
  const kind = handler.kind === "unary" ? "unary" : "bidi_stream";
  const type: RpcType = SERVER_STREAMS.has(path) ? "server_stream" : kind;
  const known = SHOWN_WHEN_CALLED.test(path) ? undefined : metrics.method(path, type);
  let called: MethodCounts | undefined = known;
  const counts = (): MethodCounts => (called ??= metrics.method(path, type));
  return handler.kind === "unary"
    ? new CountedUnary(handler, counts)
    : new CountedStream(handler, counts);
}

abstract class Counted {
  protected readonly handler: GrpcMethodHandler;
  protected readonly counts: () => MethodCounts;

  constructor(handler: GrpcMethodHandler, counts: () => MethodCounts) {
    this.handler = handler;
    this.counts = counts;
  }

  get isEndless(): boolean {
    return this.handler.isEndless === true;
  }

  onHalfClose(call: GrpcServerCall): void {
    this.handler.onHalfClose(call);
  }

  onCancel(call: GrpcServerCall): void {
    this.handler.onCancel(call);
  }

  onWritable(call: GrpcServerCall): void {
    this.handler.onWritable?.(call);
  }
}

class CountedUnary extends Counted implements GrpcMethodHandler {
  readonly kind = "unary";

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    const counts = this.counts();
    counts.begin(call);
    counts.received(call);
    this.handler.onMessage(call, message);
  }
}

class CountedStream extends Counted implements GrpcMethodHandler {
  readonly kind = "stream";

  onCall(call: GrpcServerCall): void {
    this.counts().begin(call);
    this.handler.onCall?.(call);
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    this.counts().received(call);
    this.handler.onMessage(call, message);
  }
}
