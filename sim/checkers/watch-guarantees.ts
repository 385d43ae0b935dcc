/**
 * What etcd promises of watches, against what the history says that happened:
 *
 * 1. ordered: revisions never go back,
 * 2. unique: no event twice,
 * 3. atomic: all events of a revision that are in the range come in one response,
 * 4. gap-free and resumable: from the first revision that was asked for, through whatever member, to the
 *    last that was shown, nothing is missing,
 * 5. reliable: the events are those that happened, with what was there before where that was asked for,
 * 6. bookmarkable: after a notification of progress nothing comes from before it.
 *
 * That notifications of progress are not ahead follows from `checkKvHistory`: a revision that nobody made
 * has no explanation.
 *
 * Source: etcd's documentation, "KV API guarantees", watch APIs.
 */
import type { History, WatchEvent, WatchRecord, WatchResponse } from "../history.ts";
import type { Revision } from "./kv-history.ts";
import { isInRange, sameKv } from "./kv-state.ts";
import { describeKv, type Violation } from "./violation.ts";

/** The first promise that was broken. `revisions` are those of the history, without gaps. */
export function watchViolation(
  history: History,
  revisions: readonly Revision[],
): Violation | undefined {
  const compacted = Math.max(
    0,
    ...history.operations.map(({ request }) => (request.kind === "compact" ? request.revision : 0)),
  );
  for (const watch of history.watches) {
    const violation = orderViolation(watch) ?? contentViolation(watch, revisions, compacted);
    if (violation !== undefined) return violation;
  }
  return undefined;
}

function orderViolation(watch: WatchRecord): Violation | undefined {
  let shown = watch.start - 1;
  let before: WatchResponse | undefined;
  for (const response of watch.responses) {
    const { events, revision } = response;
    const fail = (rule: string, summary: string) =>
      violationOf(watch, rule, summary, before === undefined ? [response] : [before, response]);
    if (events.length === 0) shown = Math.max(shown, revision);
    let last = 0;
    const keys = new Set<string>();
    for (const { kv } of events) {
      if (kv.mod < last) return fail("ordered", `revision ${kv.mod} behind ${last}`);
      if (kv.mod <= shown)
        return fail("ordered, unique or atomic", `revision ${kv.mod} behind ${shown}`);
      if (kv.mod > last) keys.clear();
      if (keys.has(kv.key)) return fail("unique", `${kv.key} twice at revision ${kv.mod}`);
      keys.add(kv.key);
      last = kv.mod;
    }
    if (last > revision) return fail("header", `revision ${last} below a header of ${revision}`);
    shown = Math.max(shown, last);
    before = response;
  }
  return undefined;
}

function contentViolation(
  watch: WatchRecord,
  revisions: readonly Revision[],
  compacted: number,
): Violation | undefined {
  const base = revisions.length === 0 ? 0 : revisions[0].revision;
  let next = watch.start;
  for (const response of watch.responses) {
    const newest = response.events.at(-1)?.kv.mod ?? response.revision;
    let at = 0;
    for (; next <= newest; next++) {
      const seen: WatchEvent[] = [];
      while (response.events[at]?.kv.mod === next) seen.push(response.events[at++]);
      const happened = (revisions[next - base]?.events ?? []).filter(({ kv }) =>
        isInRange(kv.key, watch),
      );
      const needsPrev = watch.prevKv === true && compacted < next - 1;
      const problem = revisionProblem(happened, seen, needsPrev);
      if (problem === undefined) continue;
      const rule = seen.length < happened.length ? "gap-free" : "reliable";
      return violationOf(watch, rule, `at revision ${next}: ${problem}`, [response]);
    }
  }
  return undefined;
}

function revisionProblem(
  happened: readonly WatchEvent[],
  seen: readonly WatchEvent[],
  needsPrev: boolean,
): string | undefined {
  for (const event of happened) {
    const shown = seen.find(({ kv }) => kv.key === event.kv.key);
    const problem = eventProblem(event, shown, needsPrev);
    if (problem !== undefined) return problem;
  }
  if (seen.length === happened.length) return undefined;
  return `${seen.length} events, of ${happened.length} that happened in the range`;
}

function eventProblem(
  happened: WatchEvent,
  seen: WatchEvent | undefined,
  needsPrev: boolean,
): string | undefined {
  const { type, kv, prev } = happened;
  if (seen === undefined) return `the ${type} of ${kv.key} is missing`;
  if (seen.type !== type) return `a ${seen.type} of ${kv.key}, which was a ${type}`;
  if (type === "put" && !sameKv(kv, seen.kv))
    return `${describeKv(seen.kv)} is not ${describeKv(kv)}`;
  if (seen.prev === undefined && !needsPrev) return undefined;
  if (sameKv(prev, seen.prev)) return undefined;
  const texts = [seen.prev, prev].map((each) =>
    each === undefined ? "nothing" : describeKv(each),
  );
  return `before it ${texts[0]} is shown, and was ${texts[1]}`;
}

function violationOf(
  watch: WatchRecord,
  rule: string,
  summary: string,
  responses: readonly WatchResponse[],
): Violation {
  const { client, member, key, end, start } = watch;
  const where = member === undefined ? "" : ` at ${member}`;
  const range = end === undefined ? key : `[${key}, ${end})`;
  const lines = responses.map(describeResponse);
  return {
    rule: `watch: ${rule}`,
    summary: `client ${client}${where} watching ${JSON.stringify(range)} from ${start}: ${summary}`,
    lines,
  };
}

/** Long responses are shown from both ends. */
function describeResponse({ time, revision, events }: WatchResponse): string {
  if (events.length === 0) return `${time}: progress to ${revision}`;
  const texts = events.map(({ type, kv }) => `${type} ${kv.key}@${kv.mod}`);
  const shown = texts.length <= 12 ? texts : [...texts.slice(0, 6), "...", ...texts.slice(-6)];
  return `${time}: header ${revision}, ${shown.join(", ")}`;
}
