/**
 * Defragmentation of a whole member while it works: crashed before every operation on its disk, on a full
 * disk, on a failing one.
 */
import { describe, expect, test } from "vitest";
import { Db } from "../src/bolt/db.ts";
import { check } from "../src/bolt/check.ts";
import type { EtcdError } from "../src/errors/etcd-error.ts";
import { Errors } from "../src/errors/table.ts";
import { Prng } from "../src/stdx/prng.ts";
import { SimulatedDisk } from "./disk.ts";
import { type CrashOptions, type DiskOperation, SimulatedCrash } from "./disk-faults.ts";
import { dumpState } from "./kv-model.ts";
import { legalStates, NO_PROGRESS, plan, type Progress, reopen, work } from "./member-life.ts";
import { SimulatedMember } from "./simulated-member.ts";

const SNAP = "/data/member/snap";

/** CRASH_SEEDS sets how many lives are tried, CRASH_SEED the first. */
const FIRST_SEED = Number(process.env["CRASH_SEED"] ?? 5);
const SEEDS = Array.from(
  { length: Number(process.env["CRASH_SEEDS"] ?? 1) },
  (_, index) => FIRST_SEED + index,
);

/** What the defragmentations of a life have said. */
interface Defrags {
  readonly results: (EtcdError | undefined)[];
  started: number;
}

/** Lets some time go by, with what belongs to it. */
async function pass(member: SimulatedMember, turns: number): Promise<void> {
  let count = 0;
  await member.until(() => ++count > turns);
}

/** Works off the operations of a seed, with defragmentations at random times. */
function workAndDefrag(member: SimulatedMember, seed: number, defrags: Defrags): Promise<Progress> {
  const random = new Prng(seed);
  const moments = new Prng(seed + 1);
  return work(member, plan(seed), 0, random, async () => {
    if (moments.below(4) === 0) {
      defrags.started++;
      try {
        member.host.current.defragment((failure) => defrags.results.push(failure));
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) throw error;
      }
    }
    await pass(member, moments.below(6));
  });
}

function soundness(disk: SimulatedDisk): string[] {
  const db = Db.open(disk, `${SNAP}/db`, { readOnly: true });
  const tx = db.beginRead();
  const problems = check(tx);
  tx.rollback();
  db.close();
  return problems;
}

const CRASHES: readonly CrashOptions[] = [
  { survival: "kept" },
  { survival: "lost" },
  {},
  { cause: "process" },
];

async function crashAt(seed: number, point: number): Promise<[halted: boolean, Defrags]> {
  const states = legalStates(plan(seed));
  const disk = new SimulatedDisk({ random: new Prng(seed) });
  disk.crashAt(point);
  const member = new SimulatedMember(disk, 1_000_000);
  const defrags: Defrags = { results: [], started: 0 };
  const started = await member.start(new Prng(seed));
  const progress = started ? await workAndDefrag(member, seed, defrags) : NO_PROGRESS;
  if (started) await member.until(() => defrags.results.length === defrags.started);
  for (const [at, crash] of CRASHES.entries()) {
    const where = `seed ${seed}, point ${point}, crash ${at}`;
    const after = disk.crash(new Prng(point * 10 + at), crash);
    const again = new SimulatedMember(after, 2_000_000);
    await reopen(again, seed, states, progress, where);
    expect(
      after.list(SNAP).filter((name) => name.startsWith("db")),
      where,
    ).toEqual(["db"]);
    expect(await again.stop(), where).toBe(true);
    expect(soundness(after), where).toEqual([]);
  }
  return [disk.halted, defrags];
}

describe("a member that defragments and crashes before every operation on its disk", () => {
  test.each(SEEDS)(
    "keeps what it acknowledged, seed %i",
    async (seed) => {
      let point = 1;
      for (; ; point++) {
        const [halted, { results }] = await crashAt(seed, point);
        if (halted) continue;
        expect(results.length).toBeGreaterThan(1);
        expect(results.every((failure) => failure === undefined)).toBe(true);
        break;
      }
      expect(point).toBeGreaterThan(100);
    },
    120_000,
  );
});

