/**
 * txn-put: transactions of some puts each, without a condition.
 *
 * Source: etcd tools/benchmark/cmd/txn_put.go (3.5).
 */
import { createTxnRequest, encodeTxnRequest } from "../../wire/gen/rpc.ts";
import { KVService } from "../../wire/gen/services.ts";
import { Bodies, type KeySpace, keySpaceOf } from "./key-space.ts";
import { TXN_OPERATIONS_MAX, VALUE_BYTES_MAX } from "./limits.ts";
import { putOperation } from "./operations.ts";
import { measureLoad } from "./run-load.ts";
import { randomValue } from "./run-put.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";
import {
  ConnectionOpener,
  numberOf,
  openReport,
  rateOf,
  refuse,
  showReport,
  totalOf,
} from "./settings.ts";

export async function runTxnPut(session: BenchmarkSession, call: BenchmarkCall): Promise<void> {
  const { flags } = call;
  const space = keySpaceOf(flags);
  const puts = numberOf(flags, "txn-ops", 0, TXN_OPERATIONS_MAX);
  if (puts > space.size) {
    refuse(
      "expected --txn-ops no larger than --key-space-size, " +
        `got txn-ops(${puts}) key-space-size(${space.size})`,
    );
  }
  const value = randomValue(session, numberOf(flags, "val-size", 0, VALUE_BYTES_MAX));
  const bodies = new Bodies((first) => encodePuts(space, first, puts, value));
  const load = {
    path: KVService.txn.path,
    total: totalOf(flags),
    perSecond: rateOf(flags),
    body: (index: number) => bodies.get((index * puts) % space.size),
  };
  const opener = await ConnectionOpener.create(session, call);
  const connections = await opener.openForCallers(call);
  const figures = await measureLoad(session, load, connections, openReport(session, call));
  showReport(session, call, "txn-put", figures, "\n");
}

/** Puts to `count` keys from number `first` on, around the end of the space. */
function encodePuts(space: KeySpace, first: number, count: number, value: Uint8Array): Uint8Array {
  const success = Array.from({ length: count }, (_, i) =>
    putOperation(space, (first + i) % space.size, value),
  );
  return encodeTxnRequest(createTxnRequest({ success }));
}
