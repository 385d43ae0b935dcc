/**
 * Makes a directory and those above it. Node.js can do that by itself (`recursive`), but never comes back where the
 * system says of a directory in one that is there that it has no such place, as Linux does below /proc.
 */
import * as fs from "node:fs";
import * as path from "node:path";

/** Nothing happens where `directory` is one already. Throws what the system says. O(depth). */
export function makeDirectories(directory: string, mode: number): void {
  if (fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = path.dirname(directory);
  if (parent !== directory) makeDirectories(parent, mode);
  try {
    fs.mkdirSync(directory, { mode });
  } catch (error) {
    // Somebody else may have been quicker.
    if (fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}
