/**
 * A cluster of real processes on this machine: members of ours, of the real etcd, or both.
 *
 *   const cluster = await EtcdCluster.start({ members: ["real", "real", "ours"] });
 *   const leader = await cluster.untilLeader();
 *   await leader.kill();
 *   …
 *   await cluster.remove();
 *
 * Or `withCluster`, which removes it, and says where the logs are when something failed.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Client } from "../../src/client/client.ts";
import { GrpcCode } from "../../src/errors/codes.ts";
import { EtcdError } from "../../src/errors/etcd-error.ts";
import { Errors } from "../../src/errors/table.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";
import type { StatusResponse } from "../../src/wire/gen/rpc.ts";
import { ClusterService } from "../../src/wire/gen/services.ts";
import { ClusterMember, type MemberSettings, type Program } from "./cluster-member.ts";
import { freePorts } from "./processes.ts";
import { sleep } from "./sleep.ts";
import { connectClient, type Credentials } from "./socket-client.ts";

/** Where a member lives, beside its program. */
export interface MemberPlace {
  readonly host: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly peerUrl: string;
  readonly prefix: readonly string[];
}

/** Finds a place for member `name`; `members` gives those of the cluster at any later time. */
export type PlaceOf = (
  name: string,
  members: () => readonly ClusterMember[],
) => Promise<MemberPlace>;

export interface ClusterOptions {
  /** The program of each member of the first day; they are named m1, m2, … */
  readonly members: readonly Program[];
  /** Flags of every member, also of those that join later. */
  readonly flags?: readonly string[];
  /** Loopback with free ports when absent. */
  readonly place?: PlaceOf;
  /** Called for each member before the first start, with the cluster as `--initial-cluster` wants it. */
  readonly prepare?: (member: ClusterMember, members: string) => Promise<void>;
  /** Whether `start` returns at once instead of when all are healthy. */
  readonly unawaited?: boolean;
}

export interface JoinOptions {
  /** Joins without a vote; `promote` gives it one. */
  readonly learner?: boolean;
  /** Beside those of the cluster. */
  readonly flags?: readonly string[];
  /** Whether it returns at once instead of when the member has caught up and serves. */
  readonly unawaited?: boolean;
}

const WAIT_MS = 60_000;
const POLL_MS = 30;
/** Milliseconds that one question to one member may take. */
const ASK_MS = 3000;

/** Milliseconds that one change of the membership may take. */
const CHANGE_MS = 10_000;

/** With these codes a change is refused that may be taken later: no leader, not enough members are up. */
const PASSING: ReadonlySet<number> = new Set([
  GrpcCode.Unavailable,
  GrpcCode.FailedPrecondition,
  GrpcCode.DeadlineExceeded,
]);

/** Where a member of loopback lives. */
export async function loopbackPlace(): Promise<MemberPlace> {
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  return { host: "127.0.0.1", clientPort, peerPort, peerUrl, prefix: [] };
}

export class EtcdCluster {
  /** Data and logs of all members. */
  readonly folder: string;
  readonly #options: ClusterOptions;
  readonly #members: ClusterMember[] = [];
  readonly #clients = new Map<string, Client>();
  #named = 0;

