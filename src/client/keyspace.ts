/** A client's keyspace as locks and elections use it; a signal ends what is asked. */
import type { ConcurrencyStore } from "../concurrency/store.ts";
import type { CallOptions } from "./call-options.ts";
import type { Client } from "./client.ts";
import { CANCELLED } from "./rpc-status.ts";

/** What of a client locks and elections need. */
export type KeyspaceClient = Pick<Client, "kv" | "watch">;

/** The keyspace of `client`, asked within the bounds of `options`; for tidying up there are none. */
export function keyspaceOf(client: KeyspaceClient, options: CallOptions = {}): ConcurrencyStore {
  const { kv, watch } = client;
  const { signal } = options;
  return {
    range: (request) => kv.range(request, options),
    txn: (request) => kv.txn(request, options),
    deleteRange: (request) => kv.deleteRange(request, options),
    async *watch(request) {
      yield* await watch.open(request, { signal, movesToLeader: true });
      if (signal?.aborted === true) throw CANCELLED;
    },
    cleanup: {
      txn: (request) => kv.txn(request),
      deleteRange: (request) => kv.deleteRange(request),
    },
  };
}
