/**
 * A restore that is cut off at any point of its way to the disk: what is found afterwards is no member at
 * all, or the whole one.
 */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { SimulatedDisk } from "../../sim/disk.ts";
import { SimulatedCrash } from "../../sim/disk-faults.ts";
import { ManualClock } from "../../sim/manual-clock.ts";
import { MemoryLog } from "../../sim/memory-log.ts";
import { Backend } from "../backend/backend.ts";
import { Db } from "../bolt/db.ts";
import { check } from "../bolt/check.ts";
import type { Digest } from "../ports/digest.ts";
import { bytesFromLatin1, latin1FromBytes } from "../stdx/bytes.ts";
import { Prng } from "../stdx/prng.ts";
import { NO_SNAPSHOT, readWal, validSnapshots } from "../wal/read-wal.ts";
import { loadSnapshot } from "../wal/snapshot-files.ts";
import { restoreSnapshot } from "./restore-snapshot.ts";
import { SnapshotError } from "./snapshot-error.ts";

const SEGMENT_BYTES = 4096;

const MEMBERS = ["a", "b", "c"].map((name) => ({ name, peerUrls: [`http://${name}:2380`] }));

const sha1 = (bytes: Uint8Array): Uint8Array => createHash("sha1").update(bytes).digest();

function sha256(): Digest {
  const hash = createHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    finish: () => hash.digest(),
  };
}

/** A disk with a snapshot of a small database, durable. */
function diskWithSnapshot(seed: number): SimulatedDisk {
  const disk = new SimulatedDisk({ random: new Prng(seed) });
  for (const folder of ["/saved", "/data", "/logs"]) disk.makeDirectory(folder);
  const backend = Backend.open(disk, "/saved/db");
  for (let at = 0; at < 50; at++) {
    backend.put("lease", bytesFromLatin1(`lease${at}`), new Uint8Array(100).fill(at));
  }
  backend.put("members", bytesFromLatin1("1234"), bytesFromLatin1("{}"));
  backend.commit({ index: 77, term: 5 }, () => {});
  disk.runUntilIdle();
  backend.close();
  const database = disk.open("/saved/db", "read");
  const bytes = new Uint8Array(database.size());
  database.read(bytes, 0);
  database.close();
  const snapshot = disk.open("/saved/snapshot", "create");
  const digest = sha256();
  digest.update(bytes);
  snapshot.write([bytes, digest.finish()], 0, "durable", () => {});
  disk.runUntilIdle();
  snapshot.close();
  disk.syncDirectory("/saved");
  disk.syncDirectory("/");
  return disk;
}

/** Runs a restore until it is over or the disk has halted; whether it said that it was done. */
async function restored(disk: SimulatedDisk, walDir?: string): Promise<boolean> {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const environment = { disk, clock, log, sha1, sha256, walSegmentBytes: SEGMENT_BYTES };
  let outcome: unknown;
  const work = restoreSnapshot(environment, {
    snapshotPath: "/saved/snapshot",
    dataDir: "/data",
    walDir,
    name: "b",
    members: MEMBERS,
    clusterToken: "token",
    skipHashCheck: false,
    revisionBump: 0n,
    initialMemoryMapBytes: 0n,
  });
  work.then(
    () => {
      outcome = true;
    },
    (error: unknown) => {
      outcome = error;
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
  if (disk.halted || outcome instanceof SimulatedCrash) return false;
  if (outcome !== true) throw outcome;
  return true;
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
