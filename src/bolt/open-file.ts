/**
 * Opening: is this a bolt file, which state does it hold, and is it whole? A file that fails any of these
 * questions is never written to.
 *
 * A new file gets its first four pages in one write. When that write was cut off by a crash, the file has
 * at most four pages and every byte is either zero or that of the first content: then, and only then, it
 * is made anew.
 */
import type { Disk, DiskFile } from "../ports/disk.ts";
import { BoltError } from "./errors.ts";
import { FREELIST_PAGE, LEAF_PAGE, NEW_FILE_PAGES, viewOf, writePageHeader } from "./layout.ts";
import { PAGE_BYTES_MAX, PAGE_BYTES_MIN } from "./limits.ts";
import { decodeMetaPage, encodeMetaPage, isMeta, META_PAGE_BYTES_USED } from "./meta.ts";
import type { Meta, MetaProblem } from "./meta.ts";

export interface OpenFileOptions {
  readonly readOnly: boolean;
  /** Page size of a new file. */
  readonly pageSize: number;
  /** Permission bits of a new file. */
  readonly permissions: number;
}

export interface OpenedFile {
  readonly file: DiskFile;
  /** The newest state. */
  readonly meta: Meta;
  /** What must be written first: the file is new. */
  readonly image: Uint8Array | undefined;
}

/** Opens or creates, locks and examines the file. Errors: BoltError, DiskError; the file is closed then. */
export function openFile(disk: Disk, path: string, options: OpenFileOptions): OpenedFile {
  const file = openHandle(disk, path, options);
  try {
    if (!options.readOnly && !file.tryLock()) {
      throw new BoltError(
        "locked",
        `Cannot open "${path}": another process, or another member in this one, has it locked; stop that ` +
          "first (a running etcd, or a tool that works on the same data directory)",
      );
    }
    const image = newFileImage(options.pageSize);
    if (isUnfinished(file, image)) {
      if (options.readOnly) throw notBolt(path, "the file is empty");
      return { file, meta: decodeNewest(path, image), image };
    }
    return { file, meta: readNewestMeta(file), image: undefined };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The directory that a path is in. */
export function parentOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "." : at === 0 ? "/" : path.slice(0, at);
}

function openHandle(disk: Disk, path: string, options: OpenFileOptions): DiskFile {
  const stat = disk.stat(path);
  if (stat === undefined) {
    if (!options.readOnly) return disk.open(path, "create", options.permissions);
    throw new BoltError("notFound", `Cannot open "${path}": there is no such file`);
  }
  if (stat.kind !== "file") throw notBolt(path, "it is no regular file");
  return disk.open(path, options.readOnly ? "read" : "readWrite");
}

/** The four pages of a new file. Source: bbolt db.go, init (1.3.12). */
function newFileImage(pageSize: number): Uint8Array {
  const image = new Uint8Array(NEW_FILE_PAGES * pageSize);
  const meta = {
    pageSize,
    rootId: 3,
    rootSequence: 0n,
    freelistId: 2,
    highWaterId: NEW_FILE_PAGES,
    txid: 0,
  };
  image.set(encodeMetaPage(meta, 0));
  image.set(encodeMetaPage({ ...meta, txid: 1 }, 1), pageSize);
  writePageHeader(viewOf(image.subarray(2 * pageSize)), 2, FREELIST_PAGE, 0, 0);
  writePageHeader(viewOf(image.subarray(3 * pageSize)), 3, LEAF_PAGE, 0, 0);
  return image;
}

/** Whether the file is empty or the rest of a first write that a crash cut off. */
function isUnfinished(file: DiskFile, image: Uint8Array): boolean {
  const size = file.size();
  if (size === 0) return true;
  if (size > image.length) return false;
  const bytes = new Uint8Array(size);
  file.read(bytes, 0);
  let isWhole = size === image.length;
  for (let at = 0; at < size; at++) {
    if (bytes[at] === image[at]) continue;
    if (bytes[at] !== 0) return false;
    isWhole = false;
  }
  return !isWhole;
}

function decodeNewest(path: string, image: Uint8Array): Meta {
  const meta = decodeMetaPage(image.subarray(image.length / NEW_FILE_PAGES));
  if (isMeta(meta)) return meta;
  throw notBolt(path, meta.detail);
}

/** The valid meta with the larger transaction id. */
function readNewestMeta(file: DiskFile): Meta {
  const first = readMeta(file, 0);
  const second = isMeta(first) ? readMeta(file, first.pageSize) : findSecondMeta(file);
  const newest = newer(first, second);
  if (newest === undefined) throw refusal(file.path, first as MetaProblem, second as MetaProblem);
  const size = newest.highWaterId * newest.pageSize;
  if (file.size() < size) {
    throw new BoltError(
      "truncated",
      `Cannot open "${file.path}": the file is truncated, it has ${file.size()} bytes of at least ` +
        `${size}; restore it from a snapshot or a copy`,
    );
  }
  return newest;
}

function newer(first: Meta | MetaProblem, second: Meta | MetaProblem): Meta | undefined {
  if (!isMeta(first)) return isMeta(second) ? second : undefined;
  return isMeta(second) && second.txid > first.txid ? second : first;
}

function readMeta(file: DiskFile, position: number): Meta | MetaProblem {
  const bytes = new Uint8Array(META_PAGE_BYTES_USED);
  const count = file.read(bytes, position);
  return decodeMetaPage(bytes.subarray(0, count));
}

/** The first meta is damaged, so the page size is unknown: tries all. */
function findSecondMeta(file: DiskFile): Meta | MetaProblem {
  let problem: MetaProblem = { kind: "magic", detail: "no second meta page at any page size" };
  for (let pageSize = PAGE_BYTES_MIN; pageSize <= PAGE_BYTES_MAX; pageSize *= 2) {
    if (pageSize >= file.size()) break;
    const second = readMeta(file, pageSize);
    if (isMeta(second)) {
      if (second.pageSize === pageSize) return second;
    } else if (second.kind !== "magic") {
      problem = second;
    }
  }
  return problem;
}

function refusal(path: string, first: MetaProblem, second: MetaProblem): BoltError {
  if (first.kind === "magic" && second.kind === "magic") return notBolt(path, first.detail);
  const isVersion = first.kind === "version" || second.kind === "version";
  return new BoltError(
    isVersion ? "version" : "invalidMeta",
    `Cannot open "${path}": both meta pages are invalid (page 0: ${first.detail}; page 1: ` +
      `${second.detail}); restore it from a snapshot or a copy`,
  );
}

function notBolt(path: string, detail: string): BoltError {
  return new BoltError("notBolt", `Cannot open "${path}": not a bolt file, ${detail}`);
}
