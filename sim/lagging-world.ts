/** A simulated cluster, of three unless something else is said, in which one member falls so far behind that it needs a snapshot. */
import { SOUND } from "./cluster/variant.ts";
import { Cluster } from "./cluster/cluster.ts";
import type { Machine } from "./cluster/machine.ts";
import { assert } from "../src/stdx/assert.ts";
import { bytesFromLatin1 } from "../src/stdx/bytes.ts";
import type { ServerConfig } from "../src/server/config/config.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  createCompactionRequest,
  createLeaseGrantRequest,
  createPutRequest,
  encodeCompactionRequest,
  encodeLeaseGrantRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import type { ApplyResult } from "../src/apply/result.ts";
import { EtcdError } from "../src/errors/etcd-error.ts";
import { dumpAuth } from "./auth-dump.ts";
import { dumpState } from "./kv-model.ts";

const PATIENCE_US = 30_000_000;

export class LaggingWorld {
  readonly cluster: Cluster;
  readonly #ids = new Map<Machine, bigint>();
  #writes = 0;

  private constructor(
    seed: number,
    config: Partial<ServerConfig>,
    print: ((line: string) => void) | undefined,
    members: number,
  ) {
    this.cluster = new Cluster({
      seed,
      members,
      wires: { latencyUs: 200, jitterUs: 300, lost: 0, repeated: 0, overtaken: 0, detourUs: 0 },
      clockDrift: 0,
      config: { snapshotCount: 10, snapshotCatchUpEntries: 5, ...config },
      variant: SOUND,
      print,
    });
  }

  /** A cluster with a leader and some keys. */
  static async start(
    seed: number,
    config: Partial<ServerConfig> = {},
    print?: (line: string) => void,
    members = 3,
  ): Promise<LaggingWorld> {
    const world = new LaggingWorld(seed, config, print, members);
    for (const machine of world.cluster.machines) machine.start();
    await world.until(() => world.cluster.machines.every(({ host }) => host !== undefined));
    for (const machine of world.cluster.machines) {
      if (machine.host !== undefined) world.#ids.set(machine, machine.host.member.id);
    }
    await world.write(20);
    return world;
  }

  get leader(): Machine {
    const leader = this.cluster.leader();
    assert(leader?.host !== undefined, "There is no leader");
    return leader;
  }

  /** A member that does not lead. */
  get follower(): Machine {
    const follower = this.cluster.machines.find((machine) => machine !== this.leader);
    assert(follower !== undefined, "There is no follower");
    return follower;
  }

  async until(condition: () => boolean): Promise<void> {
    assert(await this.cluster.runUntil(condition, PATIENCE_US), "It does not come to pass");
  }

  /** Puts keys, one after the other, with a lease now and then and all of them acknowledged. */
  async write(count: number, valueBytes = 100): Promise<void> {
    await this.until(() => this.cluster.leader()?.host !== undefined);
    for (let at = 0; at < count; at++) {
      const number = this.#writes++;
      const key = bytesFromLatin1(`key${number % 13}`);
      const value = new Uint8Array(valueBytes).fill(number);
      if (number % 10 === 9) {
        const grant = createLeaseGrantRequest({ id: BigInt(number), ttl: 10_000_000 });
        await this.propose(Operation.leaseGrant, encodeLeaseGrantRequest(grant));
      }
      const lease = number % 10 === 0 && number > 0 ? BigInt(number - 1) : 0n;
      const put = createPutRequest({ key, value, lease });
      await this.propose(Operation.put, encodePutRequest(put));
    }
  }

  async compact(revision: number): Promise<void> {
    const body = encodeCompactionRequest(createCompactionRequest({ revision }));
    await this.propose(Operation.compaction, body);
  }

  /** Proposes to the leader, as root where authentication is on, and waits for the answer: no error. */
  async propose(field: number, body: Uint8Array): Promise<void> {
    let answer: unknown;
    const { host } = this.leader;
    const waiter = {
      onApplied: (result: ApplyResult | EtcdError) => {
        answer = result instanceof EtcdError ? result.message : "done";
      },
    };
    host?.member.propose(field, body, waiter, host.member.applier.auth.rootCaller());
    host?.poke();
    await this.until(() => answer !== undefined);
    assert(answer === "done", () => `A request was refused: ${String(answer)}`);
  }

  /** Waits until `machine` has applied what the leader has committed; its state must be the leader's. */
  async caughtUp(machine: Machine): Promise<void> {
    await this.until(() => {
      const status = machine.host?.member.status();
      const leader = this.cluster.leader()?.host?.member.status();
      if (status === undefined || leader === undefined) return false;
      return status.appliedIndex === leader.committedIndex && status.leader === leader.id;
    });
    const own = dumpOf(machine);
    const leaders = dumpOf(this.leader);
    assert(own === leaders, () => `The states differ:\n${own}\n---\n${leaders}`);
  }

  /** Damages files of a member that does not run. */
  damage(machine: Machine, spoil: (machine: Machine) => void): void {
    this.cluster.safety.damaged(this.#ids.get(machine) ?? 0n);
    spoil(machine);
  }

  /** Cuts a machine off from all others, both ways, or joins it to them again. */
  isolate(machine: Machine, isCut: boolean): void {
    const { links, machines } = this.cluster;
    for (const { index } of machines) {
      if (index === machine.index) continue;
      for (const [from, to] of [
        [index, machine.index],
        [machine.index, index],
      ]) {
        if (isCut) links.cut(from, to);
        else links.mend(from, to);
      }
    }
  }
}

/** Everything that a member has applied, as text. */
export function dumpOf({ host }: Machine): string {
  assert(host !== undefined, "The member does not run");
  const { applier } = host.member;
  const members = applier.cluster
    .members()
    .map(({ id, name, peerUrls }) => [id, name, ...peerUrls]);
  return [
    dumpState(applier),
    dumpAuth(applier.auth),
    ...members.map((member) => member.join(" ")),
  ].join("\n");
}
