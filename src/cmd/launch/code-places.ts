/**
 * Where compiled code is kept: beside the program, written by its owner only; otherwise in a folder of the
 * user. Whoever can write such a file can have its reader run anything, so a file counts only if nobody but
 * the owner of the program, or the user who runs it, can have written it.
 *
 * Everything here gives up silently: without compiled code a program starts later, and does the same.
 */
import type { Buffer } from "node:buffer";
import type { Stats } from "node:fs";
import { CODE_FILE_BYTES_MAX } from "./limits.ts";

const fs = process.getBuiltinModule("node:fs");

const WRITABLE_BY_OTHERS = 0o022;
const ACCESSIBLE_TO_OTHERS = 0o077;
const CREATE_EXCLUSIVELY = "wx";

/** A folder of code files, and who may have written them. */
export interface CodePlace {
  readonly folder: string;
  /** Whose folder and files these must be. */
  readonly owner: number;
  /** Bits that neither may have. */
  readonly forbiddenMode: number;
  /** Whether this process may write there. */
  readonly isOurs: boolean;
}

/**
 * The places for a program whose file is in `folder` and belongs to `programOwner`, in the order in which
 * they are tried. None on systems without owners of files.
 */
export function codePlaces(
  folder: string,
  programOwner: number,
  environment: Readonly<Record<string, string | undefined>>,
): CodePlace[] {
  const user = process.geteuid?.();
  if (user === undefined) return [];
  const places: CodePlace[] = [
    {
      folder: `${folder}/code`,
      owner: programOwner,
      forbiddenMode: WRITABLE_BY_OTHERS,
      isOurs: programOwner === user,
    },
  ];
  const caches = userCaches(environment);
  if (caches !== undefined) {
    places.push({
      folder: `${caches}/etcd-ts`,
      owner: user,
      forbiddenMode: ACCESSIBLE_TO_OTHERS,
      isOurs: true,
    });
  }
  return places;
}

/** Source: XDG Base Directory Specification ("paths that are not absolute are invalid"). */
function userCaches({
  XDG_CACHE_HOME: caches = "",
  HOME: home = "",
}: Readonly<Record<string, string | undefined>>): string | undefined {
  if (caches.startsWith("/")) return caches;
  return home.startsWith("/") ? `${home}/.cache` : undefined;
}

/** What is in the file of this name at `place`, if it can be trusted. */
export function readTrusted(place: CodePlace, name: string): Buffer | undefined {
  try {
    if (!isTrusted(fs.lstatSync(place.folder), place, "folder")) return undefined;
    // A link is not followed: whose file it leads to is not looked at.
    const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
    const descriptor = fs.openSync(`${place.folder}/${name}`, flags);
    try {
      const stats = fs.fstatSync(descriptor);
      const isUsable = isTrusted(stats, place, "file") && stats.size <= CODE_FILE_BYTES_MAX;
      return isUsable ? fs.readFileSync(descriptor) : undefined;
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

function isTrusted(stats: Stats, place: CodePlace, kind: "folder" | "file"): boolean {
  const isKind = kind === "folder" ? stats.isDirectory() : stats.isFile();
  return isKind && stats.uid === place.owner && (stats.mode & place.forbiddenMode) === 0;
}

/** Replaces the file of this name at the first place that lets it. Readers see the old one or the new one, whole. */
export function writeTrusted(
  places: readonly CodePlace[],
  name: string,
  parts: readonly Uint8Array[],
): void {
  for (const place of places) {
    if (place.isOurs && writeAt(place, name, parts)) return;
  }
}

function writeAt(place: CodePlace, name: string, parts: readonly Uint8Array[]): boolean {
  const temporary = `${place.folder}/${name}.${process.pid}.${process.hrtime.bigint()}`;
  const mode = 0o666 & ~place.forbiddenMode;
  try {
    if (!isOfRootOrNotRoot(place.folder)) return false;
    fs.mkdirSync(place.folder, { recursive: true, mode: 0o777 & ~place.forbiddenMode });
    if (!isTrusted(fs.lstatSync(place.folder), place, "folder")) return false;
    const descriptor = fs.openSync(temporary, CREATE_EXCLUSIVELY, mode);
    try {
      for (const part of parts) fs.writeFileSync(descriptor, part);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(temporary, `${place.folder}/${name}`);
    return true;
  } catch {
    removeQuietly(temporary);
    return false;
  }
}

/** What root makes in the home of somebody else, that user cannot write later: it makes nothing there. */
function isOfRootOrNotRoot(folder: string): boolean {
  if (process.geteuid?.() !== 0) return true;
  let existing = folder;
  while (existing !== "" && !fs.existsSync(existing)) {
    existing = existing.slice(0, existing.lastIndexOf("/"));
  }
  return fs.statSync(existing === "" ? "/" : existing).uid === 0;
}

function removeQuietly(file: string): void {
  try {
    fs.unlinkSync(file);
  } catch {
    // It was not made, or cannot be removed: nobody reads it.
  }
}
