/**
 * The KV service: requests go on to the servers, below the namespace; ranges are kept for those who take what may
 * be old.
 *
 * Source: etcd server/proxy/grpcproxy/kv.go, client/v3/ordering/kv.go.
 */
import type { Answer } from "../../client/channel.ts";
import { GrpcCode } from "../../errors/codes.ts";
import { Errors } from "../../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../../http2/grpc-server-types.ts";
import {
  decodeCompactionRequest,
  decodeDeleteRangeRequest,
  decodeDeleteRangeResponse,
  decodePutRequest,
  decodePutResponse,
  decodeRangeRequest,
  decodeRangeResponse,
  decodeTxnRequest,
  decodeTxnResponse,
  encodeCompactionRequest,
  encodeDeleteRangeRequest,
  encodeDeleteRangeResponse,
  encodePutRequest,
  encodePutResponse,
  encodeRangeRequest,
  encodeRangeResponse,
  encodeTxnRequest,
  encodeTxnResponse,
  type RangeRequest,
  type TxnRequest,
} from "../../wire/gen/rpc.ts";
import { unary } from "../../api/unary.ts";
import { EMPTY_BYTES } from "../../stdx/bytes.ts";
import { tokenOf } from "./callers.ts";
import type { ProxyMetrics } from "./metrics.ts";
import type { Namespace } from "./namespace.ts";
import type { RangeCache } from "./range-cache.ts";
import type { RevisionOrder } from "./revision-order.ts";
import { changed, finish, type Upstream } from "./upstream.ts";

export interface KvParts {
  readonly upstream: Upstream;
  readonly namespace: Namespace;
  readonly cache: RangeCache;
  readonly metrics: ProxyMetrics;
  /** Present where answers must not go back in time. */
  readonly order: RevisionOrder | undefined;
}

export function kvMethods(parts: KvParts): [string, GrpcMethodHandler][] {
  const kv = new KvProxy(parts);
  const onCancel = (call: GrpcServerCall): void => parts.upstream.cancel(call);
  const methods: [string, GrpcMethodHandler][] = [
    ["Range", unary(decodeRangeRequest, (call, request) => kv.range(call, own(request)))],
    ["Put", unary(decodePutRequest, (call, request) => kv.put(call, own(request)))],
    [
      "DeleteRange",
      unary(decodeDeleteRangeRequest, (call, request) => kv.deleteRange(call, own(request))),
    ],
    [
      "Txn",
      unary(decodeTxnRequest, (call, _, bytes) => kv.txn(call, decodeTxnRequest(bytes.slice()))),
    ],
    [
      "Compact",
      unary(decodeCompactionRequest, (call, request) =>
        kv.compact(call, request.revision, encodeCompactionRequest(request)),
      ),
    ],
  ];
  return methods.map(([name, handler]) => [
    `/etcdserverpb.KV/${name}`,
    { ...handler, onCancel } satisfies GrpcMethodHandler,
  ]);
}

/** What was decoded is a view of the request's bytes, which are valid until return only. */
function own<Request extends object>(request: Request): Request {
  const entries = Object.entries(request).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Uint8Array ? value.slice() : value,
  ]);
  return Object.fromEntries(entries) as Request;
}

class KvProxy {
  readonly #parts: KvParts;

  constructor(parts: KvParts) {
    this.#parts = parts;
  }

