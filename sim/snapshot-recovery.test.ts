/**
 * A member that stopped between making a received snapshot the start of its log and taking over the database
 * that came with it: the next start finishes that, however often it is interrupted.
 */
import { expect, test } from "vitest";
import { fileBytes, putFile } from "../test/harness/wal.ts";
import { bytesFromLatin1 } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { snapshotDatabaseName } from "../src/wal/snapshot-files.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import { createPutRequest, encodePutRequest } from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { dumpStore } from "./kv-model.ts";
import { SimulatedMember } from "./simulated-member.ts";

const DIRECTORY = "/data/member/snap";
const DATABASE = `${DIRECTORY}/db`;

/** Puts some keys; returns what there is then. */
async function live(disk: SimulatedDisk): Promise<string> {
  const member = new SimulatedMember(disk, 1_000_000);
  expect(await member.start(new Prng(1))).toBe(true);
  for (let count = 0; count < 40; count++) {
    let isDone = false;
    const key = bytesFromLatin1(`key${count % 7}`);
    member.propose(Operation.put, encodePutRequest(createPutRequest({ key, value: key })), () => {
      isDone = true;
    });
    expect(await member.until(() => isDone)).toBe(true);
  }
  const dump = dumpStore(member.host.member.applier.store);
  expect(await member.stop()).toBe(true);
  return dump;
}

function newestIndex(disk: SimulatedDisk): number {
  const names = disk.list(DIRECTORY).filter((name) => name.endsWith(".snap"));
  return Number.parseInt((names.at(-1) ?? "").split("-")[1], 16);
}

/** A disk whose database is older than the snapshot, with the right one beside it. */
async function interrupted(): Promise<{ disk: SimulatedDisk; index: number; dump: string }> {
  const disk = new SimulatedDisk({ random: new Prng(2) });
  await live(disk);
  const old = fileBytes(disk, DATABASE);
  const dump = await live(disk);
  const index = newestIndex(disk);
  disk.rename(DATABASE, `${DIRECTORY}/${snapshotDatabaseName(index)}`);
  putFile(disk, DATABASE, old);
  disk.syncDirectory(DIRECTORY);
  return { disk, index, dump };
}

test("takes the database that came with the snapshot, and none that came with older ones", async () => {
  const { disk, index, dump } = await interrupted();
  putFile(disk, `${DIRECTORY}/${snapshotDatabaseName(index - 1)}`, bytesFromLatin1("old"));
  const member = new SimulatedMember(disk, 2_000_000);
  expect(await member.start(new Prng(3))).toBe(true);
  expect(dumpStore(member.host.member.applier.store)).toBe(dump);
  expect(disk.list(DIRECTORY).filter((name) => name.endsWith(".snap.db"))).toEqual([]);
  const line = member.log.lines.find(({ message }) => message.startsWith("took the database"));
  expect(line?.fields["snapshot-index"]).toBe(index);
  expect(await member.stop()).toBe(true);
});

test("takes it where there is no database at all", async () => {
  const { disk, dump } = await interrupted();
  disk.remove(DATABASE);
  const member = new SimulatedMember(disk, 2_000_000);
  expect(await member.start(new Prng(3))).toBe(true);
  expect(dumpStore(member.host.member.applier.store)).toBe(dump);
  expect(await member.stop()).toBe(true);
});

test("without it nothing is started and nothing is lost", async () => {
  const { disk, index } = await interrupted();
  const path = `${DIRECTORY}/${snapshotDatabaseName(index)}`;
  const right = fileBytes(disk, path);
  disk.remove(path);
  const old = fileBytes(disk, DATABASE);
  await expect(new SimulatedMember(disk, 2_000_000).start(new Prng(3))).rejects.toThrow(
    `"${snapshotDatabaseName(index)}", which would have come with that, is not there`,
  );
  expect(fileBytes(disk, DATABASE)).toEqual(old);
  putFile(disk, path, right);
  const member = new SimulatedMember(disk, 2_000_000);
  expect(await member.start(new Prng(3))).toBe(true);
  expect(await member.stop()).toBe(true);
});

test("a crash before any operation on the disk is as if it had come earlier", async () => {
  const { disk, dump } = await interrupted();
  const start = disk.points;
  for (let point = 1; ; point++) {
    const first = disk.crash(new Prng(point), { survival: "kept" });
    first.crashAt(first.points + point);
    const unlucky = new SimulatedMember(first, 2_000_000);
    await unlucky.start(new Prng(4));
    if (!first.halted) break;
    for (const survival of ["kept", "lost", "random"] as const) {
      const again = new SimulatedMember(first.crash(new Prng(point), { survival }), 3_000_000);
      expect(await again.start(new Prng(5)), `point ${point}, ${survival}`).toBe(true);
      expect(dumpStore(again.host.member.applier.store)).toBe(dump);
    }
    expect(point).toBeLessThan(200);
  }
  expect(disk.points).toBe(start);
});
