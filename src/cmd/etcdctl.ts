#!/usr/bin/env node
/**
 * etcdctl: the command line client.
 */
import { briefClock } from "../platform/clock.ts";
import { installPlatformBytes } from "../platform/native-bytes.ts";
import { runEtcdctl } from "./etcdctl/main.ts";
import { lazyRandom } from "./lazy-random.ts";
import { endWith } from "./end-with.ts";
import { processIo } from "./node-io.ts";

installPlatformBytes();
const io = processIo();
const warn = (message: string): void => io.error(`${message}\n`);
endWith(
  runEtcdctl({
    io,
    clock: briefClock,
    random: lazyRandom,
    openConnector: async (tls) => (await import("./socket-connector.ts")).socketConnector(tls),
    openFiles: async () => (await import("./system-files.ts")).systemFiles(warn),
    cleanups: [],
  }),
);
