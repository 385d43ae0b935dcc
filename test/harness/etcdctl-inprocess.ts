/**
 * Our etcdctl without a process of its own: the same code behind the entry, with memory for the streams.
 * Hundreds of runs take a second, and a debugger can follow them.
 */
import { byteString } from "../../src/cmd/byte-text.ts";
import { runEtcdctl } from "../../src/cmd/etcdctl/main.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { RunOptions, RunResult } from "./processes.ts";

/** Runs our etcdctl to its end. */
export async function runOurEtcdctl(
  args: readonly string[],
  { input = new Uint8Array(), environment = {} }: RunOptions = {},
): Promise<RunResult> {
  let stdout = "";
  let stderr = "";
  let unread = input;
  const code = await runEtcdctl({
    io: {
      args: args.map(byteString),
      environment: Object.entries(environment).map(([name, value]) => ({
        name: byteString(name),
        value: byteString(value),
      })),
      out: (text) => {
        stdout += text;
      },
      error: (text) => {
        stderr += text;
      },
      read: (bytesMax) => {
        const chunk = unread.subarray(0, bytesMax);
        unread = unread.subarray(chunk.length);
        return chunk;
      },
      withoutEcho: (ask) => ask(),
    },
    clock: systemClock,
    random: systemRandom,
    openConnector: (tls) => Promise.resolve(socketConnector(tls)),
    cleanups: [],
  });
  return { code, stdout: Buffer.from(stdout, "latin1"), stderr: Buffer.from(stderr, "latin1") };
}
