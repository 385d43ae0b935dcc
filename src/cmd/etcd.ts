#!/usr/bin/env node
/**
 * The server program, and the proxies behind its first words. Ends with status 0 after --help and --version, 1
 * when the member cannot start or cannot go on, 2 for a flag that cannot be read, and by the signal that stopped
 * it otherwise.
 */
import process from "node:process";
import { installPlatformBytes } from "../platform/native-bytes.ts";

installPlatformBytes();
const words = process.argv.slice(2);
void run();

async function run(): Promise<void> {
  if (words[0] === "gateway" || words[0] === "grpc-proxy") {
    await (await import("./proxy/main.ts")).runProxy(words);
  } else {
    await (await import("./run-server.ts")).runServer();
  }
}
