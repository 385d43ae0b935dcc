/** Keys and values. */
import type {
  CompactionRequest,
  CompactionResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from "../wire/gen/rpc.ts";
import { KVService } from "../wire/gen/services.ts";
import type { CallOptions } from "./call-options.ts";
import type { Channel } from "./channel.ts";

/** Requests are given in part; what is missing has its default. Every method throws `EtcdError`. */
export class Kv {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  range(request: Partial<RangeRequest>, options?: CallOptions): Promise<RangeResponse> {
    return this.#channel.call(KVService.range, request, "repeatable", options);
  }

  put(request: Partial<PutRequest>, options?: CallOptions): Promise<PutResponse> {
    return this.#channel.call(KVService.put, request, "once", options);
  }

  deleteRange(
    request: Partial<DeleteRangeRequest>,
    options?: CallOptions,
  ): Promise<DeleteRangeResponse> {
    return this.#channel.call(KVService.deleteRange, request, "once", options);
  }

  txn(request: Partial<TxnRequest>, options?: CallOptions): Promise<TxnResponse> {
    return this.#channel.call(KVService.txn, request, "once", options);
  }

  compact(request: Partial<CompactionRequest>, options?: CallOptions): Promise<CompactionResponse> {
    return this.#channel.call(KVService.compact, request, "once", options);
  }
}
