/** An open file of the simulated disk: checks its use, and hands the work to the disk. */
import type { DiskFile, Done, Durability } from "../src/ports/disk.ts";
import { assert } from "../src/stdx/assert.ts";
import type { DiskOperation } from "./disk-faults.ts";
import type { Change, FileNode } from "./disk-node.ts";

/** What an open file needs of its disk. */
export interface FileHost {
  /** Puts an operation under way; `borrowed` are the caller's chunks. */
  start(
    file: SimulatedFile,
    operation: DiskOperation,
    change: Change | undefined,
    borrowed: readonly Uint8Array[],
    done: Done,
  ): void;
  /** Changes the size at once. */
  truncate(file: SimulatedFile, size: number): void;
  /** The largest end of the writes that the file has under way. */
  pendingEnd(file: SimulatedFile): number;
  rename(from: string, to: string): void;
  /** Whether the file has operations under way. */
  isBusy(file: SimulatedFile): boolean;
}

/** An open file of the simulated disk. */
export class SimulatedFile implements DiskFile {
  #path: string;
  readonly node: FileNode;
  readonly #disk: FileHost;
  readonly #writable: boolean;
  #closed = false;

  constructor(disk: FileHost, path: string, node: FileNode, writable: boolean) {
    this.#disk = disk;
    this.#path = path;
    this.node = node;
    this.#writable = writable;
  }

  get path(): string {
    return this.#path;
  }

  size(): number {
    this.#mustBeOpen();
    return Math.max(this.node.size, this.#disk.pendingEnd(this));
  }

  read(into: Uint8Array, position: number): number {
    this.#mustBeOpen();
    return this.node.read(into, position);
  }

  write(chunks: readonly Uint8Array[], position: number, durability: Durability, done: Done): void {
    this.#mustBeWritable();
    const bytes = joined(chunks);
    const operation = durability === "durable" ? "writeDurable" : "write";
    this.#disk.start(this, operation, { kind: "write", position, bytes }, chunks, done);
  }

  sync(done: Done): void {
    this.#mustBeWritable();
    this.#disk.start(this, "sync", undefined, [], done);
  }

  truncate(size: number): void {
    this.#mustBeWritable();
    this.#disk.truncate(this, size);
  }

  preallocate(size: number, done: Done): void {
    this.#mustBeWritable();
    this.#disk.start(this, "preallocate", { kind: "grow", size }, [], done);
  }

  tryLock(): boolean {
    this.#mustBeOpen();
    if (this.node.lockHolder !== undefined && this.node.lockHolder !== this) return false;
    this.node.lockHolder = this;
    return true;
  }

  rename(to: string): void {
    this.#mustBeOpen();
    this.#disk.rename(this.#path, to);
    this.#path = to;
  }

  discard(): void {
    this.#end();
  }

  close(): void {
    assert(
      !this.#disk.isBusy(this),
      () => `Cannot close "${this.path}": an operation is under way`,
    );
    this.#end();
  }

  #end(): void {
    if (this.node.lockHolder === this) this.node.lockHolder = undefined;
    this.#closed = true;
  }

  #mustBeOpen(): void {
    assert(!this.#closed, () => `Cannot use "${this.path}": it is closed`);
  }

  #mustBeWritable(): void {
    this.#mustBeOpen();
    assert(this.#writable, () => `Cannot write "${this.path}": it is open for reading`);
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
