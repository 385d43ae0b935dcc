#!/usr/bin/env node
/**
 * etcdctl: the command line client.
 */
import { systemClock } from "../platform/clock.ts";
import { installPlatformBytes } from "../platform/native-bytes.ts";
import { systemRandom } from "../platform/random.ts";
import { runEtcdctl } from "./etcdctl/main.ts";
import { processIo } from "./node-io.ts";

installPlatformBytes();
const code = await runEtcdctl({
  io: processIo(),
  clock: systemClock,
  random: systemRandom,
  openConnector: async (tls) => (await import("./socket-connector.ts")).socketConnector(tls),
  cleanups: [],
});
// Everything is written; open sockets and timers must not keep the process.
process.exit(code);
