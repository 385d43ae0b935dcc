import { describe, expect, test } from "vitest";
import { MemoryStorage } from "../raft/memory-storage.ts";
import { type Entry, EntryType } from "../wire/gen/raft.ts";
import { ENTRY_OVERHEAD_BYTES, LOG_BYTES_MAX, SNAPSHOT_CATCH_UP_BYTES } from "./limits.ts";
import { compactIndexBehind, LogRetention } from "./log-retention.ts";

const MEBIBYTE = 1024 * 1024;
const SMALL = new Uint8Array(10);
const LARGE = new Uint8Array(MEBIBYTE);

function entryAt(index: number, data: Uint8Array): Entry {
  return { type: EntryType.EntryNormal, term: 1, index, data };
}

function logOf(...data: readonly Uint8Array[]): MemoryStorage {
  const storage = new MemoryStorage();
  storage.append(data.map((bytes, at) => entryAt(at + 1, bytes)));
  return storage;
}

describe("a snapshot is due", () => {
  test("after more than so many entries", () => {
    const retention = new LogRetention(10, 100);
    expect(retention.isSnapshotDue(110)).toBe(false);
    expect(retention.isSnapshotDue(111)).toBe(true);
    retention.snapshotMade(111);
    expect(retention.isSnapshotDue(121)).toBe(false);
  });

  test("after so many bytes, however few entries they are", () => {
    const retention = new LogRetention(100_000, 0);
    const entries = LOG_BYTES_MAX / MEBIBYTE;
    for (let index = 1; index < entries; index++) retention.applied(entryAt(index, LARGE));
    expect(retention.isSnapshotDue(entries - 1)).toBe(false);
    retention.applied(entryAt(entries, LARGE));
    expect(retention.isSnapshotDue(entries)).toBe(true);
    retention.snapshotMade(entries);
    expect(retention.isSnapshotDue(entries)).toBe(false);
  });
});

describe("behind a snapshot stay", () => {
  test("a number of entries", () => {
    const count = 5100;
    const storage = logOf(...Array.from({ length: count }, () => SMALL));
    expect(compactIndexBehind(storage, count, 5000)).toBe(100);
    expect(compactIndexBehind(storage, 50, 5000)).toBe(1);
    storage.compact(70);
    expect(compactIndexBehind(storage, 80, 5000)).toBe(70);
  });

  test("fewer when they are large, or none", () => {
    const kept = Math.floor(SNAPSHOT_CATCH_UP_BYTES / (MEBIBYTE + ENTRY_OVERHEAD_BYTES));
    const storage = logOf(...Array.from({ length: 40 }, () => LARGE));
    expect(compactIndexBehind(storage, 40, 5000)).toBe(40 - kept);
    const huge = logOf(SMALL, SMALL, new Uint8Array(SNAPSHOT_CATCH_UP_BYTES));
    expect(compactIndexBehind(huge, 3, 5000)).toBe(3);
  });
});
