/** Who leads when a leader stops, or its disk does: another member, soon, and without a vote being waited for. */
import { describe, expect, test } from "vitest";
import { EtcdError } from "../src/errors/etcd-error.ts";
import { InternalRaftRequestOperationField } from "../src/wire/gen/raft-internal.ts";
import { createPutRequest, encodePutRequest } from "../src/wire/gen/rpc.ts";
import { Cluster } from "./cluster/cluster.ts";
import type { Machine } from "./cluster/machine.ts";
import { SOUND } from "./cluster/variant.ts";

const MS = 1000;

/** Less than the shortest election timeout. */
const SOON_US = 500 * MS;

const ELECTION_TIMEOUT_US = 1000 * MS;

async function clusterOf(members: number): Promise<{ cluster: Cluster; leader: Machine }> {
  const cluster = new Cluster({
    seed: 7,
    members,
    wires: {
      latencyUs: 200,
      jitterUs: 100,
      lost: 0,
      repeated: 0,
      overtaken: 0,
      detourUs: 0,
    },
    clockDrift: 0,
    config: { electionTimeoutMs: ELECTION_TIMEOUT_US / MS, heartbeatIntervalMs: 100 },
    variant: SOUND,
    print: undefined,
  });
  for (const machine of cluster.machines) machine.start();
  const isWhole = (): boolean =>
    cluster.leader() !== undefined &&
    cluster.machines.every(({ host }) => (host?.member.status().leader ?? 0n) !== 0n);
  expect(await cluster.runUntil(isWhole, 20_000 * MS)).toBe(true);
  const leader = cluster.leader();
  if (leader === undefined) throw new Error("Nobody leads");
  return { cluster, leader };
}

/** Whether a member other than `machine` leads. */
function othersLead(cluster: Cluster, machine: Machine): () => boolean {
  return () => {
    const leader = cluster.leader();
    return leader !== undefined && leader !== machine;
  };
}

/** Puts something at `machine`; returns whether it was answered. */
function put(machine: Machine): () => boolean {
  let answered = false;
  const { host } = machine;
  const key = new Uint8Array([1]);
  const body = encodePutRequest(createPutRequest({ key, value: key }));
  host?.member.propose(InternalRaftRequestOperationField.put, body, {
    onApplied: (result) => {
      answered = !(result instanceof EtcdError);
    },
  });
  host?.poke();
  return () => answered;
}

