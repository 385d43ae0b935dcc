#!/usr/bin/env node
/**
 * etcdutl: work on the files of members that do not run.
 */
import { briefClock } from "../platform/clock.ts";
import { installPlatformBytes } from "../platform/native-bytes.ts";
import { runEtcdutl } from "./etcdutl/main.ts";
import { endWith } from "./end-with.ts";
import { processIo } from "./node-io.ts";
import { systemFiles } from "./system-files.ts";

installPlatformBytes();
const io = processIo();
const files = systemFiles((message) => io.error(`${message}\n`));
endWith(runEtcdutl({ io, clock: briefClock, ...files }));
