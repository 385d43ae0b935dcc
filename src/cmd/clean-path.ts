import path from "node:path";

/** A path without detours, and without the slash at the end that people's shells add. */
export function cleanPath(given: string): string {
  const clean = path.normalize(given);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}
