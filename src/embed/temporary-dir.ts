/** Folders that go when their members go. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { atExit } from "./exit-tasks.ts";

/**
 * A new folder of this user alone, below the system's one for temporary files. A process that ends, other than by a
 * signal or a crash, takes those with it that were not removed.
 */
export class TemporaryDir {
  readonly path: string = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-"));
  readonly #forget: () => void = atExit(() => this.remove());

  /** Removes it with everything in it. Idempotent. */
  remove(): void {
    this.#forget();
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}
