/**
 * The way of a commit to the device, one commit after the other:
 *
 *   grow the file if it must ─> write the new pages ─> sync ─> write the meta page, durably ─> done
 *
 * Pages go out in ascending order, those that lie in a row with one write. The meta page is written only
 * after all pages are durable, so whatever a crash cuts off, the state before or the new one is whole.
 * Nothing is read here and nothing is waited for: each step starts the next one from its callback.
 */
import { DiskError } from "../ports/disk.ts";
import type { DiskFile, Done, Durability } from "../ports/disk.ts";
import type { CommitTiming } from "./commit-timing.ts";
import { GROW_BYTES_MIN, WRITE_BYTES_MAX, WRITE_CHUNKS_MAX } from "./limits.ts";
import { encodeMetaPage } from "./meta.ts";
import type { Meta } from "./meta.ts";

/** A page of any kind to be written, with its overflow pages. */
export interface DirtyPage {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** The pages of a commit that was called and is not durable yet. */
export interface UnderWay {
  readonly txid: number;
  readonly pages: readonly DirtyPage[];
}

export interface Commit {
  readonly meta: Meta;
  readonly pages: readonly DirtyPage[];
  /** Called when the commit is durable, before the next one starts. */
  readonly onDurable: () => void;
  /** The caller's callback. */
  readonly done: Done;
}

/** The first content of a new file. */
export interface Creation {
  readonly image: Uint8Array;
  /** Called when the image is durable: makes the name durable too. May throw DiskError. */
  readonly publish: () => void;
}

export interface CommitOptions {
  /** See `DbOptions`. */
  readonly growBytes: number;
  readonly sync: boolean;
  readonly writesUnderWayMax: number;
}

interface WriteRun {
  readonly position: number;
  readonly chunks: Uint8Array[];
  bytes: number;
}

export class CommitPipeline {
  readonly #file: DiskFile;
  readonly #options: CommitOptions;
  /** Measures the writing; nobody does when absent. */
  timing: CommitTiming | undefined;
  readonly #onFailed: (error: DiskError) => void;
  #fileBytes: number;
  /** The first one is under way, unless `#creation` is. */
  readonly #commits: Commit[] = [];
  #creation: Creation | undefined;
  /**
   * The state that the file was opened with may be in the memory of the operating system only, when the
   * process before this one died. It must be on the device before its free pages are written to.
   */
  #isOpenedStateDurable = false;
  #runs: WriteRun[] = [];
  #nextRun = 0;
  #runsUnderWay = 0;

  /** `onFailed`: called once, before the callbacks of the commits that fail with it. */
  constructor(file: DiskFile, options: CommitOptions, onFailed: (error: DiskError) => void) {
    this.#file = file;
    this.#options = options;
    this.#onFailed = onFailed;
    this.#fileBytes = file.size();
  }

  /** Whether a commit is under way. */
  get isBusy(): boolean {
    return this.#creation !== undefined || this.#commits.length > 0;
  }

  /** Size of the file, in bytes. */
  get fileBytes(): number {
    return this.#fileBytes;
  }

  /** Starts the commit as soon as those before it are durable. */
  submit(commit: Commit): void {
    this.#commits.push(commit);
    if (this.#commits.length === 1 && this.#creation === undefined) this.#start(commit);
  }

  /** Forgets what is under way: nothing more is written, and nobody is called back. */
  abandon(): void {
    this.#commits.length = 0;
    this.#creation = undefined;
  }

  /** Writes the first content of a new file. Commits may be submitted already. */
  create(creation: Creation): void {
    this.#creation = creation;
    this.#file.write([creation.image], 0, "durable", (error) => {
      if (this.#creation !== creation) return;
      const failure = error ?? attempt(creation.publish);
      if (failure !== undefined) return this.#fail(failure);
      this.#creation = undefined;
      this.#isOpenedStateDurable = true;
      this.#fileBytes = creation.image.length;
      if (this.#commits.length > 0) this.#start(this.#commits[0]);
    });
  }

  #start(commit: Commit): void {
    this.timing?.writing();
    if (this.#isOpenedStateDurable || !this.#options.sync) {
      this.#growFile(commit);
      return;
    }
    this.#file.sync((error) => {
      if (this.#commits[0] !== commit) return;
      if (error !== undefined) return this.#fail(error);
      this.#isOpenedStateDurable = true;
      this.#growFile(commit);
    });
  }

