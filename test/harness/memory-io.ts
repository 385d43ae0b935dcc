/** The streams of a tool in memory: hundreds of runs take a second, and a debugger can follow them. */
import { Readable } from "node:stream";
import { byteString } from "../../src/cmd/byte-text.ts";
import type { ToolIo } from "../../src/cmd/tool-io.ts";
import type { MemoryRunOptions, RunResult } from "./processes.ts";

/** Runs a tool with these words, and gathers what it writes. `run` returns its exit code. */
export async function runInMemory(
  args: readonly string[],
  { input = new Uint8Array(), environment = {}, interrupted }: MemoryRunOptions,
  run: (io: ToolIo) => Promise<number>,
): Promise<RunResult> {
  let stdout = "";
  let stderr = "";
  let unread = input;
  const code = await run({
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
    isTerminal: false,
    read: (bytesMax) => {
      const chunk = unread.subarray(0, bytesMax);
      unread = unread.subarray(chunk.length);
      return chunk;
    },
    input: () => Readable.from([input]),
    execute: () => Promise.resolve({ reason: "no programs are run here", code: 1 }),
    onInterrupt: (listener) => {
      void interrupted?.then(() => listener("SIGINT"));
      return () => undefined;
    },
    hiddenLine: () => undefined,
  });
  return { code, stdout: Buffer.from(stdout, "latin1"), stderr: Buffer.from(stderr, "latin1") };
}
