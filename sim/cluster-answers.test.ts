/**
 * What whole members in a simulated network answer while leadership is lost, cut off or handed over: what
 * processes of the real etcd can only be brought to by luck.
 */
import { describe, expect, test } from "vitest";
import { EtcdError } from "../src/errors/etcd-error.ts";
import { Errors } from "../src/errors/table.ts";
import type { ServerConfig } from "../src/server/config/config.ts";
import type { MemberHost } from "../src/server/member-host.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  createLeaseGrantRequest,
  createPutRequest,
  encodeLeaseGrantRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import { Cluster } from "./cluster/cluster.ts";
import type { Machine } from "./cluster/machine.ts";
import { SOUND } from "./cluster/variant.ts";

const MS = 1000;
const SECOND = 1000 * MS;

/** Less than the shortest election timeout. */
const SOON = 500 * MS;

/** More than the time of a request, which is 7 seconds. */
const LONG = 8 * SECOND;

/** What came of a request so far. */
type Outcome = "waits" | "done" | EtcdError;

async function clusterOfThree(
  seed: number,
  config: Partial<ServerConfig> = {},
): Promise<[Cluster, Machine, Machine, Machine]> {
  const cluster = new Cluster({
    ...{ seed, members: 3, clockDrift: 0, variant: SOUND, print: undefined },
    wires: { latencyUs: 200, jitterUs: 100, lost: 0, repeated: 0, overtaken: 0, detourUs: 0 },
    config: { electionTimeoutMs: 1000, heartbeatIntervalMs: 100, ...config },
  });
  for (const machine of cluster.machines) machine.start();
  const isWhole = (): boolean =>
    cluster.leader() !== undefined &&
    cluster.machines.every(({ host }) => (host?.member.leader ?? 0n) !== 0n);
  expect(await cluster.runUntil(isWhole, 20 * SECOND)).toBe(true);
  const leader = cluster.leader();
  const [first, second] = cluster.machines.filter((machine) => machine !== leader);
  if (leader === undefined) throw new Error("Nobody leads");
  return [cluster, leader, first, second];
}

function hostOf({ host }: Machine): MemberHost {
  if (host === undefined) throw new Error("The machine is down");
  return host;
}

function propose(machine: Machine, field: number, body: Uint8Array): () => Outcome {
  let outcome: Outcome = "waits";
  const host = hostOf(machine);
  host.member.propose(field, body, {
    onApplied: (result) => {
      outcome = result instanceof EtcdError ? result : "done";
    },
  });
  host.poke();
  return () => outcome;
}

function put(machine: Machine, key = 1): () => Outcome {
  const request = createPutRequest({ key: new Uint8Array([key]), value: new Uint8Array([1]) });
  return propose(machine, Operation.put, encodePutRequest(request));
}

function grant(machine: Machine, id: bigint, ttl: number): () => Outcome {
  const body = encodeLeaseGrantRequest(createLeaseGrantRequest({ id, ttl }));
  return propose(machine, Operation.leaseGrant, body);
}

function read(machine: Machine): () => Outcome {
  let outcome: Outcome = "waits";
  const host = hostOf(machine);
  host.member.whenReadable({
    onReadable: () => {
      outcome = "done";
    },
    onFailed: (error) => {
      outcome = error;
    },
  });
  host.poke();
  return () => outcome;
}

/** Renews a lease through any member; the time to live that it answers. */
function renew(machine: Machine, id: bigint): () => number | "waits" | EtcdError {
  let outcome: number | "waits" | EtcdError = "waits";
  const host = hostOf(machine);
  host.leases.renew(id, {
    onRenewed: (ttl) => {
      outcome = ttl;
    },
    onFailed: (error) => {
      outcome = error;
    },
  });
  host.poke();
  return () => outcome;
}

function cut(cluster: Cluster, machine: Machine): void {
  for (const { index } of cluster.machines) {
    if (index === machine.index) continue;
    cluster.links.cut(machine.index, index);
    cluster.links.cut(index, machine.index);
  }
}

