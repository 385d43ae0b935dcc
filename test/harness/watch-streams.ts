/**
 * Watch streams that are open on two servers with the same history: the same requests to both, and what both
 * say of it. How many revisions come in one response, and how far its header is, are a server's own affair;
 * everything else that a client can rely on must be the same, and what the log of all events says.
 */
import { equalBytes } from "../../src/stdx/bytes.ts";
import { decodeEvent, encodeEvent } from "../../src/wire/gen/kv.ts";
import {
  createWatchCancelRequest,
  createWatchCreateRequest,
  createWatchRequest,
  encodeWatchRequest,
  type WatchCreateRequest,
  type WatchRequestRequestUnion,
} from "../../src/wire/gen/rpc.ts";
import { WatchService } from "../../src/wire/gen/services.ts";
import { describeMessage } from "./answer-difference.ts";
import { type EventLog, Expectation, isSameEvent, loggedEvent } from "./event-log.ts";
import type { RawCaller, OpenStream } from "./raw-calls.ts";
import type { Pair } from "./twin-servers.ts";
import { type ControlAnswer, WatchRecorder, type WatcherRecord } from "./watch-recorder.ts";

/** Milliseconds that a server may take; etcd looks every 100 ms after watchers of the past. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Milliseconds between two requests for progress: etcd ignores those that come too early. */
const PROGRESS_RETRY_MS = 50;

/** One watcher, on both servers. */
export interface PairedWatcher {
  readonly request: WatchCreateRequest;
  readonly records: Pair<WatcherRecord>;
  readonly expectation: Expectation;
  /** Whether it began before what is left of history, and so ends by itself. */
  readonly isTooLate: boolean;
  /** Cancelled, with all events before it or in the middle of them. */
  end: "none" | "clean" | "cut";
  /** Events that were compared. */
  compared: number;
}

/** One side of a stream. */
interface Side {
  readonly name: string;
  readonly recorder: WatchRecorder;
  readonly stream: OpenStream;
}

export class PairedStream {
  /** Those that live, and those that have ended since the last comparison. */
  watchers: PairedWatcher[] = [];
  /**
   * Ids that nobody should get again: etcd hands events on their way to a watcher that was cancelled to the
   * next one of the same number.
   */
  readonly burntIds = new Set<bigint>();
  /** Events of the real server that lack what was before. */
  forgotten = 0;
  readonly #sides: Pair<Side>;
  readonly #differences: string[] = [];
  #isCatchingUp = false;

  constructor(callers: Pair<RawCaller>) {
    const [real, ours] = callers;
    this.#sides = [openSide("real", real), openSide("ours", ours)];
  }

