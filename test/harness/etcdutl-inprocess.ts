/** Our etcdutl without a process of its own: the same code behind the entry, with memory for the streams. */
import { runEtcdutl } from "../../src/cmd/etcdutl/main.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { sha1, sha256 } from "../../src/platform/digest.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import { runInMemory } from "./memory-io.ts";
import type { RunResult } from "./processes.ts";

/** Runs our etcdutl to its end. */
export function runOurEtcdutl(args: readonly string[]): Promise<RunResult> {
  const disk = new SystemDisk({ warn: () => undefined });
  return runInMemory(args, {}, (io) => runEtcdutl({ io, clock: systemClock, disk, sha1, sha256 }));
}
