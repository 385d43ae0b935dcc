/**
 * The process as a tool sees it. Everything is synchronous and goes straight to the file descriptors: the
 * stream objects of Node take longer to load than a small command takes to run.
 */
import { Buffer } from "node:buffer";
import fs from "node:fs";
import { byteString } from "./byte-text.ts";
import type { Interrupt, ToolIo } from "./tool-io.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** How long to wait before a descriptor that is not ready is tried again. */
const RETRY_MS = 5;

export function processIo(): ToolIo {
  return {
    args: rawArguments(),
    environment: Object.entries(process.env).map(([name, value]) => ({
      name: byteString(name),
      value: byteString(value ?? ""),
    })),
    out: (text) => writeAll(STDOUT, text),
    error: (text) => writeAll(STDERR, text),
    get isTerminal() {
      return process.getBuiltinModule("node:tty").isatty(STDERR);
    },
    read: readSome,
    input: () => process.stdin,
    execute: async (...of) => (await import("./execute.ts")).execute(...of),
    onInterrupt,
    hiddenLine,
  };
}

/**
 * The arguments as bytes. Node decodes them as UTF-8 and loses what is not; where that happened the kernel's
 * own copy is read, if the system has one.
 */
function rawArguments(): string[] {
  const decoded = process.argv.slice(2);
  if (!decoded.some((word) => word.includes("\ufffd"))) return decoded.map(byteString);
  try {
    const words = fs.readFileSync("/proc/self/cmdline", "latin1").split("\0").slice(0, -1);
    return words.slice(words.length - decoded.length);
  } catch {
    // No such file on this system: the decoded form is all there is.
    return decoded.map(byteString);
  }
}

function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(descriptor, bytes, at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      // The reader has gone: nobody is left to tell, as for a program that ends by SIGPIPE.
      if (code === "EPIPE") process.exit(128 + 13);
      if (code !== "EAGAIN") throw error;
      pause();
    }
  }
}

function readSome(bytesMax: number): Uint8Array {
  const bytes = new Uint8Array(bytesMax);
  for (;;) {
    try {
      return bytes.subarray(0, fs.readSync(STDIN, bytes));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EOF") return bytes.subarray(0, 0);
      if (code !== "EAGAIN") throw error;
      pause();
    }
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
}

function onInterrupt(listener: (signal: Interrupt) => void): () => void {
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.removeListener(signal, listener);
  };
}

/** Exit code of the tool when a hidden prompt is interrupted, as of etcd's. */
const INTERRUPTED_PROMPT = 255;

/**
 * Another program waits for the line, because a signal cannot interrupt this one while it reads: it would end without
 * giving the terminal its echo back.
 */
function hiddenLine(prompt: string): string | undefined {
  if (!process.getBuiltinModule("node:tty").isatty(STDIN)) return undefined;
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const stty = (mode: string): void => {
    spawnSync("stty", [mode], { stdio: ["inherit", "ignore", "ignore"] });
  };
  const signals = ["SIGINT", "SIGQUIT"] as const;
  const survive = (): void => undefined;
  for (const signal of signals) process.on(signal, survive);
  stty("-echo");
  // Not before: who types at once must not be shown either.
  writeAll(STDOUT, prompt);
  const { stdout, signal } = spawnSync("head", ["-n", "1"], {
    stdio: ["inherit", "pipe", "inherit"],
    encoding: "latin1",
  });
  stty("echo");
  for (const each of signals) process.removeListener(each, survive);
  if (signal !== null) process.exit(INTERRUPTED_PROMPT);
  return stdout.replace(/\n$/, "");
}
