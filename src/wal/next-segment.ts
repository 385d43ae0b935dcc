/**
 * The next segment, made ahead of time as `0.tmp` or `1.tmp` by turns, so that a cut only has to write into
 * it and rename it.
 */
import type { Disk, DiskError, DiskFile } from "../ports/disk.ts";
import { DiskError as DiskErrorClass } from "../ports/disk.ts";
import { ZERO_CHUNK_BYTES } from "./limits.ts";

const FIRST_ZEROS = new Uint8Array(ZERO_CHUNK_BYTES);

/** Permissions of segments, as etcd's. */
export const SEGMENT_MODE = 0o600;

export class NextSegment {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #segmentBytes: number;
  #count = 0;
  #file: DiskFile | undefined;
  #isReady = false;
  #error: DiskError | undefined;

  constructor(disk: Disk, directory: string, segmentBytes: number) {
    this.#disk = disk;
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
  }

  /** Why it could not be made. */
  get error(): DiskError | undefined {
    return this.#error;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Starts to make it, unless that was done. `onSettled` is called when it is ready or failed. */
  prepare(onSettled: () => void): void {
    if (this.#file !== undefined || this.#error !== undefined) return;
    const path = `${this.#directory}/${this.#count % 2}.tmp`;
    try {
      // Left over from a crash; what it holds must not be read as records later.
      this.#disk.remove(path);
      this.#file = this.#disk.open(path, "create", SEGMENT_MODE);
      this.#file.truncate(this.#segmentBytes);
    } catch (error) {
      if (!(error instanceof DiskErrorClass)) throw error;
      this.#error = error;
      return;
    }
    this.#count++;
    const file = this.#file;
    const settle = (error: DiskError | undefined): void => {
      this.#error = error;
      this.#isReady = error === undefined;
      onSettled();
    };
    const zeros = FIRST_ZEROS.subarray(0, Math.min(ZERO_CHUNK_BYTES, this.#segmentBytes));
    file.write([zeros], 0, "volatile", (error) => {
      if (error === undefined) file.sync(settle);
      else settle(error);
    });
  }

  /** Hands it over; the next `prepare` makes another one. */
  take(): DiskFile | undefined {
    if (!this.#isReady) return undefined;
    const file = this.#file;
    this.#file = undefined;
    this.#isReady = false;
    return file;
  }

  /** Whether a file is being made; `discard` has to wait for it. */
  get isBusy(): boolean {
    return this.#file !== undefined && !this.#isReady && this.#error === undefined;
  }

  /** Removes what was made and not taken. */
  discard(): void {
    if (this.#file === undefined) return;
    this.#file.close();
    this.#disk.remove(this.#file.path);
    this.#file = undefined;
    this.#isReady = false;
  }
}
