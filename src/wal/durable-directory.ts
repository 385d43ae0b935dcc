/** Directories that are still there after a power failure. */
import { type Disk, DiskError } from "../ports/disk.ts";
import { parentOf } from "./segment-name.ts";

const DIRECTORY_MODE = 0o700;

/**
 * Makes a directory, and makes sure that it is still there after a power failure: also one that was found,
 * because whoever made it may have died before it was synced. Errors: DiskError.
 */
export function makeDurableDirectory(disk: Disk, directory: string): void {
  const parent = parentOf(directory);
  const found = disk.stat(directory) !== undefined;
  if (!found) {
    if (disk.stat(parent) === undefined) makeDurableDirectory(disk, parent);
    disk.makeDirectory(directory, DIRECTORY_MODE);
  }
  try {
    disk.syncDirectory(parent);
  } catch (error) {
    // Somebody else's directory, made for this one by an administrator: not ours to read.
    if (!(found && error instanceof DiskError && error.code === "EACCES")) throw error;
  }
}
