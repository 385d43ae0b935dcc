/** Which snapshot of the log a member starts from: the newest that the log vouches for. */
import { expect, test } from "vitest";
import { bytesFromLatin1 } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { readSnapshotFile, saveSnapshotFile } from "../src/wal/snapshot-files.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import { createPutRequest, encodePutRequest } from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { dumpStore } from "./kv-model.ts";
import { ManualClock } from "./manual-clock.ts";
import { SimulatedMember } from "./simulated-member.ts";

const DIRECTORY = "/data/member/snap";

async function started(disk: SimulatedDisk): Promise<SimulatedMember> {
  const member = new SimulatedMember(disk, 1_000_000);
  expect(await member.start(new Prng(1))).toBe(true);
  return member;
}

/** Lives long enough for several snapshots; returns what there is then. */
async function live(disk: SimulatedDisk): Promise<string> {
  const member = await started(disk);
  for (let count = 0; count < 60; count++) {
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

const snapshotsOf = (disk: SimulatedDisk): string[] =>
  disk.list(DIRECTORY).filter((name) => name.endsWith(".snap"));

/** The index of the snapshot that a start took. */
function startOf(member: SimulatedMember): unknown {
  const line = member.log.lines.find(({ message }) => message.startsWith("recovered v2 store"));
  return line?.fields["snapshot-index"];
}

const indexOf = (name: string): number => Number.parseInt(name.split("-")[1], 16);

test("the newest one, usually", async () => {
  const disk = new SimulatedDisk({ random: new Prng(2) });
  const before = await live(disk);
  const names = snapshotsOf(disk);
  expect(names.length).toBeGreaterThan(2);
  const member = await started(disk);
  expect(startOf(member)).toBe(indexOf(names.at(-1) ?? ""));
  expect(dumpStore(member.host.member.applier.store)).toBe(before);
  expect(await member.stop()).toBe(true);
});

test.each([
  ["behind the end of the log", 1000, 2],
  ["with an index that has no record", -1, 2],
  ["of another term", 0, 9],
])("an older one when the newest file is one %s", async (_, offset, term) => {
  const disk = new SimulatedDisk({ random: new Prng(2) });
  const before = await live(disk);
  const names = snapshotsOf(disk);
  const newest = names.at(-1) ?? "";
  const snapshot = readSnapshotFile(disk, `${DIRECTORY}/${newest}`);
  const index = snapshot.metadata.index + offset;
  if (offset <= 0) disk.remove(`${DIRECTORY}/${newest}`);
  const metadata = { ...snapshot.metadata, index, term };
  const clock = new ManualClock();
  const { log } = new SimulatedMember(disk, 0);
  let isSaved = false;
  saveSnapshotFile({ disk, clock, log, directory: DIRECTORY }, { ...snapshot, metadata }, () => {
    isSaved = true;
  });
  while (disk.step());
  expect(isSaved).toBe(true);

  const member = await started(disk);
  const expected = offset > 0 ? newest : (names.at(-2) ?? "");
  expect(startOf(member)).toBe(indexOf(expected));
  expect(dumpStore(member.host.member.applier.store)).toBe(before);
  expect(await member.stop()).toBe(true);
});
