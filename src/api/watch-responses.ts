/**
 * Watch responses as bytes. Responses with events are the hot path of a watch: their header and events are
 * marshalled once for each batch, and whole responses are shared by all streams that use the same watch id.
 *
 * Source: etcd server/etcdserver/api/v3rpc/watch.go (sendLoop, sendFragments).
 */
import type { WatchBatch } from "../mvcc/watch-batch.ts";
import type { WatchId } from "../mvcc/watcher.ts";
import { createWatchResponse, encodeWatchResponse, type WatchResponse } from "../wire/gen/rpc.ts";
import { concatBytes } from "../stdx/bytes.ts";
import { type HeaderContext, headerAt } from "./context.ts";
import { SHARED_RESPONSE_BYTES_MAX, SHARED_RESPONSE_IDS } from "./limits.ts";

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

/** The response that shows `batch` to one watcher. May be shared: not to be changed. */
export function eventsResponse(
  context: HeaderContext,
  watchId: WatchId,
  batch: WatchBatch,
): Uint8Array {
  const slot = typeof watchId === "number" && watchId >= 0 ? watchId : SHARED_RESPONSE_IDS;
  const known = slot < SHARED_RESPONSE_IDS ? batch.responses[slot] : undefined;
  if (known !== undefined) return known;
  const prefix = controlResponse(context, batch.lastRevision, watchId, {});
  const response = joined(prefix, batch.bytes);
  const roomLeft = batch.responseBytes + response.length <= SHARED_RESPONSE_BYTES_MAX;
  if (slot < SHARED_RESPONSE_IDS && roomLeft) {
    while (batch.responses.length <= slot) batch.responses.push(undefined);
    batch.responses[slot] = response;
    batch.responseBytes += response.length;
  }
  return response;
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

function joined(prefix: Uint8Array, events: Uint8Array): Uint8Array {
  const response = new Uint8Array(prefix.length + events.length);
  response.set(prefix);
  response.set(events, prefix.length);
  return response;
}
