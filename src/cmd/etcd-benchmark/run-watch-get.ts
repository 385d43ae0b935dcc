/**
 * watch-get: serializable reads, one after the other, while many watchers catch up with events of the past.
 *
 * Source: etcd tools/benchmark/cmd/watch_get.go (3.5).
 */
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import { KVService } from "../../wire/gen/services.ts";
import { byteString } from "../byte-text.ts";
import type { LatencyReport } from "./latency-report.ts";
import { CALLS_MAX, STREAMS_MAX } from "./limits.ts";
import type { LoadConnection } from "./load-connection.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";
import {
  ConnectionOpener,
  isJson,
  numberOf,
  openBar,
  openReport,
  refuse,
  showReport,
} from "./settings.ts";
import { watchBody, WatchStreams } from "./watch-streams.ts";

const WATCHED_KEY = bytesFromUtf8("watchkey");
const READ_KEY = bytesFromUtf8("abc");

export async function runWatchGet(session: BenchmarkSession, call: BenchmarkCall): Promise<void> {
  const { flags } = call;
  const { clock } = session;
  const watchers = numberOf(flags, "watchers", 0, CALLS_MAX);
  const streamCount = numberOf(flags, "streams", 1, STREAMS_MAX);
  const eventsEach = numberOf(flags, "events", 0, CALLS_MAX);
  const wanted = watchers * eventsEach;
  const opener = await ConnectionOpener.create(session, call);
  const connections = await opener.openForCallers(call);
  const reading = await opener.open();
  const report = openReport(session, call);
  const bar = openBar(session);
  let isCaughtUp = (): void => undefined;
  const caughtUp = new Promise<void>((resolve) => {
    isCaughtUp = resolve;
  });
  let seen = 0;
  const streams = new WatchStreams(connections, streamCount, {
    onCreated: () => undefined,
    onEvents: (count) => {
      seen += count;
      bar?.show(seen, wanted);
      if (seen >= wanted) isCaughtUp();
    },
  });
  let failure: string | undefined;
  let startMs = clock.nowMs();
  try {
    const body = watchBody(WATCHED_KEY, await putEvents(connections[0], eventsEach));
    startMs = clock.nowMs();
    if (wanted > 0) {
      for (let i = 0; i < watchers; i++) streams.add(i % streamCount, body);
      const stop = readUntilStopped(session, reading, report);
      try {
        await session.interruption.orDone(streams.orFailure(caughtUp));
      } finally {
        await stop();
      }
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    failure = byteString(error.message);
    report.failed(error.message);
  } finally {
    streams.close();
    bar?.clear();
  }
  const figures = report.figures(clock.nowMs() - startMs);
  if (!isJson(call)) session.io.out("Get during watch summary:\n");
  showReport(session, call, "watch-get", figures);
  if (failure !== undefined) refuse(failure);
}

/** Puts what watchers are to see. Returns the revision of the first event, 0 where there is none. */
async function putEvents(connection: LoadConnection, count: number): Promise<number> {
  let first = 0;
  for (let i = 0; i < count; i++) {
    const value = bytesFromUtf8(String(i));
    const { header } = await connection.ask(KVService.put, { key: WATCHED_KEY, value });
    if (i === 0) first = header?.revision ?? 0;
  }
  return first;
}

/** Reads again and again, at least once. Returns how to stop, which waits for the read that is under way. */
function readUntilStopped(
  { clock }: BenchmarkSession,
  connection: LoadConnection,
  report: LatencyReport,
): () => Promise<void> {
  let isStopped = false;
  const read = async (): Promise<void> => {
    while (!isStopped) {
      const startMs = clock.nowMs();
      await connection.ask(KVService.range, { key: READ_KEY, serializable: true });
      report.took(startMs, clock.nowMs());
    }
  };
  const reading = read().catch((error: unknown) => {
    if (!(error instanceof Error)) throw error;
    report.failed(error.message);
  });
  return () => {
    isStopped = true;
    return reading;
  };
}