async function settled(cluster: Cluster, ...outcomes: (() => unknown)[]): Promise<void> {
  const isSettled = (): boolean => outcomes.every((outcome) => outcome() !== "waits");
  expect(await cluster.runUntil(isSettled, LONG)).toBe(true);
}

describe("A member that is cut off", () => {
  test("reads and writes nothing by quorum, ends no lease, and disturbs nobody when it is back", async () => {
    const [cluster, leader, follower] = await clusterOfThree(1);
    await settled(cluster, grant(leader, 7n, 2));
    await cluster.run(SOON);
    const { term } = leader.host?.member.status() ?? { term: 0 };
    cut(cluster, follower);
    const lost = [put(follower), read(follower)];
    await cluster.run(3 * SECOND);
    const [unsent, unread] = [put(follower), read(follower)];
    await settled(cluster, ...lost, unsent, unread);
    expect(lost.map((outcome) => outcome())).toEqual([Errors.Timeout, Errors.Timeout]);
    expect(unsent()).toBe(Errors.DeadlineExceeded);
    expect(unread()).toBe(Errors.Timeout);
    const { applier } = hostOf(follower).member;
    // The leader has ended it long ago.
    expect([hostOf(leader).member.applier.lessor.exists(7n), applier.lessor.exists(7n)]).toEqual([
      false,
      true,
    ]);
    cluster.links.mendAll();
    expect(await cluster.runUntil(() => hostOf(follower).member.leader !== 0n, 2 * SECOND)).toBe(
      true,
    );
    await settled(cluster, put(follower), read(follower));
    await cluster.run(3 * SECOND);
    expect(hostOf(follower).member.status().term).toBe(term);
    expect(cluster.leader()).toBe(leader);
    expect(applier.lessor.exists(7n)).toBe(false);
  });

  test("gives up leadership, and the others do not wait for it", async () => {
    const [cluster, leader, follower] = await clusterOfThree(2);
    await settled(cluster, grant(leader, 7n, 60));
    cut(cluster, leader);
    const [stale, elsewhere, renewal] = [read(leader), put(follower), renew(follower, 7n)];
    const isDeposed = (): boolean => hostOf(leader).member.leader === 0n;
    expect(await cluster.runUntil(isDeposed, 3 * SECOND)).toBe(true);
    const stuck = renew(leader, 7n);
    await settled(cluster, stale, elsewhere, renewal, stuck);
    expect(stale()).toBe(Errors.Timeout);
    // It was on its way to the old leader. Who leads now tells that as it is, the other one cannot know.
    const lost = [Errors.TimeoutDueToLeaderFail, Errors.TimeoutDueToConnectionLost, Errors.Timeout];
    expect(lost).toContain(elsewhere());
    expect(renewal()).toBe(60);
    expect(stuck()).toBe(Errors.NoLeader);
  });
});

