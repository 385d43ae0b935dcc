/**
 * A restore that is cut off at any point of its way to the disk: what is found afterwards is no member at
 * all, or the whole one.
 */
import { expect, test } from "vitest";
import type { SimulatedDisk } from "../../sim/disk.ts";
import { MemoryLog } from "../../sim/memory-log.ts";
import { diskWithSnapshot, driven, SNAPSHOT_PATH } from "../../test/harness/snapshot-world.ts";
import { check } from "../bolt/check.ts";
import { Db } from "../bolt/db.ts";
import { sha1, sha256 } from "../platform/digest.ts";
import { bytesFromLatin1, latin1FromBytes } from "../stdx/bytes.ts";
import { Prng } from "../stdx/prng.ts";
import { NO_SNAPSHOT, readWal, validSnapshots } from "../wal/read-wal.ts";
import { loadSnapshot } from "../wal/snapshot-files.ts";
import { restoreSnapshot } from "./restore-snapshot.ts";
import { SnapshotError } from "./snapshot-error.ts";

const SEGMENT_BYTES = 4096;

const MEMBERS = ["a", "b", "c"].map((name) => ({ name, peerUrls: [`http://${name}:2380`] }));

/** Runs a restore until it is over or the disk has halted; whether it said that it was done. */
async function restored(disk: SimulatedDisk, walDir?: string): Promise<boolean> {
  const log = new MemoryLog();
  const outcome = await driven(disk, async (clock) => {
    const environment = { disk, clock, log, sha1, sha256, walSegmentBytes: SEGMENT_BYTES };
    await restoreSnapshot(environment, {
      snapshotPath: SNAPSHOT_PATH,
      dataDir: "/data",
      walDir,
      name: "b",
      members: MEMBERS,
      clusterToken: "token",
      skipHashCheck: false,
      revisionBump: 0n,
      initialMemoryMapBytes: 0n,
    });
  });
  return outcome !== undefined;
}

/** Asserts that the member is whole. */
function expectWhole(disk: SimulatedDisk, walDir: string, what: string): void {
  const db = Db.open(disk, "/data/member/snap/db", { readOnly: true });
  const reader = db.beginRead();
  expect(check(reader), what).toEqual([]);
  const ids: string[] = [];
  const members = reader.bucket(bytesFromLatin1("members"))?.cursor();
  for (let ok = members?.first(); ok === true; ok = members?.next()) {
    ids.push(latin1FromBytes(members?.key ?? new Uint8Array()));
  }
  expect(ids, what).toHaveLength(3);
  const leases = reader.bucket(bytesFromLatin1("lease"))?.cursor();
  let count = 0;
  for (let ok = leases?.first(); ok === true; ok = leases?.next()) count++;
  expect(count, what).toBe(50);
  reader.rollback();
  db.close();
  const log = new MemoryLog();
  const location = { disk, log, directory: walDir };
  const { entries, hardState } = readWal(location, NO_SNAPSHOT);
  expect(entries, what).toHaveLength(3);
  expect(hardState.commit, what).toBe(3);
  const known = validSnapshots(location);
  const snapshot = loadSnapshot({ disk, log, directory: "/data/member/snap" }, known);
  expect(snapshot?.metadata.index, what).toBe(3);
}

test.each([
  ["beside its database", undefined],
  ["elsewhere", "/logs/wal"],
])("a crash at every point, the log %s", async (_, walDir) => {
  const wal = walDir ?? "/data/member/wal";
  let unfinished = 0;
  let finished = 0;
  for (let point = 1; finished === 0; point++) {
    const disk = diskWithSnapshot(1);
    disk.crashAt(disk.points + point);
    if (await restored(disk, walDir)) finished++;
    for (const [at, survival] of (["kept", "lost", undefined, undefined] as const).entries()) {
      const what = `point ${point}, crash ${at}`;
      const after = disk.crash(
        new Prng(point * 10 + at),
        survival === undefined ? {} : { survival },
      );
      if (after.stat("/data/member") !== undefined) expectWhole(after, wal, what);
      else {
        expect(finished, what).toBe(0);
        unfinished++;
      }
    }
  }
  expect(unfinished).toBeGreaterThan(100);
});

test("a directory of a restore that was cut off is not taken for an empty one", async () => {
  const disk = diskWithSnapshot(2);
  disk.crashAt(disk.points + 20);
  expect(await restored(disk)).toBe(false);
  const after = disk.crash(new Prng(1), { survival: "kept" });
  expect(after.list("/data")).toEqual(["member.restoring"]);
  await expect(restored(after)).rejects.toThrow(
    new SnapshotError('data-dir "/data" not empty or could not be read'),
  );
});
