/**
 * watch: how fast watchers are created, and then how fast they get the events of puts to what they watch.
 *
 * Source: etcd tools/benchmark/cmd/watch.go (3.5).
 */
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import { Prng } from "../../stdx/prng.ts";
import { createPutRequest, encodePutRequest } from "../../wire/gen/rpc.ts";
import { KVService } from "../../wire/gen/services.ts";
import { byteString } from "../byte-text.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { Bodies, keyOf, keySpaceOf } from "./key-space.ts";
import { LatencyReport, type LoadFigures } from "./latency-report.ts";
import { CALLS_MAX, KEPT_KEYS_MAX, STREAMS_MAX } from "./limits.ts";
import type { LoadConnection } from "./load-connection.ts";
import { callersOn } from "./run-load.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";
import {
  ConnectionOpener,
  isJson,
  numberOf,
  openBar,
  openReport,
  rateOf,
  refuse,
  showReport,
  totalOf,
} from "./settings.ts";
import { watchBody, WatchStreams } from "./watch-streams.ts";

/** Streams of one connection, as many as other servers allow. */
const STREAMS_PER_CONNECTION = 100;

const PUT_VALUE = bytesFromUtf8("data");

/** What is watched, by turn, and how many watchers each key gets. */
interface Watched {
  /** Numbers of keys; a number may be there more than once. */
  readonly numbers: readonly number[];
  readonly keyAt: (turn: number) => Uint8Array;
  /** How many watchers there are, by number of the key. */
  readonly watchers: Map<number, number>;
}

/** What both parts work with; they follow one another, and each has what comes told to itself. */
interface WatchRun {
  readonly session: BenchmarkSession;
  readonly call: BenchmarkCall;
  readonly streamCount: number;
  readonly perStream: number;
  readonly watched: Watched;
  onCreated: (stream: number) => void;
  onEvents: (count: number) => void;
  /** Why it could not be done to its end. */
  failure: string | undefined;
}

export async function runWatch(session: BenchmarkSession, call: BenchmarkCall): Promise<void> {
  const { flags } = call;
  const run: WatchRun = {
    session,
    call,
    streamCount: numberOf(flags, "streams", 1, STREAMS_MAX),
    perStream: numberOf(flags, "watch-per-stream", 0, CALLS_MAX),
    watched: watchedOf(session, call),
    onCreated: () => undefined,
    onEvents: () => undefined,
    failure: undefined,
  };
  warnOfStreams(run);
  const opener = await ConnectionOpener.create(session, call);
  const connections = await opener.openForCallers(call);
  const streams = new WatchStreams(connections, run.streamCount, {
    onCreated: (stream) => run.onCreated(stream),
    onEvents: (count) => run.onEvents(count),
  });
  const show = (title: string, name: string, figures: LoadFigures): void => {
    if (!isJson(call)) session.io.out(`${title}\n`);
    showReport(session, call, name, figures);
  };
  try {
    const created = await createWatchers(run, streams);
    show("Watch creation summary:", "watch-create", created);
    if (run.failure !== undefined) return refuse(byteString(run.failure));
    if (session.interruption.hasCome) return;
    const received = await putToWatched(run, streams, connections);
    show("Watch events received summary:", "watch-events", received);
    if (run.failure !== undefined) refuse(byteString(run.failure));
  } finally {
    streams.close();
  }
}

/** Waits for `work`, a signal or the loss of a watcher, which is told to `report`. */
async function workOn(
  run: WatchRun,
  streams: WatchStreams,
  report: LatencyReport,
  work: Promise<unknown>,
): Promise<void> {
  try {
    await run.session.interruption.orDone(streams.orFailure(work));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    run.failure = error.message;
    report.failed(error.message);
  }
}

