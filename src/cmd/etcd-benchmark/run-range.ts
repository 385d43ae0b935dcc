/**
 * range: the same read again and again, whole or page by page.
 *
 * Source: etcd tools/benchmark/cmd/range.go (3.5, and the flags of 3.7).
 */
import { bytesFromLatin1, concatBytes } from "../../stdx/bytes.ts";
import { decodeRangeResponse, encodeRangeRequest, createRangeRequest } from "../../wire/gen/rpc.ts";
import type { RangeRequest } from "../../wire/gen/rpc.ts";
import { KVService } from "../../wire/gen/services.ts";
import { prefixEnd, prefixRange, ZERO_BYTE } from "../key-prefix.ts";
import type { Caller, Load } from "./closed-loop.ts";
import { measureLoad } from "./run-load.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";
import {
  ConnectionOpener,
  isSerializable,
  numberOf,
  openReport,
  rateOf,
  refuse,
  refuseUsage,
  showReport,
  totalOf,
} from "./settings.ts";

/** Keys of a page: what the watch cache of Kubernetes asks for. */
const PAGE_KEYS = 10_000;

export async function runRange(session: BenchmarkSession, call: BenchmarkCall): Promise<void> {
  const { flags } = call;
  const request = requestOf(session, call);
  const body = encodeRangeRequest(request);
  const load: Load = {
    path: KVService.range.path,
    total: totalOf(flags),
    perSecond: rateOf(flags),
    ...(flags.getBool("paginate") ? pagesOf(request) : { body: () => body }),
  };
  const opener = await ConnectionOpener.create(session, call);
  const connections = await opener.openForCallers(call);
  const figures = await measureLoad(session, load, connections, openReport(session, call));
  showReport(session, call, "range", figures);
}

function requestOf(session: BenchmarkSession, call: BenchmarkCall): RangeRequest {
  const { flags, args } = call;
  const isPrefix = flags.getBool("prefix");
  if (args.length > 2 || (args.length === 0 && !isPrefix)) refuseUsage(call);
  const isPaged = flags.getBool("paginate");
  const limit = numberOf(flags, "limit", 0, Number.MAX_SAFE_INTEGER);
  if (isPaged && limit > 0) refuse("--paginate and --limit are mutually exclusive");
  const [countOnly, keysOnly] = [flags.getBool("count-only"), flags.getBool("keys-only")];
  if (countOnly && keysOnly) {
    refuse("`--keys-only` and `--count-only` cannot be set at the same time");
  }
  // Differs from etcd: no server of 3.5 has RangeStream; it is refused before anything is asked of one.
  if (flags.getBool("stream")) refuse("--stream needs RangeStream, which etcd 3.5 does not have");
  const [key = "", end = ""] = args;
  const from = bytesFromLatin1(key);
  return createRangeRequest({
    ...(isPrefix ? prefixOf(from, isPaged) : { key: from, rangeEnd: bytesFromLatin1(end) }),
    limit: isPaged ? PAGE_KEYS : limit,
    countOnly,
    keysOnly,
    serializable: isSerializable(session, call),
  });
}

/** Pages have an end of their own even where the prefix is empty: what they begin with changes. */
function prefixOf(
  prefix: Uint8Array,
  isPaged: boolean,
): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  if (!isPaged) return prefixRange(prefix);
  return { key: prefix.length === 0 ? ZERO_BYTE : prefix, rangeEnd: prefixEnd(prefix) };
}

/** Asks for the page behind the one that has come, at the revision of the first. */
function pagesOf(first: RangeRequest): Required<Pick<Load, "body" | "followUp">> {
  const revisions = new Map<Caller, number>();
  const body = encodeRangeRequest(first);
  const followUp = (caller: Caller, answer: Uint8Array): boolean => {
    const { header, more, kvs } = decodeRangeResponse(answer);
    const last = kvs[kvs.length - 1];
    if (!more || last === undefined) return false;
    const revision = revisions.get(caller) ?? header?.revision ?? 0;
    revisions.set(caller, revision);
    caller.body = encodeRangeRequest({
      ...first,
      revision,
      key: concatBytes([last.key, ZERO_BYTE]),
    });
    return true;
  };
  return {
    body: (_, caller) => {
      revisions.delete(caller);
      return body;
    },
    followUp,
  };
}
