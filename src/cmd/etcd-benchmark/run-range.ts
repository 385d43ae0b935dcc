/**
 * range: the same read again and again.
 *
 * Source: etcd tools/benchmark/cmd/range.go (3.5).
 */
import { bytesFromLatin1 } from "../../stdx/bytes.ts";
import { createRangeRequest, encodeRangeRequest } from "../../wire/gen/rpc.ts";
import { KVService } from "../../wire/gen/services.ts";
import { measureLoad } from "./run-load.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";
import {
  ConnectionOpener,
  isSerializable,
  openReport,
  rateOf,
  refuseUsage,
  showReport,
  totalOf,
} from "./settings.ts";

export async function runRange(session: BenchmarkSession, call: BenchmarkCall): Promise<void> {
  const { flags, args } = call;
  if (args.length === 0 || args.length > 2) refuseUsage(call);
  const [key, end = ""] = args;
  const body = encodeRangeRequest(
    createRangeRequest({
      key: bytesFromLatin1(key),
      rangeEnd: bytesFromLatin1(end),
      serializable: isSerializable(session, call),
    }),
  );
  const load = {
    path: KVService.range.path,
    total: totalOf(flags),
    perSecond: rateOf(flags),
    body: () => body,
  };
  const opener = await ConnectionOpener.create(session, call);
  const connections = await opener.openForCallers(call);
  const figures = await measureLoad(session, load, connections, openReport(session, call));
  showReport(session, call, "range", figures);
}
