/** Our etcdutl without a process of its own: the same code behind the entry, with memory for the streams. */
import { runEtcdutl } from "../../src/cmd/etcdutl/main.ts";
import { systemFiles } from "../../src/cmd/system-files.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { runInMemory } from "./memory-io.ts";
import type { RunResult } from "./processes.ts";

/** Runs our etcdutl to its end. */
export function runOurEtcdutl(args: readonly string[]): Promise<RunResult> {
  const files = systemFiles(() => undefined);
  return runInMemory(args, {}, (io) => runEtcdutl({ io, clock: systemClock, ...files }));
}
