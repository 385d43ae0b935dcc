/** Members that come, change and go, in whole simulated clusters without faults. */
import { describe, expect, test } from "vitest";
import type { ApplyResult } from "../src/apply/result.ts";
import { EtcdError } from "../src/errors/etcd-error.ts";
import { Errors } from "../src/errors/table.ts";
import type { MembershipWaiter } from "../src/member/ready.ts";
import type { MemberInfo } from "../src/membership/member-info.ts";
import { bytesFromUtf8 } from "../src/stdx/bytes.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
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

  constructor(members: number) {
    this.cluster = new Cluster({
      seed: 7,
      members,
      wires: { latencyUs: 200, jitterUs: 300, lost: 0, repeated: 0, overtaken: 0, detourUs: 0 },
      clockDrift: 0,
      config: {},
      variant: SOUND,
      print: (line) => this.lines.push(line),
    });
  }

  static async start(members: number): Promise<World> {
    const world = new World(members);
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
    await world.join(founder, true);
    await world.until(() => world.lines.some((line) => line.includes("sending merged snapshot")));
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
});
