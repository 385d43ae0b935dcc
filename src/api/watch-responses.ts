/**
 * Watch responses as bytes. Responses with events are the hot path of a watch: their header and events are
 * marshalled once for each batch, and only the watch id between them is written for each watcher.
 *
 * Source: etcd server/etcdserver/api/v3rpc/watch.go (sendLoop, sendFragments).
 */
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { WatchBatch } from "../mvcc/watch-batch.ts";
import type { WatchId } from "../mvcc/watcher.ts";
import { createWatchResponse, encodeWatchResponse, type WatchResponse } from "../wire/gen/rpc.ts";
import { concatBytes } from "../stdx/bytes.ts";
import { type HeaderContext, headerAt } from "./context.ts";

const TAG_WATCH_ID = 0x10;

/** Ids from here on take more than an unsigned 31-bit number. */
const SMALL_ID_END = 2 ** 31;

/** A response without events. */
export function controlResponse(
  context: HeaderContext,
  revision: number,
  watchId: WatchId,
  parts: Partial<WatchResponse>,
): Uint8Array {
  const header = headerAt(context, revision);
  return encodeWatchResponse(createWatchResponse({ header, watchId: BigInt(watchId), ...parts }));
}

/** Where the heads of responses with events are made: a header (four numbers) and a watch id. */
const head = new Uint8Array(128);

/**
 * Sends the response that shows `batch` to one watcher; returns whether there is room for more. All its
 * watchers share the bytes of the header and of the events.
 */
export function sendEvents(
  context: HeaderContext,
  call: GrpcServerCall,
  watchId: WatchId,
  batch: WatchBatch,
): boolean {
  batch.responseHeader ??= encodeWatchResponse(
    createWatchResponse({ header: headerAt(context, batch.lastRevision) }),
  );
  const header = batch.responseHeader;
  head.set(header);
  return call.sendParts(head, writeWatchId(watchId, header.length), batch.bytes);
}

/** Writes field 2 of a response into `head`; returns where it ends. */
function writeWatchId(watchId: WatchId, start: number): number {
  if (watchId === 0) return start;
  let at = start;
  head[at++] = TAG_WATCH_ID;
  if (typeof watchId === "number" && watchId > 0 && watchId < SMALL_ID_END) {
    let rest = watchId;
    for (; rest >= 0x80; rest >>>= 7) head[at++] = (rest & 0x7f) | 0x80;
    head[at++] = rest;
    return at;
  }
  let rest = BigInt.asUintN(64, BigInt(watchId));
  for (; rest >= 0x80n; rest >>= 7n) head[at++] = Number(rest & 0x7fn) | 0x80;
  head[at++] = Number(rest);
  return at;
}

/**
 * The responses that show `batch` in pieces of less than `bytesMax`, as far as single events allow; all but
 * the last one say that more follows. `undefined` when the whole is small enough.
 */
export function fragmentedResponses(
  context: HeaderContext,
  watchId: WatchId,
  batch: WatchBatch,
  bytesMax: number,
): Uint8Array[] | undefined {
  const { events, lastRevision } = batch;
  const last = controlResponse(context, lastRevision, watchId, {});
  if (last.length + batch.size < bytesMax || events.length < 2) return undefined;
  const prefix = controlResponse(context, lastRevision, watchId, { fragment: true });
  const responses: Uint8Array[] = [];
  for (let first = 0; first < events.length; ) {
    let end = first;
    let size = prefix.length;
    while (end < events.length) {
      const grown = size + events[end].length;
      if (end > first && grown >= bytesMax) break;
      size = grown;
      end++;
    }
    const isLast = end === events.length;
    responses.push(concatBytes([isLast ? last : prefix, ...events.slice(first, end)]));
    first = end;
  }
  return responses;
}
