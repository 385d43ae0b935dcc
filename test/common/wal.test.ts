/** The write-ahead log on the real disk; everything else about it is tested on the simulated one. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MemoryLog } from "../../sim/memory-log.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import { createWal } from "../../src/wal/create-wal.ts";
import { openWal } from "../../src/wal/open-wal.ts";
import type { OpenedWal } from "../../src/wal/open-wal.ts";
import { NO_SNAPSHOT } from "../../src/wal/read-wal.ts";
import type { WalDone, WalFailure, WalOptions } from "../../src/wal/types.ts";
import type { Wal } from "../../src/wal/wal.ts";
import { entryOf, METADATA } from "../harness/wal.ts";

let scratch = "";

beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-ts-wal-"));
});

afterAll(() => {
  fs.rmSync(scratch, { recursive: true, force: true });
});

function optionsFor(name: string): WalOptions {
  const disk = new SystemDisk({ warn: (message) => expect.unreachable(message) });
  const directory = path.join(scratch, name, "wal");
  disk.makeDirectory(path.dirname(directory));
  return { disk, clock: systemClock, log: new MemoryLog(), directory, segmentBytes: 300_000 };
}

function answered<T>(
  start: (done: (failure: WalFailure | undefined, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((failure, value) => {
      if (value === undefined) reject(failure ?? new Error("no answer"));
      else resolve(value);
    });
  });
}

function finished(start: (done: WalDone) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((failure) => (failure === undefined ? resolve() : reject(failure)));
  });
}

test("a log over several segments, written alone and in batches, is opened again and again", async () => {
  const options = optionsFor("rounds");
  let wal = await answered<Wal>((done) => createWal(options, METADATA, done));
  let last = 0;
  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 60; n++) {
      const entry = entryOf(++last, 1, 500);
      await finished((done) => wal.append({ entries: [entry] }, done));
    }
    const together: Promise<void>[] = [];
    for (let n = 0; n < 400; n++) {
      const entry = entryOf(++last, 1, 500);
      together.push(finished((done) => wal.append({ entries: [entry] }, done)));
    }
    await Promise.all(together);
    expect(wal.failure).toBeUndefined();
    await finished((done) => wal.close(done));
    const opened = await answered<OpenedWal>((done) => openWal(options, NO_SNAPSHOT, done));
    expect(opened.content.entries).toHaveLength(last);
    expect(opened.content.entries[last - 1]).toEqual(entryOf(last, 1, 500));
    wal = opened.wal;
  }
  expect(wal.segmentNames.length).toBeGreaterThan(2);
  await finished((done) => wal.close(done));
  expect(options.disk.list(options.directory).every((name) => name.endsWith(".wal"))).toBe(true);
});

test("a log that is open is refused to another disk object, as to another process", async () => {
  const options = optionsFor("locked");
  const wal = await answered<Wal>((done) => createWal(options, METADATA, done));
  const other = { ...options, disk: new SystemDisk({ warn: () => undefined }) };
  await expect(answered<OpenedWal>((done) => openWal(other, NO_SNAPSHOT, done))).rejects.toThrow(
    "fileutil: file already locked",
  );
  await finished((done) => wal.close(done));
});