function watchedOf(session: BenchmarkSession, { flags }: BenchmarkCall): Watched {
  const space = keySpaceOf(flags);
  const random = new Prng(session.random.below(2 ** 32));
  const isSequential = flags.getBool("sequential-keys");
  const count = numberOf(flags, "watched-key-total", 1, KEPT_KEYS_MAX);
  const numbers = Array.from({ length: count }, (_, i) =>
    isSequential ? i % space.size : random.below(space.size),
  );
  const keyAt = (turn: number): Uint8Array => keyOf(space, numbers[turn % count]);
  return { numbers, keyAt, watchers: new Map() };
}

function warnOfStreams({ session, call, streamCount }: WatchRun): void {
  const have = Math.min(
    Number(call.flags.getInteger("clients")),
    Number(call.flags.getInteger("conns")),
  );
  const need = 1 + Math.floor(streamCount / STREAMS_PER_CONNECTION);
  if (have >= need) return;
  session.io.error(
    `warning: grpc limits ${STREAMS_PER_CONNECTION} streams per client connection, ` +
      `have ${have} but need ${need}\n`,
  );
}

/** On every stream one watcher after the other: the next is asked for when the one before is there. */
async function createWatchers(run: WatchRun, streams: WatchStreams): Promise<LoadFigures> {
  const { session, call, watched, streamCount, perStream } = run;
  const { clock } = session;
  const report = openReport(session, call);
  const bar = openBar(session);
  const total = streamCount * perStream;
  const startsMs = new Float64Array(streamCount);
  const left = new Array<number>(streamCount).fill(perStream);
  let turn = 0;
  const create = (stream: number): void => {
    if (left[stream]-- === 0) return;
    const number = watched.numbers[turn % watched.numbers.length];
    watched.watchers.set(number, (watched.watchers.get(number) ?? 0) + 1);
    startsMs[stream] = clock.nowMs();
    streams.add(stream, watchBody(watched.keyAt(turn++)));
  };
  const startMs = clock.nowMs();
  if (total > 0) {
    const created = new Promise<void>((resolve) => {
      run.onCreated = (stream) => {
        report.took(startsMs[stream], clock.nowMs());
        bar?.show(report.count, total);
        if (report.count === total) resolve();
        else create(stream);
      };
      for (let stream = 0; stream < streamCount; stream++) create(stream);
    });
    await workOn(run, streams, report, created);
  }
  bar?.clear();
  return report.figures(clock.nowMs() - startMs);
}

/** Puts to what is watched. An event takes no time by itself: how many come per second is what counts. */
async function putToWatched(
  run: WatchRun,
  streams: WatchStreams,
  connections: readonly LoadConnection[],
): Promise<LoadFigures> {
  const { session, call, watched } = run;
  const { clock } = session;
  const { numbers } = watched;
  const total = totalOf(call.flags, "put-total");
  const report = openReport(session, call);
  const bar = openBar(session);
  let wanted = 0;
  for (let i = 0; i < total; i++) wanted += watched.watchers.get(numbers[i % numbers.length]) ?? 0;
  const startMs = clock.nowMs();
  const received = new Promise<void>((resolve) => {
    if (wanted === 0) resolve();
    run.onEvents = (count) => {
      report.happened(count, clock);
      bar?.show(report.count, wanted);
      if (report.count >= wanted) resolve();
    };
  });
  const bodies = new Bodies((at) =>
    encodePutRequest(createPutRequest({ key: watched.keyAt(at), value: PUT_VALUE })),
  );
  const load = {
    path: KVService.put.path,
    total,
    perSecond: rateOf(call.flags, "put-rate"),
    body: (index: number) => bodies.get(index % numbers.length),
  };
  const loop = new ClosedLoop(load, clock);
  const puts = new LatencyReport();
  const work = async (): Promise<void> => {
    await loop.run(callersOn(connections, puts));
    for (const message of puts.errors.keys()) throw new Error(message);
    await received;
  };
  await workOn(run, streams, report, work());
  loop.stop();
  bar?.clear();
  return report.figures(clock.nowMs() - startMs);
}
