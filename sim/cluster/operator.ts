/**
 * Changes the membership of a cluster under load, as people do: adds members (as learners or voters), starts
 * them on new machines, promotes and removes. It asks through the API, and its requests may get lost; what
 * has become of them it sees in what members have applied.
 *
 * What it does not do, because no operator may: it never leaves fewer than two voters. A group that shrinks to
 * one voter which does not know it yet would need the vote of one that is gone (changes take effect when
 * they are applied). And it adds no member beyond the first spare ones while those are not running.
 */
import {
  createMemberAddRequest,
  createMemberPromoteRequest,
  createMemberRemoveRequest,
  encodeMemberAddRequest,
  encodeMemberPromoteRequest,
  encodeMemberRemoveRequest,
} from "../../src/wire/gen/rpc.ts";
import type { MemberInfo } from "../../src/membership/member-info.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import type { Channel } from "../clients/channel.ts";
import { type Cluster, peerUrlOf } from "./cluster.ts";
import type { Machine } from "./machine.ts";
import type { Supervisor } from "./supervisor.ts";

/** Time between two looks whether a member that was added can be started. */
const LOOK_US = 300_000;

/** Members beyond the first ones, at a time. */
const SPARES_MAX = 2;

const MACHINES_MAX = 12;

/** How often, and with which pause, the promotion of a learner is tried. */
const PROMOTIONS = 6;
const PROMOTION_US = 1_500_000;

export class Operator {
  readonly #cluster: Cluster;
  readonly #channel: Channel;
  readonly #supervisor: Supervisor;
  readonly #founders: number;
  /** Machines for members that are being added: not started before they are in the membership. */
  readonly #waiting = new Set<Machine>();

  constructor(cluster: Cluster, channel: Channel, supervisor: Supervisor) {
    this.#cluster = cluster;
    this.#channel = channel;
    this.#supervisor = supervisor;
    this.#founders = cluster.machines.length;
  }

  /** Asks for one more member. */
  add(random: Prng, isLearner: boolean): boolean {
    const { machines } = this.#cluster;
    const members = this.members();
    if (members === undefined || this.#waiting.size > 0) return false;
    if (this.#supervisor.repairs && this.#supervisor.isRecovering) return false;
    if (members.length >= this.#founders + SPARES_MAX || machines.length >= MACHINES_MAX)
      return false;
    const machine = this.#cluster.addMachine({ initialClusterState: "existing" });
    this.#waiting.add(machine);
    this.#supervisor.joining.add(machine);
    const peerUrls = [peerUrlOf(machine.index)];
    const request = encodeMemberAddRequest(createMemberAddRequest({ peerUrls, isLearner }));
    this.#ask(random, "MemberAdd", request);
    this.#look(machine);
    return true;
  }

  /** Asks for one more learner, and for its promotion again and again, until it has come or seems not to. */
  addAndPromote(random: Prng): boolean {
    if (!this.add(random, true)) return false;
    const { loop } = this.#cluster;
    for (let tries = 1; tries <= PROMOTIONS; tries++) {
      loop.after(tries * PROMOTION_US, () => this.promote(random));
    }
    return true;
  }

  promote(random: Prng): boolean {
    const learners = (this.members() ?? []).filter(({ isLearner }) => isLearner);
    if (learners.length === 0) return false;
    const { id } = random.pick(learners);
    const request = encodeMemberPromoteRequest(createMemberPromoteRequest({ id }));
    this.#ask(random, "MemberPromote", request);
    return true;
  }

  remove(random: Prng): boolean {
    const members = this.members() ?? [];
    const voters = members.filter(({ isLearner }) => !isLearner);
    const candidates = voters.length > 2 ? members : members.filter(({ isLearner }) => isLearner);
    if (candidates.length === 0) return false;
    if (this.#supervisor.repairs && this.#supervisor.isRecovering) return false;
    const { id } = random.pick(candidates);
    const request = encodeMemberRemoveRequest(createMemberRemoveRequest({ id }));
    this.#ask(random, "MemberRemove", request);
    return true;
  }

  /** The membership as the member knows it that has applied most; `undefined` when none runs. */
  members(): MemberInfo[] | undefined {
    let appliedMax = 0;
    let members: MemberInfo[] | undefined;
    for (const { host } of this.#cluster.machines) {
      if (host === undefined) continue;
      const { appliedIndex } = host.member.status();
      if (appliedIndex <= appliedMax) continue;
      appliedMax = appliedIndex;
      members = host.member.applier.cluster.members();
    }
    return members;
  }

  #ask(random: Prng, method: string, request: Uint8Array): void {
    const machine = random.pick(this.#cluster.machines);
    const { trace } = this.#cluster;
    trace.note("operator", `asks ${machine.name} for ${method}`);
    this.#channel.call(machine, `/etcdserverpb.Cluster/${method}`, request, {
      onMessage: () => {},
      onEnd: (code, message) => trace.note("operator", () => `${method}: ${code} ${message}`),
    });
  }

  /** Starts the member on `machine` once it belongs to the cluster; until then looks again. */
  #look(machine: Machine): void {
    const { loop } = this.#cluster;
    loop.after(LOOK_US, () => {
      const members = this.members();
      const isIn = members?.some(({ peerUrls }) => peerUrls.includes(peerUrlOf(machine.index)));
      if (members === undefined || isIn !== true) {
        this.#look(machine);
        return;
      }
      this.#waiting.delete(machine);
      this.#configure(machine, members);
      this.#supervisor.start(machine);
      this.#configureAgain(machine);
    });
  }

  /** While it has not joined, the membership that it is told may become outdated. */
  #configureAgain(machine: Machine): void {
    this.#cluster.loop.after(LOOK_US, () => {
      const members = this.members();
      if (members !== undefined) this.#configure(machine, members);
      if (machine.host === undefined) this.#configureAgain(machine);
    });
  }

  #configure(machine: Machine, members: readonly MemberInfo[]): void {
    const pairs = members.flatMap(({ peerUrls }) =>
      peerUrls.map((url) => `${this.#nameOf(url)}=${url}`),
    );
    machine.config = { ...machine.config, initialCluster: pairs.join(",") };
  }

  #nameOf(url: string): string {
    const { machines } = this.#cluster;
    return machines.find(({ index }) => peerUrlOf(index) === url)?.name ?? "unknown";
  }
}
