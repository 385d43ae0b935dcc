/**
 * What one watch stream of one server has said, sorted by watcher, and every promise that it broke:
 *
 * 1. A watcher is created before it hears anything else, and hears nothing after its end.
 * 2. Its events come in the order of their revisions, and all of one revision in one response or in the
 *    fragments of one.
 * 3. A header is never behind the events below it.
 * 4. After word of progress to a revision there are no more events of it or from before it.
 */
import { decodeWatchResponse, type WatchResponse } from "../../src/wire/gen/rpc.ts";
import { Reader } from "../../src/wire/reader.ts";
import { describeMessage, splitHeader } from "./answer-difference.ts";

/** One answer that is no event, and comparable: the revision of its header and the bytes behind it. */
export interface ControlAnswer {
  readonly revision: number;
  readonly rest: Uint8Array;
  readonly message: WatchResponse;
}

/** One watcher, from its creation to its end. */
export class WatcherRecord {
  readonly id: bigint;
  /** That it was created, and then its ends: one by compaction is followed by one more when it is asked for. */
  readonly answers: ControlAnswer[] = [];
  /** Events as they came. */
  readonly events: Uint8Array[] = [];
  readonly revisions: number[] = [];
  /** Whether the last response said that more of it follows. */
  isInFragments = false;
  /** Revision up to which the server has said that nothing is missing. */
  promised = 0;

  constructor(id: bigint) {
    this.id = id;
  }

  get isEnded(): boolean {
    return this.answers.some(({ message }) => message.canceled);
  }
}

/** The watcher that answers to requests for progress name. */
const TO_ALL = -1n;

const EVENTS_TAG = (11 << 3) | 2;

export class WatchRecorder {
  /** Watchers in the order of their creation. */
  readonly watchers: WatcherRecord[] = [];
  /** Answers to requests for watchers that there cannot be. */
  readonly refusals: ControlAnswer[] = [];
  /** Revisions of the answers to requests for progress. */
  readonly progress: number[] = [];
  readonly problems: string[] = [];
  /** The newest answer to a request for a watcher. */
  newest: ControlAnswer | undefined;
  readonly #current = new Map<bigint, WatcherRecord>();
  #isClosed = false;
  #waiting: { readonly isMet: () => boolean; readonly resolve: () => void }[] = [];

  /** Takes in one message of the stream, which it keeps. */
  receive(body: Uint8Array): void {
    const { revision = 0, rest } = splitHeader(body);
    const message = decodeWatchResponse(body);
    const answer = { revision, rest, message };
    if (message.created) this.#created(answer);
    else if (message.canceled) this.#canceled(answer);
    else if (message.events.length > 0) this.#events(answer);
    else this.#progress(answer);
    for (const watcher of this.#waiting.filter(({ isMet }) => isMet())) watcher.resolve();
    this.#waiting = this.#waiting.filter(({ isMet }) => !isMet());
  }

  /** Takes no notice of the end of the stream. */
  close(): void {
    this.#isClosed = true;
  }

  ended(code: number, text: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#problem(`the stream has ended: code ${code}: ${text}`);
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** Waits until a message has made `isMet` true, at most `milliseconds`, and tells whether it did. */
  async until(isMet: () => boolean, milliseconds: number): Promise<boolean> {
    if (isMet() || this.#isClosed) return isMet();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ isMet, resolve });
      timer = setTimeout(resolve, milliseconds);
    });
    clearTimeout(timer);
    this.#waiting = this.#waiting.filter((entry) => entry.isMet !== isMet);
    return isMet();
  }

  #created(answer: ControlAnswer): void {
    const { canceled, watchId } = answer.message;
    this.newest = answer;
    if (canceled) {
      this.refusals.push(answer);
      return;
    }
    const earlier = this.#current.get(watchId);
    if (earlier !== undefined && !earlier.isEnded) this.#problem("created twice", answer);
    const record = new WatcherRecord(watchId);
    record.answers.push(answer);
    this.watchers.push(record);
    this.#current.set(watchId, record);
  }

  #canceled(answer: ControlAnswer): void {
    const record = this.#current.get(answer.message.watchId);
    if (record === undefined) this.#problem("an end of a watcher that was never created", answer);
    else record.answers.push(answer);
  }

  #events({ revision, rest, message }: ControlAnswer): void {
    const { watchId, events, fragment } = message;
    const record = this.#current.get(watchId);
    if (record === undefined || record.isEnded) {
      this.#problem("events for a watcher that is not there", { message });
      return;
    }
    const before = record.revisions.at(-1) ?? 0;
    const revisions = events.map(({ kv }) => kv?.modRevision ?? 0);
    const [first] = revisions;
    const last = revisions.at(-1) ?? 0;
    if (first < before || revisions.some((at, i) => i > 0 && at < revisions[i - 1])) {
      this.#problem(`not in order, after revision ${before}`, { message });
    }
    if (first === before && !record.isInFragments) {
      this.#problem(`revision ${first} is not in one piece`, { message });
    }
    if (revision < last) this.#problem("the header is behind the events", { message });
    if (first <= record.promised) {
      this.#problem(`after progress to ${record.promised}`, { message });
    }
    record.isInFragments = fragment;
    record.revisions.push(...revisions);
    record.events.push(...eventsOf(rest));
  }

  /** To one watcher, or to all of them. */
  #progress({ revision, message: { watchId } }: ControlAnswer): void {
    const record = watchId === TO_ALL ? undefined : this.#current.get(watchId);
    if (record === undefined) this.progress.push(revision);
    const told = record === undefined ? [...this.#current.values()] : [record];
    for (const watcher of told) {
      if (watcher.isEnded) continue;
      const last = watcher.revisions.at(-1) ?? 0;
      if (revision < last) this.#problem(`progress to ${revision} after events of ${last}`);
      watcher.promised = Math.max(watcher.promised, revision);
    }
  }

  #problem(what: string, answer?: { readonly message: WatchResponse }): void {
    const shown = answer === undefined ? "" : `: ${describeMessage(answer.message)}`;
    this.problems.push(`${what}${shown}`);
  }
}

/** The bytes of each event. */
function eventsOf(response: Uint8Array): Uint8Array[] {
  const events: Uint8Array[] = [];
  const reader = new Reader(response);
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === EVENTS_TAG) events.push(reader.bytes());
    else reader.skip(tag, "WatchResponse", {});
  }
  return events;
}
