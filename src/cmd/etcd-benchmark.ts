#!/usr/bin/env node
/**
 * etcd-benchmark: the load generator.
 */
import { systemClock } from "../platform/clock.ts";
import { installPlatformBytes } from "../platform/native-bytes.ts";
import { runBenchmark } from "./etcd-benchmark/main.ts";
import { lazyRandom } from "./lazy-random.ts";
import { endWith } from "./end-with.ts";
import { processIo } from "./node-io.ts";

installPlatformBytes();
endWith(
  runBenchmark({
    io: processIo(),
    clock: systemClock,
    random: lazyRandom,
    openConnector: async (tls) => (await import("./socket-connector.ts")).socketConnector(tls),
    cleanups: [],
  }),
);
