/**
 * txn-mixed: transactions that are one read or one put each, in a random order, with a report for either kind.
 *
 * Source: etcd tools/benchmark/cmd/txn_mixed.go (3.5).
 */
import { bytesFromLatin1 } from "../../stdx/bytes.ts";
import { Prng } from "../../stdx/prng.ts";
import {
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  encodeTxnRequest,
} from "../../wire/gen/rpc.ts";
import { KVService } from "../../wire/gen/services.ts";
import type { Load } from "./closed-loop.ts";
import { Bodies, keySpaceOf } from "./key-space.ts";
import { VALUE_BYTES_MAX } from "./limits.ts";
import { putOperation } from "./operations.ts";
import { callersOn, runLoad } from "./run-load.ts";
import { randomValue } from "./run-put.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";
import {
  ConnectionOpener,
  isJson,
  isSerializable,
  numberOf,
  openReport,
  rateOf,
  refuse,
  showReport,
  totalOf,
} from "./settings.ts";

/** Start of all keys, and end of them. */
const ALL_KEYS = new Uint8Array([0]);

export async function runTxnMixed(session: BenchmarkSession, call: BenchmarkCall): Promise<void> {
  const { flags } = call;
  const space = keySpaceOf(flags);
  const value = randomValue(session, numberOf(flags, "val-size", 0, VALUE_BYTES_MAX));
  const ratio = flags.getNumber("rw-ratio");
  if (!(ratio >= 0)) refuse(`expected --rw-ratio of at least 0, got (${ratio})`);
  const readShare = ratio === Number.POSITIVE_INFINITY ? 1 : ratio / (1 + ratio);
  const readBody = encodeRead(call, isSerializable(session, call));
  const writeBodies = new Bodies((number) => {
    const success = [putOperation(space, number, value)];
    return encodeTxnRequest(createTxnRequest({ success }));
  });
  const random = new Prng(session.random.below(2 ** 32));
  const reads = openReport(session, call);
  const writes = openReport(session, call);
  let readCount = 0;
  let writeCount = 0;
  const load: Load = {
    path: KVService.txn.path,
    total: totalOf(flags),
    perSecond: rateOf(flags),
    body: (index, caller) => {
      const isRead = random.chance(readShare);
      if (isRead) readCount++;
      else writeCount++;
      caller.report = isRead ? reads : writes;
      return isRead ? readBody : writeBodies.get(index % space.size);
    },
  };
  const opener = await ConnectionOpener.create(session, call);
  const callers = callersOn(await opener.openForCallers(call), reads);
  const tookMs = await runLoad(session, load, callers);
  const showKind = (kind: string, count: number, report: typeof reads): void => {
    if (!isJson(call)) session.io.out(`Total ${kind} Ops: ${count}\nDetails:`);
    const name = `txn-mixed-${kind.toLowerCase()}`;
    showReport(session, call, name, report.figures(tookMs), "\n");
  };
  showKind("Read", readCount, reads);
  showKind("Write", writeCount, writes);
}

/** Differs from etcd: `--end-key` bounds what is read; there all keys are read whatever it says. */
function encodeRead({ flags }: BenchmarkCall, serializable: boolean): Uint8Array {
  const end = flags.getString("end-key");
  const range = createRangeRequest({
    key: ALL_KEYS,
    rangeEnd: end === "" ? ALL_KEYS : bytesFromLatin1(end),
    limit: numberOf(flags, "limit", 0, Number.MAX_SAFE_INTEGER),
    serializable,
  });
  const operation = createRequestOp({ request: { case: "requestRange", value: range } });
  return encodeTxnRequest(createTxnRequest({ success: [operation] }));
}