  /** The recorders of the real server and of ours. */
  get recorders(): Pair<WatchRecorder> {
    return [this.#sides[0].recorder, this.#sides[1].recorder];
  }

  /** Those of its watchers that were not cancelled. */
  get living(): PairedWatcher[] {
    return this.watchers.filter(({ end }) => end === "none");
  }

  /**
   * Asks for a watcher of what is in `log`, when the store is compacted at `compactRevision`, and waits for
   * the answers.
   */
  async create(
    request: WatchCreateRequest,
    log: EventLog,
    { compactRevision }: { readonly compactRevision: number },
  ): Promise<void> {
    const counts = this.recorders.map(countOf);
    this.#send({ case: "createRequest", value: createWatchCreateRequest(request) });
    const answered = await this.#until((recorder, side) => countOf(recorder) > counts[side]);
    if (!answered) {
      this.#differ("no answer", request);
      return;
    }
    const answers = this.recorders.map(newestAnswer) as unknown as Pair<ControlAnswer>;
    if (!isSameControl(answers)) this.#differ(describeControls(answers), request);
    if (answers.some(({ message }) => message.canceled)) return;
    const records = this.recorders.map(({ watchers }) => watchers.at(-1)) as unknown;
    const { startRevision } = request;
    const { revision } = answers[0];
    if (startRevision !== 0 && startRevision <= revision) this.#isCatchingUp = true;
    this.watchers.push({
      request,
      records: records as Pair<WatcherRecord>,
      expectation: new Expectation(log, request, revision),
      isTooLate: startRevision !== 0 && startRevision < compactRevision,
      end: "none",
      compared: 0,
    });
  }

  /** Cancels a watcher, when the store is at `revision`, and waits for the answers. */
  async cancel(watcher: PairedWatcher, revision: number, isSettled: boolean): Promise<void> {
    const counts = watcher.records.map(({ answers }) => answers.length);
    this.#sendCancel(watcher.records[0].id);
    watcher.end = isSettled ? "clean" : "cut";
    watcher.expectation.endAt(revision);
    if (!isSettled) this.burntIds.add(watcher.records[0].id);
    const answered = await this.#until((_, side) => {
      return watcher.records[side].answers.length > counts[side];
    });
    if (!answered) this.#differ("no answer to a cancellation", watcher.request);
  }

  /** Cancels a watcher that is not there, to which nobody answers; nothing is done when it is. */
  cancelUnknown(id: bigint): void {
    if (!this.living.some(({ records }) => records[0].id === id)) this.#sendCancel(id);
  }

  askProgress(): void {
    this.#send({ case: "progressRequest", value: {} });
  }

  /** A request without content. */
  askNothing(): void {
    this.#send(undefined);
  }

  setReceiving(receiving: boolean): void {
    for (const { stream } of this.#sides) stream.setReceiving(receiving);
  }

  /**
   * Asks for progress until both servers have answered, which they do when no watcher of the stream has to
   * catch up with the past, waits for the future, or has ended without being cancelled.
   */
  async untilProgress(milliseconds = ANSWER_TIMEOUT_MS): Promise<boolean> {
    // One answer may be on its way to a request from before.
    const wanted = this.recorders.map(({ progress }) => progress.length + 2);
    const deadline = Date.now() + milliseconds;
    do {
      this.askProgress();
      const wait = (recorder: WatchRecorder, side: number): Promise<boolean> =>
        recorder.until(() => recorder.progress.length >= wanted[side], PROGRESS_RETRY_MS);
      const met = await Promise.all(this.recorders.map(wait));
      if (met.every(Boolean)) return true;
    } while (Date.now() < deadline);
    return false;
  }

  /**
   * Waits until both servers have said all that they must say up to `revision`. Watchers that ended by themselves are
   * cancelled, and then those of the past have caught up also where there was nothing to tell.
   */
  async settle(revision: number): Promise<void> {
    for (const watcher of this.living) {
      const { expectation, records, isTooLate } = watcher;
      expectation.grow();
      await this.#until((_, side) => {
        const { events, isEnded } = records[side];
        return isTooLate ? isEnded : events.length >= expectation.events.length;
      });
      if (isTooLate) await this.cancel(watcher, revision, true);
    }
    if (!this.#isCatchingUp) return;
    // A stream without watchers is not told of progress.
    const isTold = this.living.length === 0 || (await this.untilProgress());
    if (!isTold) this.#differences.push("no answer to a request for progress");
    this.#isCatchingUp = false;
  }

  /** What the servers have said differently so far, and which promises they broke. */
  differences(): string[] {
    for (const watcher of this.watchers) this.#compare(watcher);
    this.watchers = this.living;
    for (const { name, recorder } of this.#sides) {
      for (const problem of recorder.problems.splice(0)) {
        this.#differences.push(`${name}: ${problem}`);
      }
    }
    const [real, ours] = this.recorders;
    if (real.refusals.length !== ours.refusals.length) {
      this.#differences.push(`refused ${real.refusals.length} and ${ours.refusals.length} times`);
    }
    return this.#differences;
  }

  close(): void {
    for (const { stream, recorder } of this.#sides) {
      recorder.close();
      stream.cancel();
    }
  }

  #compare(watcher: PairedWatcher): void {
    const { request, records, expectation, isTooLate, end } = watcher;
    const [real, ours] = records;
    expectation.grow();
    if (!isSameControls(real.answers, ours.answers)) {
      const said = records.map(({ answers }) => answers.map(({ message }) => message));
      this.#differ(`answers ${describeMessage(said)}`, request);
    }
    const expected = isTooLate ? [] : expectation.events;
    for (const [side, { events }] of records.entries()) {
      const length = end === "cut" ? Math.min(events.length, expected.length) : expected.length;
      const from = this.#sides[side].name;
      if (events.length !== length) {
        const newest = events.length === 0 ? "none" : shown(events[events.length - 1]);
        this.#differ(`${from}: ${events.length} of ${length} events, the last ${newest}`, request);
      }
      for (let at = watcher.compared; at < Math.min(events.length, length); at++) {
        if (isSameEvent(loggedEvent(events[at]), expected[at])) continue;
        this.#differ(`${from}: event ${at} ${shown(events[at])}`, request);
        break;
      }
    }
    const common = Math.min(real.events.length, ours.events.length);
    for (; watcher.compared < common; watcher.compared++) {
      const [a, b] = records.map(({ events }) => events[watcher.compared]);
      if (equalBytes(a, b) || this.#isForgotten(a, b)) continue;
      this.#differ(`event ${watcher.compared}: real ${shown(a)}, ours ${shown(b)}`, request);
      return;
    }
  }

  /** Now and then etcd loses a race of its own, and an event of it comes without what was before. */
  #isForgotten(real: Uint8Array, ours: Uint8Array): boolean {
    const event = decodeEvent(real);
    const { prevKv } = decodeEvent(ours);
    if (event.prevKv !== undefined || prevKv === undefined) return false;
    if (!equalBytes(encodeEvent({ ...event, prevKv }), ours)) return false;
    this.forgotten++;
    return true;
  }

  #differ(what: string, request: WatchCreateRequest): void {
    this.#differences.push(`${what}\nof watcher ${describeMessage(request)}`);
  }

  #sendCancel(watchId: bigint): void {
    this.#send({ case: "cancelRequest", value: createWatchCancelRequest({ watchId }) });
  }

  #send(requestUnion: WatchRequestRequestUnion | undefined): void {
    const body = encodeWatchRequest(createWatchRequest({ requestUnion }));
    for (const { stream } of this.#sides) stream.send(body);
  }

  async #until(isMet: (recorder: WatchRecorder, side: number) => boolean): Promise<boolean> {
    const wait = (recorder: WatchRecorder, side: number): Promise<boolean> =>
      recorder.until(() => isMet(recorder, side), ANSWER_TIMEOUT_MS);
    return (await Promise.all(this.recorders.map(wait))).every(Boolean);
  }
}

function openSide(name: string, caller: RawCaller): Side {
  const recorder = new WatchRecorder();
  const stream = caller.open(WatchService.watch.path, {
    onMessage: (body) => recorder.receive(body),
    onEnd: (code, text) => recorder.ended(code, text),
  });
  return { name, recorder, stream };
}

function countOf({ watchers, refusals }: WatchRecorder): number {
  return watchers.length + refusals.length;
}

/** Of the two lists only one has grown since the last request. */
function newestAnswer({ newest }: WatchRecorder): ControlAnswer {
  if (newest === undefined) throw new Error("There is no answer yet");
  return newest;
}

function isSameControls(a: readonly ControlAnswer[], b: readonly ControlAnswer[]): boolean {
  return a.length === b.length && a.every((answer, at) => isSameControl([answer, b[at]]));
}

function isSameControl([a, b]: Pair<ControlAnswer>): boolean {
  return a.revision === b.revision && equalBytes(a.rest, b.rest);
}

function describeControls([real, ours]: Pair<ControlAnswer>): string {
  return `real ${describeMessage(real.message)}, ours ${describeMessage(ours.message)}`;
}

function shown(event: Uint8Array): string {
  return describeMessage(decodeEvent(event));
}
