/** Each promise of a watch stream, kept and broken: the recorder tells which. */
import { expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { createEvent, createKeyValue, type Event } from "../../src/wire/gen/kv.ts";
import {
  createResponseHeader,
  createWatchResponse,
  encodeWatchResponse,
  type WatchResponse,
} from "../../src/wire/gen/rpc.ts";
import { WatchRecorder } from "./watch-recorder.ts";

type Said = Partial<WatchResponse> & { readonly at?: number };

const created = (watchId: bigint): Said => ({ watchId, created: true });
const ended = (watchId: bigint): Said => ({ watchId, canceled: true });
const progress = (at: number, watchId = -1n): Said => ({ at, watchId });
const events = (watchId: bigint, revisions: readonly number[], more: Said = {}): Said => ({
  at: revisions.at(-1) ?? 0,
  watchId,
  events: revisions.map(eventAt),
  ...more,
});

function eventAt(modRevision: number): Event {
  return createEvent({ kv: createKeyValue({ key: bytesFromLatin1("k"), modRevision }) });
}

function hear(said: readonly Said[]): WatchRecorder {
  const recorder = new WatchRecorder();
  for (const { at = 0, ...message } of said) {
    const header = createResponseHeader({ revision: at });
    recorder.receive(encodeWatchResponse(createWatchResponse({ header, ...message })));
  }
  return recorder;
}

test.each<[string, Said[]]>([
  ["events in order", [created(1n), events(1n, [2, 2, 3]), events(1n, [5])]],
  [
    "a revision in fragments",
    [created(1n), events(1n, [2, 3], { fragment: true }), events(1n, [3])],
  ],
  ["progress, then newer events", [created(1n), events(1n, [2]), progress(4), events(1n, [5])]],
  ["progress before a watcher of the past", [progress(9), created(1n), events(1n, [2])]],
  ["a number again after its end", [created(1n), ended(1n), created(1n), events(1n, [2])]],
  ["two ends", [created(1n), ended(1n), ended(1n)]],
  ["one behind the other", [created(1n), created(2n), events(1n, [5]), events(2n, [3])]],
])("no promise is broken: %s", (_, said) => {
  expect(hear(said).problems).toEqual([]);
});

test.each<[string, RegExp, Said[]]>([
  ["events of nobody", /not there/, [events(1n, [2])]],
  ["events after the end", /not there/, [created(1n), ended(1n), events(1n, [2])]],
  ["an end of nobody", /never created/, [ended(1n)]],
  ["a number that is in use", /created twice/, [created(1n), created(1n)]],
  ["backwards in a response", /not in order/, [created(1n), events(1n, [3, 2], { at: 3 })]],
  ["backwards between two", /not in order/, [created(1n), events(1n, [3]), events(1n, [2])]],
  ["a revision in two pieces", /in one piece/, [created(1n), events(1n, [3]), events(1n, [3])]],
  ["a header from before", /header is behind/, [created(1n), events(1n, [3], { at: 2 })]],
  ["an event from before progress", /after progress/, [created(1n), progress(4), events(1n, [4])]],
  ["its own progress", /after progress/, [created(1n), progress(4, 1n), events(1n, [3])]],
  ["progress that goes back", /progress to 2/, [created(1n), events(1n, [3]), progress(2)]],
])("a broken promise is told: %s", (_, told, said) => {
  const { problems } = hear(said);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(told);
});

test("what is waited for comes, or the time ends, or the stream does", async () => {
  const recorder = hear([created(1n)]);
  const isSecond = (): boolean => recorder.watchers.length > 1;
  expect(await recorder.until(isSecond, 10)).toBe(false);
  const waiting = recorder.until(isSecond, 10_000);
  const header = createResponseHeader();
  recorder.receive(encodeWatchResponse(createWatchResponse({ header, ...created(2n) })));
  expect(await waiting).toBe(true);
  const third = recorder.until(() => recorder.watchers.length > 2, 10_000);
  recorder.ended(14, "gone");
  expect(await third).toBe(false);
  expect(recorder.problems).toEqual(["the stream has ended: code 14: gone"]);
});
