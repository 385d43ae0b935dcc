/** What the disk of a member that does not run holds for certain, read without the code that starts members. */
import { walExists } from "../../src/wal/segment-name.ts";
import { NO_SNAPSHOT, readWal, validSnapshots } from "../../src/wal/read-wal.ts";
import type { WalContent, WalSnapshot } from "../../src/wal/types.ts";
import { decodeMetadata } from "../../src/wire/gen/raft-internal.ts";
import type { Disk } from "../../src/ports/disk.ts";
import type { NamedLog } from "../../src/ports/log.ts";

/** Where members have their logs. */
const WAL_DIRECTORY = "/data/member/wal";

export interface DurableLog {
  readonly memberId: bigint;
  /** The newest snapshot that the log vouches for. */
  readonly start: WalSnapshot;
  readonly content: WalContent;
}

/** Whether a member has ever begun a log there. */
export function hasLog(disk: Disk): boolean {
  return walExists(disk, WAL_DIRECTORY);
}

/** `undefined` when there is no log, or none that can be read. */
export function readDurableLog(disk: Disk, log: NamedLog): DurableLog | undefined {
  if (!hasLog(disk)) return undefined;
  const location = { disk, log, directory: WAL_DIRECTORY };
  let start: WalSnapshot;
  let content: WalContent;
  try {
    start = validSnapshots(location).at(-1) ?? NO_SNAPSHOT;
    content = readWal(location, start);
  } catch {
    // Whether the member was right to leave it like that is seen when it starts.
    return undefined;
  }
  if (content.metadata === undefined) return undefined;
  return { memberId: decodeMetadata(content.metadata).nodeId, start, content };
}
