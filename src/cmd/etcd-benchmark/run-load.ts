/** Runs a load of unary calls with the connections and the progress bar that the flags ask for. */
import type { LatencyReport, LoadFigures } from "./latency-report.ts";
import { Caller, ClosedLoop, type Load } from "./closed-loop.ts";
import type { LoadConnection } from "./load-connection.ts";
import type { BenchmarkSession } from "./session.ts";
import { openBar } from "./settings.ts";

/** One caller on each of `connections`, which may be the same; all are counted in `report` at first. */
export function callersOn(
  connections: readonly LoadConnection[],
  report: LatencyReport,
): readonly Caller[] {
  return connections.map((connection) => new Caller(connection, report));
}

/** Makes all calls of `load`, or as many as there is time for. Returns how long that took, in milliseconds. */
export async function runLoad(
  session: BenchmarkSession,
  load: Load,
  callers: readonly Caller[],
): Promise<number> {
  const { clock, interruption } = session;
  const bar = openBar(session);
  const onProgress =
    bar === undefined ? undefined : (ended: number): void => bar.show(ended, load.total);
  const startMs = clock.nowMs();
  const loop = new ClosedLoop(load, clock);
  await interruption.orDone(loop.run(callers, onProgress));
  loop.stop();
  const tookMs = clock.nowMs() - startMs;
  bar?.clear();
  return tookMs;
}

/** As `runLoad`, with one caller on each connection and one report for all of them. */
export async function measureLoad(
  session: BenchmarkSession,
  load: Load,
  connections: readonly LoadConnection[],
  report: LatencyReport,
): Promise<LoadFigures> {
  return report.figures(await runLoad(session, load, callersOn(connections, report)));
}
