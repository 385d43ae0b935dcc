#!/usr/bin/env node
/**
 * etcd-benchmark: the load generator.
 */
import { systemClock } from "../platform/clock.ts";
import { installPlatformBytes } from "../platform/native-bytes.ts";
import { runBenchmark } from "./etcd-benchmark/main.ts";
import { lazyRandom } from "./lazy-random.ts";
import { processIo } from "./node-io.ts";

installPlatformBytes();
const code = await runBenchmark({
  io: processIo(),
  clock: systemClock,
  random: lazyRandom,
  openConnector: async (tls) => (await import("./socket-connector.ts")).socketConnector(tls),
  cleanups: [],
});
// Everything is written; open sockets and timers must not keep the process.
process.exit(code);