  range(call: GrpcServerCall, request: RangeRequest): void {
    if (this.#isWithoutKey(call, request.key, request.rangeEnd)) return;
    const { cache, metrics, namespace } = this.#parts;
    const mayKeep = tokenOf(call) === "";
    namespace.enter(request);
    if (request.serializable && mayKeep) {
      const found = cache.find(request);
      if (found !== undefined) {
        metrics.cacheHits.inc();
        if (found === "compacted") call.sendStatus(Errors.Compacted.code, Errors.Compacted.message);
        else call.sendUnary(found);
        return;
      }
      metrics.cacheMisses.inc();
    }
    const pending = mayKeep ? cache.begin(request) : undefined;
    const { upstream, order } = this.#parts;
    const asked = encodeRangeRequest(request);
    const ask = (): Promise<Answer> => upstream.forward(call, asked, "repeatable");
    const answered = order === undefined ? ask() : order.inOrder(ask);
    void answered.then((given) => {
      const answer = this.#left(given, (bytes) => {
        const response = decodeRangeResponse(bytes);
        namespace.leave(response.kvs);
        return encodeRangeResponse(response);
      });
      if (pending !== undefined) cache.ended(pending, answer.body);
      this.#answer(call, answer);
    });
  }

  put(call: GrpcServerCall, request: Parameters<typeof encodePutRequest>[0]): void {
    if (this.#isWithoutKey(call, request.key, EMPTY_BYTES)) return;
    const { namespace } = this.#parts;
    request.key = namespace.inside(request.key);
    const changed = [{ key: request.key, rangeEnd: EMPTY_BYTES }];
    this.#change(call, encodePutRequest(request), changed, (bytes) => {
      const response = decodePutResponse(bytes);
      namespace.leave([response.prevKv]);
      return encodePutResponse(response);
    });
  }

  deleteRange(call: GrpcServerCall, request: Parameters<typeof encodeDeleteRangeRequest>[0]): void {
    if (this.#isWithoutKey(call, request.key, request.rangeEnd)) return;
    const { namespace } = this.#parts;
    namespace.enter(request);
    this.#change(call, encodeDeleteRangeRequest(request), [request], (bytes) => {
      const response = decodeDeleteRangeResponse(bytes);
      namespace.leave(response.prevKvs);
      return encodeDeleteRangeResponse(response);
    });
  }

  txn(call: GrpcServerCall, request: TxnRequest): void {
    const { namespace } = this.#parts;
    namespace.enterTxn(request);
    this.#change(call, encodeTxnRequest(request), rangesOf(request), (bytes) => {
      const response = decodeTxnResponse(bytes);
      namespace.leaveTxn(response);
      return encodeTxnResponse(response);
    });
  }

  compact(call: GrpcServerCall, revision: number, body: Uint8Array): void {
    void this.#parts.upstream.forward(call, body, "once").then((answer) => {
      if (answer.body !== undefined) this.#parts.cache.compact(revision);
      this.#answer(call, answer);
    });
  }

  /** A call that changes keys of `ranges`: what is kept of them is dropped before and after. */
  #change(
    call: GrpcServerCall,
    body: Uint8Array,
    ranges: readonly { readonly key: Uint8Array; readonly rangeEnd: Uint8Array }[],
    leave: (bytes: Uint8Array) => Uint8Array,
  ): void {
    const { cache, upstream, order } = this.#parts;
    for (const range of ranges) cache.invalidate(range);
    void upstream.forward(call, body, "once").then((answer) => {
      order?.note(answer);
      for (const range of ranges) cache.invalidate(range);
      this.#answer(call, this.#left(answer, leave));
    });
  }

  /** An answer with its keys outside of the namespace. */
  #left(answer: Answer, leave: (bytes: Uint8Array) => Uint8Array): Answer {
    return this.#parts.namespace.isEmpty ? answer : changed(answer, leave);
  }

  #answer(call: GrpcServerCall, answer: Answer): void {
    const { cache, metrics } = this.#parts;
    // Who may read what has changed, maybe: what was kept for anybody is for nobody.
    const isAboutRights =
      answer.code === GrpcCode.PermissionDenied || answer.message === Errors.UserEmpty.message;
    if (isAboutRights) cache.clear();
    metrics.cacheKeys.set(cache.size);
    finish(call, answer);
  }

  /** An empty key would be that of the namespace itself. */
  #isWithoutKey(call: GrpcServerCall, key: Uint8Array, rangeEnd: Uint8Array): boolean {
    if (key.length > 0 || rangeEnd.length > 0 || this.#parts.namespace.isEmpty) return false;
    call.sendStatus(Errors.EmptyKey.code, Errors.EmptyKey.message);
    return true;
  }
}

/** What a transaction may change, and what it compares: that may have turned out to be old. */
function rangesOf({ compare, success, failure }: TxnRequest): {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}[] {
  const ranges: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array }[] = [...compare];
  for (const { request } of [...success, ...failure]) {
    if (request?.case === "requestPut") {
      ranges.push({ key: request.value.key, rangeEnd: EMPTY_BYTES });
    } else if (request?.case === "requestDeleteRange") {
      ranges.push(request.value);
    } else if (request?.case === "requestTxn") {
      ranges.push(...rangesOf(request.value));
    }
  }
  return ranges;
}
