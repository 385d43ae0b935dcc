#!/usr/bin/env node
/**
 * etcdutl: work on the files of members that do not run.
 */
import { systemClock } from "../platform/clock.ts";
import { sha1, sha256 } from "../platform/digest.ts";
import { SystemDisk } from "../platform/disk.ts";
import { installPlatformBytes } from "../platform/native-bytes.ts";
import { runEtcdutl } from "./etcdutl/main.ts";
import { processIo } from "./node-io.ts";

installPlatformBytes();
const io = processIo();
const code = await runEtcdutl({
  io,
  clock: systemClock,
  disk: new SystemDisk({ warn: (message) => io.error(`${message}\n`) }),
  sha1,
  sha256,
});
process.exit(code);