describe("A change of leader", () => {
  test("is what reads that waited for one are told, and what comes then is answered", async () => {
    const [cluster, leader, follower] = await clusterOfThree(3);
    leader.pause();
    const isLeaderless = (): boolean => hostOf(follower).member.leader === 0n;
    expect(await cluster.runUntil(isLeaderless, 3 * SECOND)).toBe(true);
    const [waiting, write] = [read(follower), put(follower)];
    await settled(cluster, waiting, write);
    expect([waiting(), write()]).toEqual([Errors.LeaderChanged, "done"]);
    const after = read(follower);
    await settled(cluster, after);
    expect(after()).toBe("done");
  });

  test("that was asked for loses no proposal of any member", async () => {
    const [cluster, leader, first, second] = await clusterOfThree(4);
    const outcomes: (() => Outcome)[] = [];
    const target = hostOf(first).member.id;
    let told: EtcdError | undefined | "waits" = "waits";
    for (let round = 0; round < 200; round++) {
      if (round === 50) {
        hostOf(leader).member.moveLeader(target, (failure) => {
          told = failure;
        });
        hostOf(leader).poke();
      }
      for (const machine of [leader, first, second]) outcomes.push(put(machine, round));
      await cluster.run(50);
    }
    expect(await cluster.runUntil(() => outcomes.every((o) => o() !== "waits"), SOON)).toBe(true);
    expect(new Set(outcomes.map((outcome) => outcome()))).toEqual(new Set(["done"]));
    expect(told).toBeUndefined();
    expect(cluster.leader()).toBe(first);
  });

  test("to a member that does not take over is given up in time, and proposals go on", async () => {
    const [cluster, leader, first, second] = await clusterOfThree(5);
    first.pause();
    let told: EtcdError | undefined | "waits" = "waits";
    hostOf(leader).member.moveLeader(hostOf(first).member.id, (failure) => {
      told = failure;
    });
    hostOf(leader).poke();
    await cluster.run(MS);
    const outcomes = [put(leader), put(second)];
    expect(await cluster.runUntil(() => outcomes.every((o) => o() === "done"), 2 * SECOND)).toBe(
      true,
    );
    expect(await cluster.runUntil(() => told !== "waits", LONG)).toBe(true);
    expect(told).toBe(Errors.TransferTimeout);
  });

  test("extends leases, and an old leader ends none when it wakes up", async () => {
    const [cluster, leader, first, second] = await clusterOfThree(6);
    await settled(cluster, grant(leader, 7n, 5), grant(leader, 8n, 5));
    await cluster.run(4 * SECOND);
    leader.pause();
    const hasOther = (): boolean =>
      [first, second].some(({ host }) => host?.member.isLeader() === true);
    expect(await cluster.runUntil(hasOther, 4 * SECOND)).toBe(true);
    const keeper = [first, second].find(({ host }) => host?.member.isLeader() === true) ?? first;
    const other = keeper === first ? second : first;
    for (let round = 0; round < 4; round++) {
      const renewal = renew(other, 7n);
      await settled(cluster, renewal);
      expect(renewal()).toBe(5);
      await cluster.run(2 * SECOND);
    }
    leader.resume();
    await cluster.run(SECOND);
    const { lessor } = hostOf(keeper).member.applier;
    // By the old leader's count both had expired; by the new one's, only the one that nobody renewed.
    expect([lessor.exists(7n), lessor.exists(8n)]).toEqual([true, false]);
    expect(cluster.leader()).toBe(keeper);
  });
});

describe("Auto-compaction", () => {
  test("is the leader's business, and that of the next one", async () => {
    const config = { autoCompactionMode: "periodic", autoCompactionRetention: "4s" } as const;
    const [cluster, leader, first, second] = await clusterOfThree(8, config);
    const compacted = ({ host }: Machine): number =>
      host?.member.applier.store.compactRevision ?? 0;
    // Until the members have agreed on a version.
    await cluster.run(6 * SECOND);
    await settled(cluster, put(leader), put(leader));
    const { committedIndex } = hostOf(leader).member.status();
    await cluster.run(30 * SECOND);
    const { revision } = hostOf(leader).member.applier.store;
    expect([leader, first, second].map(compacted)).toEqual([revision, revision, revision]);
    // Once or twice by the leader; others would have proposed the same once more each.
    expect(hostOf(leader).member.status().committedIndex - committedIndex).toBeLessThanOrEqual(2);
    leader.pause();
    const hasNext = (): boolean =>
      [first, second].some(({ host }) => host?.member.isLeader() === true);
    expect(await cluster.runUntil(hasNext, LONG)).toBe(true);
    await cluster.run(SOON);
    await settled(cluster, put(first));
    await cluster.run(10 * SECOND);
    expect([first, second].map(compacted)).toEqual([revision + 1, revision + 1]);
  });
});
