/** Defragmentation of a database that nobody uses: a compact copy takes its place. */
import { Db } from "../bolt/db.ts";
import type { Disk } from "../ports/disk.ts";
import type { BackendSizes } from "./backend.ts";
import { type CopyProgress, DatabaseCopy } from "./database-copy.ts";
import { COPY_COMMIT_ITEMS } from "./limits.ts";

export interface FileDefragmentation {
  readonly disk: Disk;
  /** The database. It is locked meanwhile. */
  readonly path: string;
  /** Where the copy is made: another name in the same directory. Nothing is left there. */
  readonly temporaryPath: string;
  /** Told now and then how far it has come. */
  readonly onProgress?: (progress: CopyProgress) => void;
}

/** Sizes of the database before and after. */
export interface DefragmentedSizes {
  readonly before: BackendSizes;
  readonly after: BackendSizes;
}

/**
 * Rewrites the database. `done` gets the sizes, or the error after which the database is as it was:
 * BoltError (such as `locked`), CorruptionError, DiskError; maybe before this returns. A crash leaves the
 * old or the new file, whole, and maybe a part of the copy.
 */
export function defragmentFile(
  work: FileDefragmentation,
  done: (result: DefragmentedSizes | Error) => void,
): void {
  let db: Db | undefined;
  try {
    db = Db.open(work.disk, work.path);
    new Rewrite(work, db, done).start();
  } catch (error) {
    db?.close();
    done(asError(error));
  }
}

class Rewrite {
  readonly #work: FileDefragmentation;
  readonly #db: Db;
  readonly #copy: DatabaseCopy;
  readonly #done: (result: DefragmentedSizes | Error) => void;

  constructor(
    work: FileDefragmentation,
    db: Db,
    done: (result: DefragmentedSizes | Error) => void,
  ) {
    this.#work = work;
    this.#db = db;
    this.#done = done;
    const source = db.beginRead();
    this.#copy = new DatabaseCopy(work.disk, work.temporaryPath, source, db.pageSize);
    source.rollback();
  }

  start(): void {
    this.#next();
  }

  #next(): void {
    try {
      const source = this.#db.beginRead();
      this.#copy.copySlice(source, COPY_COMMIT_ITEMS);
      source.rollback();
      this.#work.onProgress?.(this.#copy.progress);
      this.#copy.commit(() => this.#committed());
    } catch (error) {
      this.#fail(asError(error));
    }
  }

  #committed(): void {
    const { failure, isComplete } = this.#copy;
    if (failure !== undefined) this.#fail(failure);
    else if (isComplete) this.#finish();
    else this.#next();
  }

  #finish(): void {
    const before = sizesOf(this.#db);
    let after: BackendSizes;
    try {
      const { db, tx } = this.#copy.replace(this.#work.path);
      tx.rollback();
      after = sizesOf(db);
      this.#db.retire();
      db.close();
    } catch (error) {
      this.#fail(asError(error));
      return;
    }
    this.#done({ before, after });
  }

  #fail(error: Error): void {
    this.#copy.abandon();
    this.#db.close();
    this.#done(error);
  }
}

function sizesOf(db: Db): BackendSizes {
  const { sizeBytes, inUseBytes } = db.stats();
  return { bytes: sizeBytes, bytesInUse: inUseBytes };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
