/** Our etcdctl without a process of its own: the same code behind the entry, with memory for the streams. */
import { runEtcdctl } from "../../src/cmd/etcdctl/main.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemFiles } from "../../src/cmd/system-files.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { runInMemory } from "./memory-io.ts";
import type { RunOptions, RunResult } from "./processes.ts";

/** Runs our etcdctl to its end. */
export function runOurEtcdctl(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return runInMemory(args, options, (io) =>
    runEtcdctl({
      io,
      clock: systemClock,
      random: systemRandom,
      openConnector: (tls) => Promise.resolve(socketConnector(tls)),
      openFiles: () => Promise.resolve(systemFiles(() => undefined)),
      cleanups: [],
    }),
  );
}
