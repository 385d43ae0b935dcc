/** Snapshots of small databases on a simulated disk, and the work on them driven to its end. */
import { SimulatedDisk } from "../../sim/disk.ts";
import { SimulatedCrash } from "../../sim/disk-faults.ts";
import { ManualClock } from "../../sim/manual-clock.ts";
import { Backend } from "../../src/backend/backend.ts";
import { encodeRevision } from "../../src/mvcc/revision.ts";
import { sha256 } from "../../src/platform/digest.ts";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { Prng } from "../../src/stdx/prng.ts";
import { encodeKeyValueParts } from "../../src/wire/key-value.ts";

export const SNAPSHOT_PATH = "/saved/snapshot";

/** Revisions of the database, from 2 on. */
export const SNAPSHOT_REVISIONS = 60;

/** A disk with a snapshot on it, and empty directories `/data` and `/logs`; all durable. */
export function diskWithSnapshot(seed: number): SimulatedDisk {
  const disk = new SimulatedDisk({ random: new Prng(seed) });
  for (const folder of ["/saved", "/data", "/logs"]) disk.makeDirectory(folder);
  const backend = Backend.open(disk, "/saved/db");
  for (let at = 0; at < 50; at++) {
    backend.put("lease", bytesFromLatin1(`lease${at}`), new Uint8Array(100).fill(at));
  }
  for (let at = 0; at < SNAPSHOT_REVISIONS; at++) {
    const main = at + 2;
    const key = bytesFromLatin1(`key${at % 20}`);
    const create = (at % 20) + 2;
    const version = Math.floor(at / 20) + 1;
    const value = new Uint8Array(at % 7 === 0 ? 5000 : 150).fill(at);
    const stored = encodeKeyValueParts(key, create, main, version, value, 0n);
    backend.put("key", encodeRevision(main, 0, false), stored);
  }
  backend.put("members", bytesFromLatin1("1234"), bytesFromLatin1("{}"));
  backend.commit({ index: 77, term: 5 }, () => {});
  disk.runUntilIdle();
  backend.close();
  const bytes = contentOf(disk, "/saved/db");
  const digest = sha256();
  digest.update(bytes);
  writeFile(disk, SNAPSHOT_PATH, [bytes, digest.finish()]);
  disk.syncDirectory("/saved");
  disk.syncDirectory("/");
  return disk;
}

export function contentOf(disk: SimulatedDisk, path: string): Uint8Array {
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  file.close();
  return bytes;
}

/** Makes a durable file. */
export function writeFile(disk: SimulatedDisk, path: string, chunks: readonly Uint8Array[]): void {
  const file = disk.open(path, "create");
  file.write(chunks, 0, "durable", () => {});
  disk.runUntilIdle();
  file.close();
}

/**
 * Drives work on the disk until it is over. `undefined` when the disk has halted on the way; rejects with
 * what the work rejects with.
 */
export async function driven<T>(
  disk: SimulatedDisk,
  start: (clock: ManualClock) => Promise<T>,
): Promise<{ readonly value: T } | undefined> {
  const clock = new ManualClock();
  let outcome: { readonly value?: T; readonly error?: unknown } | undefined;
  start(clock).then(
    (value) => {
      outcome = { value };
    },
    (error: unknown) => {
      outcome = { error };
    },
  );
  for (let idle = 0; idle < 50 && outcome === undefined && !disk.halted; idle++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    try {
      if (disk.step() || clock.runDeferred() > 0) idle = 0;
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error;
    }
  }
  if (disk.halted || outcome?.error instanceof SimulatedCrash) return undefined;
  if (outcome === undefined) throw new Error("The work neither ends nor moves on");
  if (outcome.error !== undefined) throw outcome.error;
  return { value: outcome.value as T };
}
