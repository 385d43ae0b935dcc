/** Members that come, change and go, in whole simulated clusters without faults. */
import { describe, expect, test } from "vitest";
import type { ApplyResult } from "../src/apply/result.ts";
import { EtcdError } from "../src/errors/etcd-error.ts";
import { Errors } from "../src/errors/table.ts";
import { encodeRevision } from "../src/mvcc/revision.ts";
import type { MembershipWaiter } from "../src/member/ready.ts";
import type { MemberInfo } from "../src/membership/member-info.ts";
import type { ServerConfig } from "../src/server/config/config.ts";
import { bytesFromUtf8 } from "../src/stdx/bytes.ts";
import { createKeyValue, encodeKeyValue } from "../src/wire/gen/kv.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  type AlarmMember,
  AlarmType,
  createLeaseGrantRequest,
  createPutRequest,
  encodeLeaseGrantRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import { Cluster, peerUrlOf } from "./cluster/cluster.ts";
import type { Machine } from "./cluster/machine.ts";
import { SOUND } from "./cluster/variant.ts";

const SECOND_US = 1_000_000;

class World {
  readonly lines: string[] = [];
  readonly cluster: Cluster;

  constructor(members: number, config: Partial<ServerConfig> = {}) {
    this.cluster = new Cluster({
      seed: 7,
      members,
      wires: { latencyUs: 200, jitterUs: 300, lost: 0, repeated: 0, overtaken: 0, detourUs: 0 },
      clockDrift: 0,
      config,
      variant: SOUND,
      print: (line) => this.lines.push(line),
    });
  }

  static async start(members: number, config: Partial<ServerConfig> = {}): Promise<World> {
    const world = new World(members, config);
    for (const machine of world.cluster.machines) machine.start();
    await world.until(() => world.members().filter(({ name }) => name !== "").length === members);
    return world;
  }

  async until(condition: () => boolean): Promise<void> {
    expect(await this.cluster.runUntil(condition, 30 * SECOND_US)).toBe(true);
  }

  pass(seconds: number): Promise<void> {
    return this.cluster.run(seconds * SECOND_US);
  }

  hostOf(machine: Machine): NonNullable<Machine["host"]> {
    const { host } = machine;
    if (host === undefined) throw new Error(`${machine.name} does not run`);
    return host;
  }

  /** The members as the leader knows them. */
  members(): readonly MemberInfo[] {
    return this.cluster.leader()?.host?.member.applier.cluster.members() ?? [];
  }

  get version(): string | undefined {
    return this.cluster.leader()?.host?.member.applier.cluster.version;
  }

  alarms(): readonly AlarmMember[] {
    return this.cluster.leader()?.host?.member.applier.alarms.list(AlarmType.NONE) ?? [];
  }

  get leader(): Machine {
    const leader = this.cluster.leader();
    if (leader === undefined) throw new Error("nobody leads");
    return leader;
  }

  /** Asks on a machine, with whatever `ask` does with the waiter. */
  async change(
    ask: (waiter: MembershipWaiter) => void,
  ): Promise<readonly MemberInfo[] | EtcdError> {
    let told: readonly MemberInfo[] | EtcdError | undefined;
    ask({
      onChanged: (result) => {
        told = result;
      },
    });
    await this.until(() => told !== undefined);
    return told ?? [];
  }

  async propose(
    machine: Machine,
    field: number,
    body: Uint8Array,
  ): Promise<ApplyResult | EtcdError> {
    let told: ApplyResult | EtcdError | undefined;
    const host = this.hostOf(machine);
    host.member.propose(field, body, {
      onApplied: (result) => {
        told = result;
      },
    });
    host.poke();
    await this.until(() => told !== undefined);
    return told ?? Errors.Timeout;
  }

  /** Adds a member through `machine` and starts it. */
  async join(machine: Machine, isLearner: boolean): Promise<Machine> {
    const joiner = this.cluster.addMachine({ initialClusterState: "existing" });
    const { membership } = this.hostOf(machine);
    const added = membership.newMember([peerUrlOf(joiner.index)], isLearner);
    const members = await this.change((waiter) => membership.add(added, waiter));
    if (members instanceof EtcdError) throw members;
    const initialCluster = this.cluster.machines
      .map(({ name, index }) => `${name}=${peerUrlOf(index)}`)
      .join(",");
    joiner.config = { ...joiner.config, initialCluster };
    joiner.start();
    return joiner;
  }
}

