/**
 * What locks and elections ask of a keyspace, on behalf of one caller. The client library has it over its
 * connections, a server over calls to its own services.
 */
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
  WatchCreateRequest,
  WatchResponse,
} from "../wire/gen/rpc.ts";

/**
 * Requests are given in part; what is missing has its default. Every method throws `EtcdError`; once the
 * caller has gone away, all of them do.
 */
export interface ConcurrencyStore {
  range(request: Partial<RangeRequest>): Promise<RangeResponse>;
  txn(request: Partial<TxnRequest>): Promise<TxnResponse>;
  deleteRange(request: Partial<DeleteRangeRequest>): Promise<DeleteRangeResponse>;
  /** Answers with events, in order and without gaps, until the reader leaves its loop. */
  watch(request: Partial<WatchCreateRequest>): AsyncIterable<WatchResponse>;
  /** The same for what has to be tidied up behind a caller who has gone away. */
  readonly cleanup: Pick<ConcurrencyStore, "txn" | "deleteRange">;
}
