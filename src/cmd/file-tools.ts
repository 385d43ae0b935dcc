/** What work on files needs of the process besides streams and time. */
import type { Digest } from "../ports/digest.ts";
import type { Disk } from "../ports/disk.ts";
import type { HostLookup } from "../ports/network.ts";
import type { FileEnvironment } from "../snapshot/database-file.ts";
import { SnapshotError } from "../snapshot/snapshot-error.ts";
import type { Clock } from "../ports/clock.ts";
import { goQuote } from "../stdx/go-quote.ts";
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
}

/** What reading a database file needs; who waits for its lock is told so, and what else could be done. */
export function fileEnvironment({ disk, clock, io }: FileSession, wayOut = ""): FileEnvironment {
  return {
    disk,
    clock,
    onLockWait: (path) => {
      const shown = goQuote(byteString(path));
      io.error(`waiting for etcd to close and release its lock on ${shown}.${wayOut}\n`);
    },
  };
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
