/** Bolt files on the disks of this machine. */
import path from "node:path";
import { Db, type DbOptions, type Tx } from "../bolt/index.ts";
import { SystemDisk } from "../platform/disk.ts";
import type { Disk } from "../ports/disk.ts";

/** How a file of this machine is opened. */
export interface SystemDbOptions extends DbOptions {
  /** Told when a guarantee is weaker here than asked for. Default: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
}

/**
 * The file systems of this machine. Locks are those of flock(2), which bbolt takes as well, where the program `flock` is
 * there; elsewhere they are files beside the locked ones, which only this package respects, and `warn` is told once.
 */
export function systemDisk(
  warn: (message: string) => void = (message) => process.emitWarning(message),
): Disk {
  return new SystemDisk({ warn });
}

/**
 * Opens the bolt file `file`, or makes it; its folder must be there. Only one process may have it open for writing:
 * the lock is held until `close`. With `readOnly` no lock is taken, so that nobody may write to it meanwhile.
 *
 * Errors: BoltError `locked`, `notFound` (`readOnly`, and there is none), `notBolt`, `version`, `invalidMeta`,
 * `truncated`; CorruptionError; DiskError. A file that is refused is left as it is.
 * O(pages of the file), for those that are free are looked for, where the file has no list of them.
 */
export function openDb(file: string, options: SystemDbOptions = {}): Db {
  return Db.open(systemDisk(options.warn), path.resolve(file), options);
}

/**
 * Commits a writing transaction; resolves when the new state is durable. The transaction is closed at once, and the
 * next one may begin before this resolves. Rejects with what `Tx.commit` throws, or with the DiskError that ended the
 * use of the file: what the file holds then is either state.
 */
export function commit(tx: Tx): Promise<void> {
  return new Promise((resolve, reject) => {
    tx.commit((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
