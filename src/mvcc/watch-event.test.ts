import { expect, test } from "vitest";
import { bytesFromLatin1, latin1FromBytes } from "../stdx/bytes.ts";
import { EventType } from "../wire/gen/kv.ts";
import { createDeleteRangeRequest, decodeWatchResponse } from "../wire/gen/rpc.ts";
import { executeDeleteRange } from "./kv-requests.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { MemoryLeases } from "./testing/memory-leases.ts";
import { openStore, putAll } from "./testing/open-store.ts";
import { WatchEvent } from "./watch-event.ts";
import type { Store } from "./store.ts";
import type { ChangeSink } from "./write-transaction.ts";

/** All events of a store, as they happen. */
class Events implements ChangeSink {
  readonly all: WatchEvent[] = [];

  onChanges(...[revision, changes]: Parameters<ChangeSink["onChanges"]>): void {
    for (const [sub, { key, tombstone, keyValue }] of changes.entries()) {
      this.all.push(new WatchEvent(revision, sub, key, tombstone, keyValue));
    }
  }
}

/** Puts a twice, at 2 and 3, and deletes it at 4. */
function shortHistory(): { store: Store; events: WatchEvent[] } {
  const events = new Events();
  const store = openStore(new MemoryStorage(), new MemoryLeases(), events);
  putAll(store, "a=1 a=2");
  executeDeleteRange(store, createDeleteRangeRequest({ key: bytesFromLatin1("a") }));
  return { store, events: events.all };
}

function shown(bytes: Uint8Array): string {
  const [{ type, kv, prevKv }] = decodeWatchResponse(bytes).events;
  const value = (of: typeof kv): string => (of === undefined ? "" : latin1FromBytes(of.value));
  const name = type === EventType.DELETE ? "delete" : "put";
  return `${name} ${kv?.modRevision} "${value(kv)}" was "${value(prevKv)}"`;
}

test("WatchEvent.withPrevious has what the change replaced, and makes it once", () => {
  const { store, events } = shortHistory();
  expect(events.map((event) => shown(event.withPrevious(store)))).toEqual([
    'put 2 "1" was ""',
    'put 3 "2" was "1"',
    'delete 4 "" was "2"',
  ]);
  expect(events.map((event) => shown(event.plain))).toEqual([
    'put 2 "1" was ""',
    'put 3 "2" was ""',
    'delete 4 "" was ""',
  ]);
  for (const event of events) expect(event.withPrevious(store)).toBe(event.withPrevious(store));
});

test("WatchEvent.withPrevious has nothing that is compacted, removed already or not", () => {
  const { store, events } = shortHistory();
  store.compact(3);
  expect(shown(events[1].withPrevious(store))).toBe('put 3 "2" was ""');
  expect(shown(events[2].withPrevious(store))).toBe('delete 4 "" was "2"');
});

test("WatchEvent owns its bytes", () => {
  const { store, events } = shortHistory();
  for (const event of events) {
    for (const bytes of [event.plain, event.withPrevious(store)]) {
      expect(bytes.buffer.byteLength).toBe(bytes.length);
    }
  }
});
