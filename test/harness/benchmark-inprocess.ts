/** Our load generator without a process of its own: the same code behind the entry, with memory for the streams. */
import { runBenchmark } from "../../src/cmd/etcd-benchmark/main.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { runInMemory } from "./memory-io.ts";
import type { MemoryRunOptions, RunResult } from "./processes.ts";

/** Runs our load generator to its end. */
export function runOurBenchmark(
  args: readonly string[],
  options: MemoryRunOptions = {},
): Promise<RunResult> {
  return runInMemory(args, options, (io) =>
    runBenchmark({
      io,
      clock: systemClock,
      random: systemRandom,
      openConnector: (tls) => Promise.resolve(socketConnector(tls)),
      cleanups: [],
    }),
  );
}