describe("a cluster's members", () => {
  test("who joins a member that has ended leases in a batch is sent the state behind it", async () => {
    const world = await World.start(1);
    const [founder] = world.cluster.machines;
    const { member } = world.hostOf(founder);
    for (let id = 1n; id <= 4n; id++) {
      const grant = createLeaseGrantRequest({ id, ttl: 2 });
      await world.propose(founder, Operation.leaseGrant, encodeLeaseGrantRequest(grant));
      const put = createPutRequest({ key: bytesFromUtf8(`k${id}`), lease: id });
      await world.propose(founder, Operation.put, encodePutRequest(put));
    }
    await world.until(() => member.applier.lessor.size === 0);
    expect(member.applier.leaseBatchIndex).toBeGreaterThan(0);
    const joiner = await world.join(founder, true);
    await world.until(() => world.lines.some((line) => line.includes("sent merged snapshot")));
    await world.until(() => world.members().filter(({ name }) => name !== "").length === 2);
    const { applier } = world.hostOf(joiner).member;
    expect(applier.leaseBatchIndex).toBe(0);
    expect(applier.lessor.size).toBe(0);
  });

  test("in a cluster of several no leases are ended in batches", async () => {
    const world = await World.start(3);
    for (let id = 1n; id <= 4n; id++) {
      const grant = createLeaseGrantRequest({ id, ttl: 2 });
      await world.propose(world.leader, Operation.leaseGrant, encodeLeaseGrantRequest(grant));
    }
    const appliers = world.cluster.machines.map((machine) => world.hostOf(machine).member.applier);
    await world.until(() => appliers.every(({ lessor }) => lessor.size === 0));
    expect(appliers.map(({ leaseBatchIndex }) => leaseBatchIndex)).toEqual([0, 0, 0]);
  });

  test("a learner is promoted by itself where a flag says so", async () => {
    const world = await World.start(3, { learnerAutoPromote: true });
    await world.pass(6);
    const joiner = await world.join(world.leader, true);
    const { id } =
      (await world.until(() => joiner.host !== undefined), world.hostOf(joiner).member);
    await world.until(() => world.members().some((each) => each.id === id && !each.isLearner));
    const promoted = world.lines.filter((line) => line.includes("promoting learner member"));
    expect(promoted).toHaveLength(1);
  });

  test("a learner waits for somebody who promotes it, wherever that is asked", async () => {
    const world = await World.start(3);
    await world.pass(6);
    const joiner = await world.join(world.leader, true);
    await world.until(() => world.members().filter(({ name }) => name !== "").length === 4);
    await world.pass(5);
    const { id } = world.hostOf(joiner).member;
    expect(world.members().find((each) => each.id === id)?.isLearner).toBe(true);
    const follower = world.cluster.machines.find(
      (each) => each !== world.leader && each !== joiner,
    );
    if (follower === undefined) throw new Error("there must be a follower");
    const { membership } = world.hostOf(follower);
    expect(await world.change((waiter) => membership.promote(1n, waiter))).toBe(
      Errors.MemberNotFound,
    );
    const members = await world.change((waiter) => membership.promote(id, waiter));
    if (members instanceof EtcdError) throw members;
    expect(members.every(({ isLearner }) => !isLearner)).toBe(true);
    expect(await world.change((waiter) => membership.promote(id, waiter))).toBe(Errors.NotLearner);
  });

  test("a leader that is removed steps down and ends, and the others go on", async () => {
    const world = await World.start(3);
    await world.pass(6);
    const { leader } = world;
    const { membership, member } = world.hostOf(leader);
    const members = await world.change((waiter) => membership.remove(member.id, waiter));
    expect(members).toHaveLength(2);
    await world.until(() => leader.state === "down");
    await world.until(() => world.cluster.leader() !== undefined);
    expect(world.members()).toHaveLength(2);
  });

  test("raise the cluster version once all members tell theirs", async () => {
    const world = new World(3);
    const [first, second, third] = world.cluster.machines;
    first.start();
    second.start();
    await world.until(() => world.members().length === 3 && world.version === "3.0.0");
    await world.pass(5);
    expect(world.version).toBe("3.0.0");
    third.start();
    await world.until(() => world.version === "3.5.0");
  });

  test("raise the alarm CORRUPT when one of them holds other data", async () => {
    const world = await World.start(3, { corruptCheckMs: 1000 });
    const put = createPutRequest({ key: bytesFromUtf8("k"), value: bytesFromUtf8("v") });
    await world.propose(world.leader, Operation.put, encodePutRequest(put));
    await world.pass(3);
    expect(world.alarms()).toEqual([]);
    const [follower] = world.cluster.machines.filter((each) => each !== world.leader);
    const { backend, store } = world.hostOf(follower).member.applier;
    // As a bit that has turned would leave it.
    const changed = createKeyValue({
      ...{ key: bytesFromUtf8("k"), value: bytesFromUtf8("x") },
      ...{ createRevision: store.revision, modRevision: store.revision, version: 1 },
    });
    const at = encodeRevision(store.revision, 0, false);
    backend.put("key", at, encodeKeyValue(changed));
    await world.until(() => world.alarms().length > 0);
    expect(world.alarms()).toMatchObject([{ memberId: 0n, alarm: AlarmType.CORRUPT }]);
  });
});