describe("leadership", () => {
  test("is handed over by a leader that stops", async () => {
    const { cluster, leader } = await clusterOf(3);
    leader.stop();
    expect(await cluster.runUntil(othersLead(cluster, leader), SOON_US)).toBe(true);
    expect(await cluster.runUntil(() => leader.state === "down", SOON_US)).toBe(true);
  });

  test("costs nobody an answer who writes through another member meanwhile", async () => {
    const { cluster, leader } = await clusterOf(3);
    const others = cluster.machines.filter((machine) => machine !== leader);
    await cluster.run(100 * MS);
    leader.stop();
    const answers: (() => boolean)[] = [];
    for (let round = 0; round < 100; round++) {
      for (const machine of others) answers.push(put(machine));
      await cluster.run(MS / 5);
    }
    expect(await cluster.runUntil(() => answers.every((isGiven) => isGiven()), SOON_US)).toBe(true);
    expect(leader.state).not.toBe("up");
  });

  test.each([[3], [2]])(
    "of %d members is another one's after an election when the leader is removed",
    async (members) => {
      const { cluster, leader } = await clusterOf(members);
      const others = cluster.machines.filter((machine) => machine !== leader);
      await cluster.run(6_000 * MS);
      const { host } = leader;
      let isRemoved = false;
      host?.membership.remove(host.member.id, {
        onChanged: (result) => {
          isRemoved = !(result instanceof EtcdError);
        },
      });
      host?.poke();
      expect(await cluster.runUntil(() => isRemoved, SOON_US)).toBe(true);
      // From now on writes wait for the new leader, and are not sent to the old one.
      await cluster.run(10 * MS);
      const answers = others.map(put);
      const areGiven = (): boolean => answers.every((isGiven) => isGiven());
      expect(await cluster.runUntil(areGiven, 3 * ELECTION_TIMEOUT_US)).toBe(true);
      expect(othersLead(cluster, leader)()).toBe(true);
      expect(await cluster.runUntil(() => leader.state === "down", 2_000 * MS)).toBe(true);
    },
  );

  test("is given up when nobody can take it, after the time of a request", async () => {
    const { cluster, leader } = await clusterOf(3);
    for (const machine of cluster.machines) if (machine !== leader) machine.pause();
    leader.stop();
    expect(await cluster.runUntil(() => leader.state === "down", 8_000 * MS)).toBe(true);
  });

  test("is handed over by a leader whose disk takes nothing any more", async () => {
    const { cluster, leader } = await clusterOf(3);
    await cluster.run(100 * MS);
    leader.parts.disk.stalledUntilUs = cluster.loop.nowUs + 60_000 * MS;
    put(leader);
    expect(await cluster.runUntil(othersLead(cluster, leader), 1.5 * ELECTION_TIMEOUT_US)).toBe(
      true,
    );
    const next = cluster.leader();
    if (next === undefined) throw new Error("Nobody leads");
    const answered = put(next);
    expect(await cluster.runUntil(answered, SOON_US)).toBe(true);
    expect(leader.state).toBe("up");
  });

  test("goes to the next in line when the disk of the first one takes nothing either", async () => {
    const { cluster, leader } = await clusterOf(5);
    await cluster.run(100 * MS);
    const healthy = cluster.machines.slice(-3).filter((machine) => machine !== leader);
    const stalled = cluster.machines.filter((machine) => !healthy.includes(machine)).slice(0, 2);
    if (!stalled.includes(leader)) stalled[0] = leader;
    for (const { parts } of stalled) parts.disk.stalledUntilUs = cluster.loop.nowUs + 60_000 * MS;
    put(leader);
    const isWell = (): boolean => {
      const next = cluster.leader();
      return next !== undefined && !stalled.includes(next);
    };
    expect(await cluster.runUntil(isWell, 6 * ELECTION_TIMEOUT_US)).toBe(true);
    const next = cluster.leader();
    if (next === undefined) throw new Error("Nobody leads");
    expect(await cluster.runUntil(put(next), SOON_US)).toBe(true);
  });

  test("stays where it is while the disk is slow, or nobody else is there", async () => {
    const { cluster, leader } = await clusterOf(3);
    leader.parts.disk.latencyUs = 0.8 * ELECTION_TIMEOUT_US;
    for (let round = 0; round < 5; round++) {
      expect(await cluster.runUntil(put(leader), 4 * ELECTION_TIMEOUT_US)).toBe(true);
    }
    expect(cluster.leader()).toBe(leader);

    const alone = await clusterOf(1);
    const { disk } = alone.leader.parts;
    disk.stalledUntilUs = alone.cluster.loop.nowUs + 5 * ELECTION_TIMEOUT_US;
    const answered = put(alone.leader);
    expect(await alone.cluster.runUntil(answered, 6 * ELECTION_TIMEOUT_US)).toBe(true);
    expect(alone.cluster.leader()).toBe(alone.leader);
  });
});

describe("the first election", () => {
  test("comes sooner when the peers are there than without looking for them", async () => {
    const times: number[] = [];
    for (const initialElectionTickAdvance of [true, false]) {
      const cluster = new Cluster({
        seed: 3,
        members: 3,
        wires: { latencyUs: 200, jitterUs: 0, lost: 0, repeated: 0, overtaken: 0, detourUs: 0 },
        clockDrift: 0,
        config: { electionTimeoutMs: 5000, heartbeatIntervalMs: 100, initialElectionTickAdvance },
        variant: SOUND,
        print: undefined,
      });
      for (const machine of cluster.machines) machine.start();
      await cluster.runUntil(() => cluster.leader() !== undefined, 30_000 * MS);
      times.push(cluster.loop.nowUs);
    }
    const [advanced, waited] = times;
    expect(waited - advanced).toBeGreaterThan(3000 * MS);
  });
});