  private constructor(options: ClusterOptions) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-cluster-"));
    this.#options = options;
  }

  /** Starts a cluster on empty folders, all members at once, and waits until they are healthy. */
  static async start(options: ClusterOptions): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(options);
    try {
      for (const program of options.members) await cluster.#addMember(program, []);
      const initial = cluster.#initial("new");
      for (const member of cluster.#members) await options.prepare?.(member, initial.members);
      for (const member of cluster.#members) member.start(initial);
      if (options.unawaited !== true) await cluster.untilHealthy();
    } catch (error) {
      throw await cluster.failed(error);
    }
    return cluster;
  }

  /** All that belong to it, running or not, without those that were removed from it. */
  get members(): readonly ClusterMember[] {
    return this.#members;
  }

  get running(): readonly ClusterMember[] {
    return this.#members.filter(({ isRunning }) => isRunning);
  }

  member(name: string): ClusterMember {
    const found = this.#members.find((member) => member.name === name);
    if (found === undefined) throw new Error(`Cannot find member ${name}`);
    return found;
  }

  /** The client library on all members; the cluster closes it. */
  client(): Client {
    return this.#clientOf(this.#members.map(({ endpoint }) => endpoint));
  }

  /** The client library on one member; the cluster closes it. */
  clientOf(member: ClusterMember): Client {
    return this.#clientOf([member.endpoint]);
  }

  /** From now on calls members, each by its own endpoint, as a user. */
  async signIn(user: Credentials): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    for (const { endpoint } of this.#members) {
      const client = connectClient([endpoint], user);
      this.#clients.set(endpoint, client);
      await client.authenticate();
    }
  }

  /** Starts a member again on its data; `flags` take the place of those from before. */
  async restart(member: ClusterMember, flags?: readonly string[]): Promise<void> {
    member.start(this.#initial("existing"), flags);
    await this.untilHealthy([member]);
  }

  /** As `restart`, but waits only until its peers can reach it. */
  async revive(member: ClusterMember): Promise<void> {
    member.start(this.#initial("existing"));
    await member.untilPeersServed(WAIT_MS);
  }

  /** Adds a member to the running cluster and starts it on an empty folder. */
  async join(program: Program, options: JoinOptions = {}): Promise<ClusterMember> {
    const { learner = false, flags = [], unawaited = false } = options;
    const member = await this.#addMember(program, flags, (peerUrl) => this.add(peerUrl, learner));
    member.start(this.#initial("existing"));
    if (!unawaited) await this.untilCaughtUp(member);
    return member;
  }

  /** Asks the cluster to take in a member that is not there yet. */
  async add(peerUrl: string, isLearner = false): Promise<void> {
    const request = { peerUrls: [peerUrl], isLearner };
    await this.#change(`add ${peerUrl}`, ClusterService.memberAdd, request, Errors.PeerUrlExist);
  }

  /** Gives a learner its vote, as soon as it has caught up. */
  async promote(member: ClusterMember): Promise<void> {
    const request = { id: await this.idOf(member) };
    const { memberPromote } = ClusterService;
    await this.#change(`promote ${member.name}`, memberPromote, request, Errors.NotLearner);
  }

  /** Removes a member from the cluster, waits until its process has ended, and forgets it. */
  async expel(member: ClusterMember): Promise<void> {
    const request = { id: await this.idOf(member) };
    const { memberRemove } = ClusterService;
    await this.#change(`remove ${member.name}`, memberRemove, request, Errors.MemberNotFound);
    await this.#within(`the end of ${member.name}`, () => Promise.resolve(!member.isRunning));
    this.#members.splice(this.#members.indexOf(member), 1);
  }

  /** Makes `member` the leader. */
  async moveLeader(member: ClusterMember): Promise<void> {
    const targetId = await this.idOf(member);
    const leader = await this.untilLeader();
    if (leader !== member) await this.clientOf(leader).maintenance.moveLeader(targetId);
    await this.#within(`${member.name} leads`, async () => (await this.leader()) === member);
  }

  /** The id of a running member. */
  async idOf(member: ClusterMember): Promise<bigint> {
    const { header } = await this.status(member);
    return header?.memberId ?? 0n;
  }

  status(member: ClusterMember): Promise<StatusResponse> {
    return this.clientOf(member).maintenance.status(member.endpoint, within(ASK_MS));
  }

  /** The member that more than half of all follow, if there is one now. */
  async leader(): Promise<ClusterMember | undefined> {
    const followers = new Map<bigint, number>();
    const leaders = new Map<bigint, ClusterMember>();
    await Promise.all(
      this.running.map(async (member) => {
        const status = await this.status(member).catch(() => undefined);
        if (status === undefined || status.leader === 0n) return;
        followers.set(status.leader, (followers.get(status.leader) ?? 0) + 1);
        if (status.leader === status.header?.memberId) leaders.set(status.leader, member);
      }),
    );
    for (const [id, count] of followers) {
      if (count > this.#members.length / 2) return leaders.get(id);
    }
    return undefined;
  }

  async untilLeader(): Promise<ClusterMember> {
    let leader: ClusterMember | undefined;
    await this.#within("a leader", async () => {
      leader = await this.leader();
      return leader !== undefined;
    });
    if (leader === undefined) throw new Error("Cannot be: there was a leader");
    return leader;
  }

  /** Waits until `members` say that they are healthy; a process that ends instead is an error. */
  async untilHealthy(members: readonly ClusterMember[] = this.#members): Promise<void> {
    for (const member of members) {
      await this.#within(`the health of ${member.name}`, () => {
        if (!member.isRunning) throw new Error(`${member.name} ended`);
        return member.isHealthy(ASK_MS);
      });
    }
  }

  /** Waits until `member` has applied as much as the leader had when this was called. */
  async untilCaughtUp(member: ClusterMember): Promise<void> {
    const { raftAppliedIndex } = await this.status(await this.untilLeader());
    await this.#within(`${member.name} catches up to ${raftAppliedIndex}`, async () => {
      if (!member.isRunning) throw new Error(`${member.name} ended`);
      const status = await this.status(member).catch(() => undefined);
      return status !== undefined && status.raftAppliedIndex >= raftAppliedIndex;
    });
  }

  /**
   * The hash of every member's keys at one revision that all of them have; throws when they are not equal.
   * Nothing may be compacted meanwhile.
   */
  async expectEqualHashes(): Promise<number> {
    const revision = await this.#newestRevision();
    const hashes = new Map<string, string>();
    for (const member of this.running) {
      await this.#within(`revision ${revision} of ${member.name}`, async () => {
        const { header } = await this.status(member);
        return (header?.revision ?? 0) >= revision;
      });
      const answer = await this.clientOf(member).maintenance.hashKv(member.endpoint, revision);
      hashes.set(member.name, `${answer.hash} compacted at ${answer.compactRevision}`);
    }
    if (new Set(hashes.values()).size > 1) {
      throw new Error(`Hashes at ${revision} differ: ${JSON.stringify([...hashes])}`);
    }
    return revision;
  }

  /** Ends all processes; logs stay with `keepLogs`. */
  async remove({ keepLogs = false } = {}): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    await Promise.all(this.#members.map((member) => member.kill()));
    for (const member of this.#members) member.wipe();
    if (!keepLogs) fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** Ends all; the error to throw then says where the logs are, and how each of them ends. */
  async failed(error: unknown): Promise<Error> {
    await this.remove({ keepLogs: true });
    const logs = this.#members.map((member) => `--- ${member.logFile}\n${member.lastLog()}`);
    const message = error instanceof Error ? error.message : String(error);
    return new Error(`${message}\n${logs.join("\n")}`, { cause: error });
  }

  async #newestRevision(): Promise<number> {
    const statuses = await Promise.all(this.running.map((member) => this.status(member)));
    return Math.max(...statuses.map(({ header }) => header?.revision ?? 0));
  }

  async #addMember(
    program: Program,
    flags: readonly string[],
    admit?: (peerUrl: string) => Promise<unknown>,
  ): Promise<ClusterMember> {
    const name = `m${++this.#named}`;
    const place = await (this.#options.place ?? loopbackPlace)(name, () => this.#members);
    await admit?.(place.peerUrl);
    const settings: MemberSettings = {
      ...place,
      name,
      program,
      folder: this.folder,
      flags: [...(this.#options.flags ?? []), ...flags],
    };
    const member = new ClusterMember(settings);
    this.#members.push(member);
    return member;
  }

  #initial(state: "new" | "existing") {
    const members = this.#members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
    return { members, state };
  }

  #clientOf(endpoints: readonly string[]): Client {
    const name = endpoints.join(",");
    const client = this.#clients.get(name) ?? connectClient(endpoints);
    this.#clients.set(name, client);
    return client;
  }

  /** Changes the membership; asks again while the cluster is not ready for it. */
  async #change<Request extends object, Response extends object>(
    what: string,
    method: MethodInfo<Request, Response>,
    request: Partial<Request>,
    alreadyDone: EtcdError,
  ): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    for (let tries = 1; ; tries++) {
      try {
        await this.client().channel.call(method, request, "once", within(CHANGE_MS));
        return;
      } catch (error) {
        // A try that had no answer may have been done.
        if (error === alreadyDone && tries > 1) return;
        const isPassing = error instanceof EtcdError && PASSING.has(error.code);
        if (!isPassing || Date.now() > deadline) {
          throw new Error(`Cannot ${what}: ${String(error)}`, { cause: error });
        }
        await sleep(POLL_MS);
      }
    }
  }

  async #within(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (!(await isSo())) {
      if (Date.now() > deadline) throw new Error(`Waited ${WAIT_MS / 1000} s for ${what}`);
      await sleep(POLL_MS);
    }
  }
}

/** Runs `body` on a cluster and removes it. When it fails, the logs stay and the error says where. */
export async function withCluster(
  options: ClusterOptions,
  body: (cluster: EtcdCluster) => Promise<void>,
): Promise<void> {
  const cluster = await EtcdCluster.start(options);
  try {
    await body(cluster);
  } catch (error) {
    throw await cluster.failed(error);
  }
  await cluster.remove();
}

function within(ms: number): { readonly deadlineMs: number } {
  return { deadlineMs: systemClock.nowMs() + ms };
}
