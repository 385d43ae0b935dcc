/** Members with damaged data that are repaired from their peers, and why they must not vote meanwhile. */
import { describe, expect, test } from "vitest";
import { Prng } from "../src/stdx/prng.ts";
import type { Machine, ProcessEnd } from "./cluster/machine.ts";
import { LaggingWorld } from "./lagging-world.ts";

const MEMBER = "/data/member";

function newestSegment({ disk }: Machine): string {
  const names = disk.list(`${MEMBER}/wal`).filter((name) => name.endsWith(".wal"));
  return `${MEMBER}/wal/${names.at(-1)}`;
}

const DAMAGES: readonly [string, (machine: Machine) => void][] = [
  ["a damaged record in the middle of the log", (machine) => damageLog(machine)],
  ["a database that is missing", ({ disk }) => disk.remove(`${MEMBER}/snap/db`)],
  ["a database that is none", (machine) => zero(machine, `${MEMBER}/snap/db`)],
  ["a log that is missing", ({ disk }) => disk.remove(`${MEMBER}/wal`)],
];

/** In the first half of what is written. */
function damageLog(machine: Machine): void {
  const path = newestSegment(machine);
  for (let bit = 0; bit < 8; bit++) machine.disk.flipBit(path, 1200, bit);
}

function zero({ disk }: Machine, path: string): void {
  const file = disk.open(path, "readWrite");
  const size = file.size();
  file.truncate(0);
  file.truncate(size);
  file.close();
}

function mayRepair(machine: Machine): void {
  machine.config = { ...machine.config, repairsFromPeers: true };
}

const namesIn = ({ disk }: Machine, directory: string): string[] => disk.list(directory);

describe.each(DAMAGES)("%s", (_, spoil) => {
  test("keeps a member from starting, unless it may be repaired; then it is one like the others", async () => {
    const world = await LaggingWorld.start(1);
    const { follower } = world;
    const ends: ProcessEnd[] = [];
    world.cluster.onEnded.push((_machine, end) => ends.push(end));
    follower.crash({ cause: "process" });
    world.damage(follower, spoil);
    follower.start();
    await world.until(() => ends.length === 2);
    expect(ends[1].kind).toBe("refused");
    mayRepair(follower);
    follower.start();
    await world.caughtUp(follower);
    const names = namesIn(follower, MEMBER);
    expect(names.filter((name) => name.includes(".damaged."))).not.toEqual([]);
    expect(names).not.toContain("repair");
    await world.write(20);
    // A quorum that needs its vote, and later a start, find nothing unusual.
    const { leader } = world;
    leader.crash({ cause: "process" });
    await world.write(20);
    leader.start();
    await world.caughtUp(leader);
    if (follower.state === "down") follower.start();
    await world.caughtUp(follower);
  });
});

test("a repair that is interrupted before any operation on the disk begins again", async () => {
  const world = await LaggingWorld.start(2);
  const { follower } = world;
  mayRepair(follower);
  let crashes = 0;
  for (let point = 1; ; point += 3) {
    follower.crash({ cause: "process" });
    world.damage(follower, damageLog);
    follower.disk.crashAt(follower.disk.points + point);
    follower.start();
    const isRepaired = (): boolean =>
      follower.state === "up" && !namesIn(follower, MEMBER).includes("repair");
    await world.until(() => follower.state === "down" || isRepaired());
    if (follower.state !== "down") break;
    crashes++;
    follower.start();
    await world.caughtUp(follower);
    await world.write(5);
  }
  expect(crashes).toBeGreaterThan(10);
  await world.caughtUp(follower);
}, 60_000);

describe("an entry that the damaged member and the leader alone have", () => {
  /** Such an entry is acknowledged; then the leader goes down, and who lacks it can be reached again. */
  async function twoOfThree(seed: number): Promise<{
    world: LaggingWorld;
    leader: Machine;
    damaged: Machine;
  }> {
    const world = await LaggingWorld.start(seed);
    const { leader, follower: damaged } = world;
    const lacking = world.cluster.machines.find((machine) => ![leader, damaged].includes(machine));
    if (lacking === undefined) throw new Error("There is no third member");
    world.isolate(lacking, true);
    await world.write(3);
    leader.crash({ cause: "process" });
    damaged.crash({ cause: "process" });
    world.isolate(lacking, false);
    return { world, leader, damaged };
  }

  test("is lost when that member begins anew as if nothing had happened", async () => {
    const { world, damaged } = await twoOfThree(3);
    world.damage(damaged, ({ disk }) => disk.remove("/data"));
    damaged.config = { ...damaged.config, initialClusterState: "existing" };
    damaged.start();
    await expect(world.cluster.run(20_000_000)).rejects.toThrow("without the committed entry");
  });

  test("is kept by a repair, which waits for all who may know of it", async () => {
    const { world, leader, damaged } = await twoOfThree(3);
    world.damage(damaged, damageLog);
    mayRepair(damaged);
    damaged.start();
    await world.cluster.run(20_000_000);
    expect(world.cluster.leader()).toBeUndefined();
    leader.start();
    await world.write(10);
    for (const machine of world.cluster.machines) await world.caughtUp(machine);
  });
});

/** REPAIR_SEEDS sets how many are tried, REPAIR_SEED the first. */
const FIRST_SEED = Number(process.env["REPAIR_SEED"] ?? 1);
const SEEDS = Array.from(
  { length: Number(process.env["REPAIR_SEEDS"] ?? 4) },
  (_, index) => FIRST_SEED + index,
);

test.each(SEEDS)(
  "any of several, at any time, again and again, seed %i",
  async (seed) => {
    const random = new Prng(seed);
    const members = random.pick([3, 5]);
    const world = await LaggingWorld.start(seed, {}, undefined, members);
    for (const machine of world.cluster.machines) mayRepair(machine);
    for (let round = 0; round < 6; round++) {
      const machine = random.pick(world.cluster.machines);
      await world.write(random.between(1, 15));
      machine.crash({ cause: random.chance(0.5) ? "process" : "power" });
      if (random.chance(0.5)) await world.write(random.between(1, 15));
      world.damage(machine, DAMAGES[random.below(DAMAGES.length)][1]);
      machine.start();
      const other = random.pick(world.cluster.machines);
      if (other !== machine && random.chance(0.5)) {
        await world.cluster.run(random.between(1_000, 3_000_000));
        other.crash({ cause: "process" });
        await world.cluster.run(random.between(1_000, 3_000_000));
        other.start();
      }
      for (const each of world.cluster.machines) await world.caughtUp(each);
    }
  },
  30_000,
);