  #growFile(commit: Commit): void {
    const { highWaterId, pageSize } = commit.meta;
    const size = this.#sizeFor(highWaterId * pageSize);
    const failure = size === this.#fileBytes ? undefined : attempt(() => this.#file.truncate(size));
    if (failure === undefined) {
      this.#fileBytes = size;
      this.#writePages(commit);
    } else {
      // A callback must not come before the call that gave it has returned.
      this.#file.sync(() => {
        if (this.#commits[0] === commit) this.#fail(failure);
      });
    }
  }

  /** The size of a file that must have `needed` bytes. Source: bbolt db.go, grow and mmapSize. */
  #sizeFor(needed: number): number {
    if (needed <= this.#fileBytes) return this.#fileBytes;
    const { growBytes } = this.#options;
    if (needed > growBytes) return needed + growBytes;
    let size = GROW_BYTES_MIN;
    while (size < needed) size *= 2;
    return size;
  }

  #writePages(commit: Commit): void {
    this.#runs = groupPages(commit);
    this.#nextRun = 0;
    this.#runsUnderWay = 0;
    if (this.#runs.length === 0) {
      this.#writeMeta(commit);
      return;
    }
    const start = Math.min(this.#options.writesUnderWayMax, this.#runs.length);
    for (let count = 0; count < start; count++) this.#writeNextRun(commit);
  }

  #writeNextRun(commit: Commit): void {
    const run = this.#runs[this.#nextRun++];
    this.#runsUnderWay++;
    this.#file.write(run.chunks, run.position, "volatile", (error) => {
      this.#runsUnderWay--;
      if (this.#commits[0] !== commit) return;
      if (error !== undefined) this.#fail(error);
      else if (this.#nextRun < this.#runs.length) this.#writeNextRun(commit);
      else if (this.#runsUnderWay === 0) this.#syncPages(commit);
    });
  }

  #syncPages(commit: Commit): void {
    this.#runs = [];
    if (!this.#options.sync) {
      this.#writeMeta(commit);
      return;
    }
    this.#file.sync((error) => {
      if (this.#commits[0] !== commit) return;
      if (error !== undefined) this.#fail(error);
      else this.#writeMeta(commit);
    });
  }

  #writeMeta(commit: Commit): void {
    const { meta } = commit;
    const pageId = meta.txid % 2;
    const durability: Durability = this.#options.sync ? "durable" : "volatile";
    const bytes = encodeMetaPage(meta, pageId);
    this.#file.write([bytes], pageId * meta.pageSize, durability, (error) => {
      if (this.#commits[0] !== commit) return;
      if (error !== undefined) this.#fail(error);
      else this.#finish(commit);
    });
  }

  #finish(commit: Commit): void {
    this.#commits.shift();
    this.timing?.written();
    commit.onDurable();
    if (this.#commits.length > 0) this.#start(this.#commits[0]);
    commit.done(undefined);
  }

  /** Nothing is tried again: what the file holds now is unknown. */
  #fail(error: DiskError): void {
    const failed = this.#commits.splice(0);
    this.#creation = undefined;
    this.#onFailed(error);
    for (const commit of failed) commit.done(error);
  }
}

function attempt(run: () => void): DiskError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof DiskError) return error;
    throw error;
  }
}

/** Groups the pages into writes: as many as lie in a row, up to the bounds of one write. */
function groupPages(commit: Commit): WriteRun[] {
  const { pageSize } = commit.meta;
  const pages = [...commit.pages].sort((a, b) => a.id - b.id);
  const runs: WriteRun[] = [];
  let run: WriteRun | undefined;
  for (const { id, bytes } of pages) {
    const position = id * pageSize;
    const joins =
      run !== undefined &&
      run.position + run.bytes === position &&
      run.chunks.length < WRITE_CHUNKS_MAX &&
      run.bytes + bytes.length <= WRITE_BYTES_MAX;
    if (run === undefined || !joins) {
      run = { position, chunks: [], bytes: 0 };
      runs.push(run);
    }
    run.chunks.push(bytes);
    run.bytes += bytes.length;
  }
  return runs;
}
