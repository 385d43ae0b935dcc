/** What work on files needs of the process besides streams and time. */
import type { Digest } from "../ports/digest.ts";
import type { Disk } from "../ports/disk.ts";
import type { HostLookup } from "../ports/network.ts";
import type { FileEnvironment } from "../snapshot/database-file.ts";
import { SnapshotError } from "../snapshot/snapshot-error.ts";
import type { Clock } from "../ports/clock.ts";
import { goQuote } from "../stdx/go-quote.ts";
import { humanBytes } from "../stdx/humanize.ts";
import { byteString } from "./byte-text.ts";
import { ExitCode, ToolExit } from "./tool-exit.ts";
import type { ToolIo } from "./tool-io.ts";

export interface FileTools {
  readonly disk: Disk;
  readonly sha1: (bytes: Uint8Array) => Uint8Array;
  readonly sha256: () => Digest;
  /** Names stay as they are written when absent. */
  readonly lookUpHost?: HostLookup;
}

/** A tool that works on files. */
export interface FileSession extends FileTools {
  readonly io: ToolIo;
  readonly clock: Clock;
  /** Milliseconds that the lock of a file is waited for; without end when absent. */
  readonly lockTimeoutMs?: number | undefined;
}

/** What reading a database file needs; who waits for its lock is told so, and what else could be done. */
export function fileEnvironment(
  { disk, clock, io, lockTimeoutMs }: FileSession,
  wayOut = "",
): FileEnvironment {
  return {
    disk,
    clock,
    lockTimeoutMs,
    onLockWait: (path) => {
      const shown = goQuote(byteString(path));
      io.error(`waiting for etcd to close and release its lock on ${shown}.${wayOut}\n`);
    },
  };
}

/** Bytes of a file from which on a person at a terminal is told that it is read. */
const TOLD_BYTES_MIN = 32 * 1024 * 1024;

/** Reads a file by `read`; a person at a terminal is told while it lasts. Its refusal ends the tool. */
export async function readFile<T>(
  session: FileSession,
  read: (environment: FileEnvironment) => Promise<T>,
): Promise<T> {
  const { io } = session;
  let isTold = false;
  const onRead = (path: string, bytes: number): void => {
    isTold = io.isTerminal && bytes >= TOLD_BYTES_MIN;
    if (isTold) io.error(`Reading ${byteString(path)} (${humanBytes(bytes)}) ...`);
  };
  try {
    return await orExitOnFile(read({ ...fileEnvironment(session), onRead }));
  } finally {
    if (isTold) io.error("\r\x1b[K");
  }
}

/** Waits for work on a file; its refusal ends the tool. */
export async function orExitOnFile<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw new ToolExit(ExitCode.ERROR, byteString(error.message));
  }
}
