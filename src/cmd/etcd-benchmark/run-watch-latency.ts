/**
 * watch-latency: puts to one key, one after the other, and how long after its answer the event of each is at
 * every watcher.
 *
 * As in 3.5 there is a watcher for each caller, and a put waits until the event of the one before is everywhere. With one
 * of the flags of 3.6 that say how many there are it is as in 3.6: puts go on, and have a report of their own.
 *
 * Differs from etcd: `--put-rate=0` is no limit; there nothing is put.
 *
 * Source: etcd tools/benchmark/cmd/watch_latency.go (3.5, 3.6).
 */
import { KVService } from "../../wire/gen/services.ts";
import { byteString } from "../byte-text.ts";
import { Pacer } from "../pacer.ts";
import { Arrivals } from "./arrivals.ts";
import type { LatencyReport } from "./latency-report.ts";
import { CALLS_MAX, KEY_BYTES_MAX, STREAMS_MAX, VALUE_BYTES_MAX } from "./limits.ts";
import type { LoadConnection } from "./load-connection.ts";
import { randomValue } from "./run-put.ts";
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

/** How much is done, and in which way. */
interface LatencyLoad {
  readonly streamCount: number;
  readonly perStream: number;
  readonly total: number;
  /** Whether it is done as in 3.6. */
  readonly isLater: boolean;
}

export async function runWatchLatency(
  session: BenchmarkSession,
  call: BenchmarkCall,
): Promise<void> {
  const { clock, interruption } = session;
  const load = latencyLoadOf(call);
  const work = await openWork(session, call, load);
  const puts = openReport(session, call);
  const report = openReport(session, call);
  const bar = openBar(session);
  let startMs = clock.nowMs();
  let failure: string | undefined;
  const measure = async (): Promise<void> => {
    await work.create();
    startMs = clock.nowMs();
    for (let done = 0; done < load.total && !interruption.hasCome; done++) {
      await work.put(done, puts);
      bar?.show(done + 1, load.total);
    }
    await work.arrivals.untilSeen(load.total);
  };
  try {
    await interruption.orDone(work.streams.orFailure(measure()));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    failure = byteString(error.message);
    report.failed(error.message);
  } finally {
    work.streams.close();
    bar?.clear();
  }
  const tookMs = clock.nowMs() - startMs;
  work.arrivals.report(report);
  const show = (title: string, name: string, from: LatencyReport): void => {
    if (!isJson(call) && load.isLater) session.io.out(`\n${title}:\n`);
    showReport(session, call, name, from.figures(tookMs));
  };
  if (load.isLater) show("Put summary", "watch-latency-put", puts);
  show("Watch events summary", load.isLater ? "watch-latency-watch" : "watch-latency", report);
  if (failure !== undefined) refuse(`Failed to Put for watch latency benchmark: ${failure}`);
}

function latencyLoadOf({ flags }: BenchmarkCall): LatencyLoad {
  const isLater = ["streams", "watchers-per-stream", "put-total"].some((name) =>
    flags.isChanged(name),
  );
  const load = isLater
    ? {
        streamCount: numberOf(flags, "streams", 1, STREAMS_MAX),
        perStream: numberOf(flags, "watchers-per-stream", 0, CALLS_MAX),
        total: totalOf(flags, "put-total"),
      }
    : { streamCount: Number(flags.getInteger("clients")), perStream: 1, total: totalOf(flags) };
  const events = load.streamCount * load.perStream * load.total;
  if (events > CALLS_MAX) refuse(`expected no more than ${CALLS_MAX} events, got (${events})`);
  return { ...load, isLater };
}

/** The steps of the load, with everything they need open. */
interface Work {
  readonly streams: WatchStreams;
  readonly arrivals: Arrivals;
  create(): Promise<void>;
  put(number: number, puts: LatencyReport): Promise<void>;
}

async function openWork(
  session: BenchmarkSession,
  call: BenchmarkCall,
  load: LatencyLoad,
): Promise<Work> {
  const { flags } = call;
  const { clock } = session;
  const key = randomValue(session, numberOf(flags, "key-size", 1, KEY_BYTES_MAX));
  const value = randomValue(session, numberOf(flags, "val-size", 0, VALUE_BYTES_MAX));
  const rate = rateOf(flags, "put-rate");
  const opener = await ConnectionOpener.create(session, call);
  const connections = await opener.openForCallers(call);
  const putting: LoadConnection = await opener.open();
  const { streamCount, perStream, total, isLater } = load;
  const arrivals = new Arrivals(streamCount, perStream, total, () => clock.nowMs());
  const streams = new WatchStreams(connections, streamCount, arrivals);
  const pacer = rate > 0 ? new Pacer(rate, clock.nowMs()) : undefined;
  const body = watchBody(key, 0, flags.getBool("prevkv"));
  return {
    streams,
    arrivals,
    create: () => {
      for (let i = 0; i < streamCount; i++) {
        for (let j = 0; j < perStream; j++) streams.add(i, body);
      }
      return arrivals.untilCreated();
    },
    put: async (number, puts) => {
      if (pacer !== undefined) await pacer.permit(clock);
      const startMs = clock.nowMs();
      await putting.ask(KVService.put, { key, value });
      const endMs = clock.nowMs();
      puts.took(startMs, endMs);
      arrivals.acknowledged(endMs);
      if (!isLater) await arrivals.untilSeen(number + 1);
    },
  };
}