describe("a member whose disk has no room or errors for the copy", () => {
  const operations: DiskOperation[] = ["create", "write", "writeDurable", "sync", "truncate"];

  test.each(operations)("says so and goes on: %s", async (operation) => {
    let failures = 0;
    for (let after = 0; after < 12; after += 1) {
      const seed = 100 + after;
      const states = legalStates(plan(seed));
      const disk = new SimulatedDisk({ random: new Prng(seed) });
      const member = new SimulatedMember(disk, 1_000_000);
      expect(await member.start(new Prng(seed))).toBe(true);
      disk.inject({ operation, code: "ENOSPC", pathPart: "db.tmp", after });
      const defrags: Defrags = { results: [], started: 0 };
      const progress = await workAndDefrag(member, seed, defrags);
      expect(progress.acknowledged).toBe(plan(seed).length);
      await member.until(() => defrags.results.length === defrags.started);
      for (const failure of defrags.results) {
        if (failure === undefined) continue;
        failures++;
        expect(failure.message).toContain("no space left on device");
      }
      expect(member.fatal).toBeUndefined();
      expect(dumpState(member.host.member.applier)).toBe(states.at(-1));
      expect(await member.stop()).toBe(true);
      expect(disk.list(SNAP).filter((name) => name.startsWith("db"))).toEqual(["db"]);
      await reopen(new SimulatedMember(disk, 2_000_000), seed, states, progress, `after ${after}`);
    }
    expect(failures).toBeGreaterThan(0);
  });

  test("stops before it takes the room that the log needs", async () => {
    const start = async (capacityBytes: number): Promise<[SimulatedDisk, SimulatedMember]> => {
      const disk = new SimulatedDisk({ random: new Prng(9), capacityBytes });
      const member = new SimulatedMember(disk, 1_000_000);
      expect(await member.start(new Prng(9))).toBe(true);
      return [disk, member];
    };
    const [roomy] = await start(1_000_000);
    const used = 1_000_000 - (roomy.freeBytes("/data") ?? 0);
    // There is room for the first pages of a copy, and then for little more than a segment of the log.
    const [disk, member] = await start(used + 16_384 + 4200);
    const defrags: Defrags = { results: [], started: 0 };
    member.host.current.defragment((failure) => defrags.results.push(failure));
    await member.until(() => defrags.results.length > 0);
    expect(defrags.results[0]?.message).toContain("that the log may need");
    expect(disk.list(SNAP).filter((name) => name.startsWith("db"))).toEqual(["db"]);
    expect(await member.stop()).toBe(true);
  });
});

test("requests that come during a defragmentation share the next one; a stop answers them all", async () => {
  const member = new SimulatedMember(new SimulatedDisk({ random: new Prng(4) }), 1_000_000);
  expect(await member.start(new Prng(4))).toBe(true);
  const { current } = member.host;
  const results: (EtcdError | undefined)[] = [];
  const request = (): void => current.defragment((failure) => results.push(failure));
  for (let count = 0; count < 4; count++) request();
  await member.until(() => results.length === 1);
  expect(results).toEqual([undefined]);
  await member.until(() => results.length === 4);
  expect(results).toEqual([undefined, undefined, undefined, undefined]);
  const lines = member.log.lines.filter(({ message }) => message === "defragmenting");
  expect(lines).toHaveLength(2);
  request();
  request();
  expect(await member.stop()).toBe(true);
  request();
  expect(results.slice(4)).toEqual([Errors.Stopped, Errors.Stopped, Errors.Stopped]);
  expect(member.disk.list(SNAP).filter((name) => name.startsWith("db"))).toEqual(["db"]);
});

test("a database with much unused space is defragmented at start, when the flag says so", async () => {
  const disk = new SimulatedDisk({ random: new Prng(8) });
  const states = legalStates(plan(8));
  const first = new SimulatedMember(disk, 1_000_000);
  expect(await first.start(new Prng(8))).toBe(true);
  const progress = await work(first, plan(8), 0, new Prng(8));
  const { current: storage } = first.host;
  const [bytes, bytesInUse] = [storage.databaseBytes(), storage.databaseBytesInUse()];
  expect(await first.stop()).toBe(true);
  const start = async (bootstrapDefragBytes: number): Promise<string[]> => {
    const member = new SimulatedMember(disk, 2_000_000);
    expect(await member.start(new Prng(9), { bootstrapDefragBytes })).toBe(true);
    expect(dumpState(member.host.member.applier)).toBe(states.at(-1));
    expect(await member.stop()).toBe(true);
    const messages = member.log.lines.map(({ message }) => message);
    return messages.filter((message) => /defragment/.test(message));
  };
  expect(progress.acknowledged).toBe(plan(8).length);
  expect(bytes).toBeGreaterThan(bytesInUse);
  expect(await start(0)).toEqual([]);
  expect(await start(bytes)).toEqual(["Skipping defragmentation"]);
  expect(await start(1)).toEqual(["defragmenting", "finished defragmenting directory"]);
  expect(disk.list(SNAP).filter((name) => name.startsWith("db"))).toEqual(["db"]);
  expect(soundness(disk)).toEqual([]);
});
