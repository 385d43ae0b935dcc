#!/usr/bin/env node
/**
 * The server program. Ends with status 0 after --help and --version, 1 when the member cannot start or
 * cannot go on, 2 for a flag that cannot be read, and by the signal that stopped it otherwise.
 */
import { installPlatformBytes } from "../platform/native-bytes.ts";
import { runServer } from "./run-server.ts";

installPlatformBytes();
await runServer();
