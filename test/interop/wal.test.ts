/** The log and snapshot files of the real etcd, read, written again byte for byte, and written on. */
import * as fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { MemoryLog } from "../../sim/memory-log.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import { bytesFromUtf8, equalBytes } from "../../src/stdx/bytes.ts";
import { openWal } from "../../src/wal/open-wal.ts";
import type { OpenedWal } from "../../src/wal/open-wal.ts";
import { NO_SNAPSHOT, readerOf, readWal, validSnapshots } from "../../src/wal/read-wal.ts";
import { RecordBuffer } from "../../src/wal/record-buffer.ts";
import { RecordType } from "../../src/wal/record-type.ts";
import { loadSnapshot, saveSnapshotFile, snapshotFileName } from "../../src/wal/snapshot-files.ts";
import type { WalFailure, WalOptions } from "../../src/wal/types.ts";
import { decodeEntry, decodeHardState } from "../../src/wire/gen/raft.ts";
import {
  createInternalRaftRequest,
  createRequestHeader,
  decodeMetadata,
  encodeInternalRaftRequest,
} from "../../src/wire/gen/raft-internal.ts";
import { createPutRequest } from "../../src/wire/gen/rpc.ts";
import { decodeSnapshot } from "../../src/wire/gen/wal.ts";
import { startEtcd } from "../harness/etcd-process.ts";
import type { EtcdProcess } from "../harness/etcd-process.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";

const disk = new SystemDisk({ warn: (message) => expect.unreachable(message) });

function optionsFor(etcd: EtcdProcess): WalOptions {
  const log = new MemoryLog();
  return { disk, clock: systemClock, log, directory: path.join(etcd.dataDir, "member/wal") };
}

async function put(etcd: EtcdProcess, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const args = ["--endpoints", etcd.endpoint, "put", `key-${n}`, "v".repeat(n * 20)];
    expect((await runReference("etcdctl", args)).code).toBe(0);
  }
}

function open(options: WalOptions): Promise<OpenedWal> {
  return new Promise((resolve, reject) => {
    openWal(options, NO_SNAPSHOT, (failure, opened) => {
      if (opened === undefined) reject(failure ?? new Error("no answer"));
      else resolve(opened);
    });
  });
}

function finished(start: (done: (failure?: WalFailure) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((failure) => (failure === undefined ? resolve() : reject(failure)));
  });
}

/** Reads a segment record by record and encodes it again from what was understood. */
function writtenAgain(segment: string): Uint8Array {
  const file = disk.open(segment, "read");
  const reader = readerOf([file]);
  const records = new RecordBuffer(0);
  while (reader.next()) {
    const data = reader.data ?? new Uint8Array(0);
    if (reader.type === RecordType.ENTRY) records.entry(decodeEntry(data));
    else if (reader.type === RecordType.STATE) records.hardState(decodeHardState(data));
    else if (reader.type === RecordType.SNAPSHOT) records.snapshot(decodeSnapshot(data));
    else if (reader.type === RecordType.METADATA) records.metadata(data);
    else records.crcRecord();
  }
  file.close();
  return records.take();
}

describe.skipIf(REFERENCE === undefined)("the log of the real etcd", () => {
  test("is understood to the last byte, and continued so that etcd goes on with it", async () => {
    const etcd = await startEtcd();
    try {
      await put(etcd, 6);
      await etcd.stop();
      const options = optionsFor(etcd);
      const segment = path.join(options.directory, "0000000000000000-0000000000000000.wal");
      const original = fs.readFileSync(segment);
      expect(original.length).toBe(64_000_000);
      const again = writtenAgain(segment);
      expect(equalBytes(original.subarray(0, again.length), again)).toBe(true);
      const rest = original.subarray(again.length);
      expect(equalBytes(rest, new Uint8Array(rest.length))).toBe(true);

      const { wal, content } = await open(options);
      expect(decodeMetadata(content.metadata ?? new Uint8Array(0)).clusterId).not.toBe(0n);
      const last = content.entries[content.entries.length - 1];
      expect(content.entries.map((entry) => entry.index)).toEqual(
        Array.from({ length: last.index }, (_, n) => n + 1),
      );
      const request = createInternalRaftRequest({
        header: createRequestHeader({ id: 77n }),
        operation: {
          case: "put",
          value: createPutRequest({
            key: bytesFromUtf8("ours"),
            value: bytesFromUtf8("written on"),
          }),
        },
      });
      const { term, index } = last;
      const data = encodeInternalRaftRequest(request);
      const hardState = { ...content.hardState, commit: index + 1 };
      const entries = [{ type: 0, term, index: index + 1, data }];
      await finished((done) => wal.append({ entries, hardState }, done));
      await finished((done) => wal.close(done));
    } finally {
      await etcd.stop();
    }
    const next = await startEtcd({ dataDir: etcd.dataDir });
    try {
      const args = ["--endpoints", next.endpoint, "get", "ours", "--print-value-only"];
      expect((await runReference("etcdctl", args)).stdout.trim()).toBe("written on");
    } finally {
      await next.remove();
    }
  });

  test("its snapshot files are found by the log and written again byte for byte", async () => {
    const etcd = await startEtcd({ flags: ["--snapshot-count=4"] });
    try {
      await put(etcd, 20);
      await etcd.stop();
      const options = optionsFor(etcd);
      const directory = path.join(etcd.dataDir, "member/snap");
      const location = { ...options, directory };
      const valid = validSnapshots(options);
      const snapshot = loadSnapshot(location, valid);
      expect(snapshot?.metadata.index).toBeGreaterThan(8);
      if (snapshot === undefined) return;
      expect(valid.at(-1)).toMatchObject(snapshot.metadata);
      const { entries } = readWal(options, snapshot.metadata);
      expect(entries[0].index).toBe(snapshot.metadata.index + 1);
      const file = path.join(directory, snapshotFileName(snapshot.metadata));
      const original = fs.readFileSync(file);
      fs.rmSync(file);
      await finished((done) => saveSnapshotFile(location, snapshot, done));
      expect(equalBytes(fs.readFileSync(file), original)).toBe(true);
    } finally {
      await etcd.stop();
    }
    const next = await startEtcd({ dataDir: etcd.dataDir });
    try {
      const args = ["--endpoints", next.endpoint, "get", "key-1", "--print-value-only"];
      expect((await runReference("etcdctl", args)).stdout.trim()).toBe("v".repeat(20));
    } finally {
      await next.remove();
    }
  });

  test("a running etcd holds the lock on its database that we would take", async () => {
    const etcd = await startEtcd();
    try {
      const file = disk.open(path.join(etcd.dataDir, "member/snap/db"), "readWrite");
      expect(file.tryLock()).toBe(false);
      await etcd.stop();
      expect(file.tryLock()).toBe(true);
      file.close();
    } finally {
      await etcd.remove();
    }
  });
});
