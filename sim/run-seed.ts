/**
 * One seed: a cluster with clients lives through its faults (the safety phase), then everything heals, and it
 * must be whole again within a bound (the liveness phase). What clients did and saw is judged at the end.
 */
import { HashJob } from "../src/mvcc/hash-job.ts";
import { AlarmType } from "../src/wire/gen/rpc.ts";
import { Prng } from "../src/stdx/prng.ts";
import { dumpAuth } from "./auth-dump.ts";
import { Administrator, NAMED_CALLERS } from "./clients/administrator.ts";
import { Channel } from "./clients/channel.ts";
import { Client } from "./clients/client.ts";
import { KvTraffic } from "./clients/kv-traffic.ts";
import { LeaseTraffic } from "./clients/lease-traffic.ts";
import { Recorder } from "./clients/recorder.ts";
import { WatchTraffic } from "./clients/watch-traffic.ts";
import { Cluster, peerUrlOf } from "./cluster/cluster.ts";
import type { Machine } from "./cluster/machine.ts";
import { Operator } from "./cluster/operator.ts";
import { Supervisor } from "./cluster/supervisor.ts";
import { SOUND, type Variant } from "./cluster/variant.ts";
import { Violation } from "./cluster/violation.ts";
import { FaultInjector } from "./faults/faults.ts";
import { finalStateOf, judge } from "./judge.ts";
import { DEFAULTS, type SeedPlan } from "./plan.ts";

/**
 * Simulated time within which a healed cluster must have a leader and commit, and then have all members at the
 * same state. Elections take 1 to 2 election timeouts (1 s each) and may have to be repeated; a member may
 * be 0.1 s down, and a stalled connection takes 3 s to be noticed. The one other voter may be a new one that
 * has asked for the members just before: that question waits for 10 s, as in etcd, and the next one, whether
 * there is a downgrade, for 5 s, because only a leader can answer it.
 */
const RECOVERY_MS_MAX = 20_000;
const CATCH_UP_MS_MAX = 15_000;

/** A client's patience, beyond that of the server, whose answers come after 7 s at the latest. */
const TIMEOUT_MS_MAX = 8_000;

const LEASED_KEYS = { key: "l", end: "m" };

/** What a client may watch. */
const WATCHED = [
  { key: "k", end: "l" },
  { key: "k1" },
  { key: "k0", end: "k3" },
  { key: "\0", end: "\0" },
  LEASED_KEYS,
] as const;

export interface SeedOptions {
  readonly variant?: Variant;
  readonly print?: (line: string) => void;
}

/** What a seed was, for the report. */
export interface SeedReport {
  readonly failure: Violation | undefined;
  readonly simulatedMs: number;
  readonly events: number;
  readonly operations: number;
  /** Of everything applied and everything that clients saw. */
  readonly digest: number;
  readonly counts: Readonly<Record<string, number>>;
}

export async function runSeed(plan: SeedPlan, options: SeedOptions = {}): Promise<SeedReport> {
  const world = new SeedWorld(plan, options);
  let failure: Violation | undefined;
  try {
    await world.live();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    failure = error;
  }
  return world.report(failure);
}

class SeedWorld {
  readonly #plan: SeedPlan;
  readonly #cluster: Cluster;
  readonly #channel: Channel;
  readonly #recorder: Recorder;
  readonly #supervisor: Supervisor;
  readonly #operator: Operator;
  readonly #faults: FaultInjector;
  readonly #kv: KvTraffic[] = [];
  #undecided = 0;
  readonly #others: { start(): void; stop(): void }[] = [];

  constructor(plan: SeedPlan, options: SeedOptions) {
    this.#plan = plan;
    const random = new Prng(plan.seed);
    this.#cluster = new Cluster({
      seed: plan.seed,
      members: plan.members,
      wires: { latencyUs: 200, jitterUs: 300, lost: 0, repeated: 0, overtaken: 0, detourUs: 0 },
      clockDrift: plan.clockDrift,
      config: { ...DEFAULTS, ...plan.flags, ...(plan.authentication ? NAMED_CALLERS : {}) },
      variant: options.variant ?? SOUND,
      print: options.print,
    });
    const { loop } = this.#cluster;
    this.#channel = new Channel(loop, random.fork("channel"), {
      latencyUs: 150,
      jitterUs: 300,
      broken: 0,
    });
    this.#cluster.onEnded.push((_machine, _end, process) => this.#channel.processEnded(process));
    this.#recorder = new Recorder(loop);
    this.#supervisor = new Supervisor(this.#cluster, random.fork("supervisor"));
    this.#operator = new Operator(this.#cluster, this.#channel, this.#supervisor);
    this.#faults = new FaultInjector(
      {
        cluster: this.#cluster,
        channel: this.#channel,
        supervisor: this.#supervisor,
        operator: this.#operator,
      },
      random.fork("faults"),
    );
    this.#createTraffic(random);
  }

  async live(): Promise<void> {
    const { durationMs, faults } = this.#plan;
    this.#supervisor.startAll();
    for (const traffic of [...this.#kv, ...this.#others]) traffic.start();
    this.#faults.start(faults);
    await this.#cluster.run(durationMs * 1000);
    this.#faults.heal();
    await this.#mustRecover();
    for (const traffic of [...this.#kv, ...this.#others]) traffic.stop();
    await this.#mustCatchUp();
    this.#mustBeEqual();
    this.#judge();
  }

  #judge(): void {
    const { machines, loop } = this.#cluster;
    const states = machines.flatMap((machine) => {
      const store = machine.host?.member.applier.store;
      const isMember = store !== undefined && this.#isMember(machine);
      return isMember ? [finalStateOf(machine.name, loop.nowUs / 1000, store)] : [];
    });
    // Rates are those of machines: the history is on true time.
    const verdict = judge(this.#recorder.history(), states, { clockDrift: this.#plan.clockDrift });
    if (verdict === "undecided") this.#undecided = 1;
  }

  report(failure: Violation | undefined): SeedReport {
    const { loop, safety, links, network } = this.#cluster;
    const { operations, watches } = this.#recorder;
    let digest = safety.digest;
    for (const { call, return: returned, outcome } of operations) {
      digest = (Math.imul(digest, 31) + Math.round(call * 7 + returned) + outcome.kind.length) | 0;
    }
    const { counts } = this.#supervisor;
    return {
      failure,
      simulatedMs: loop.nowUs / 1000,
      events: loop.count,
      operations: operations.length,
      digest: digest >>> 0,
      counts: {
        elections: safety.elections,
        applied: safety.appliedMax,
        confChanges: safety.confChanges,
        answered: operations.filter(({ outcome }) => outcome.kind === "ok").length,
        undecided: this.#undecided,
        watches: watches.length,
        watchEvents: watches.reduce((sum, { responses }) => sum + responses.length, 0),
        ...counts,
        ...network.counts,
        ...links.counts,
        ...Object.fromEntries([...this.#faults.counts].map(([name, n]) => [`fault ${name}`, n])),
      },
    };
  }

  #createTraffic(random: Prng): void {
    const { kvClients, leaseClients, watchClients, keys, compacts } = this.#plan;
    const parts = { cluster: this.#cluster, channel: this.#channel, recorder: this.#recorder };
    let id = 0;
    const client = (): Client => new Client(++id, random.fork(`client ${id}`), parts);
    if (this.#plan.authentication) {
      this.#others.push(new Administrator(this.#cluster, random.fork("administrator")));
    }
    for (let i = 0; i < kvClients; i++) {
      const options = { keys, pauseMs: 300, timeoutMs: TIMEOUT_MS_MAX, compacts };
      this.#kv.push(new KvTraffic(client(), options));
    }
    for (let i = 0; i < leaseClients; i++) {
      const options = { timeoutMs: TIMEOUT_MS_MAX, ttlSecondsMax: 6 };
      this.#others.push(new LeaseTraffic(client(), options));
    }
    for (let i = 0; i < watchClients; i++) {
      // Somebody looks at the keys with leases: of a lease whose end nobody saw nothing can be said.
      const ofLeases = i === 0 && leaseClients > 0;
      const range = random.fork(`range ${i}`).pick(WATCHED);
      this.#others.push(new WatchTraffic(client(), ofLeases ? LEASED_KEYS : range));
    }
  }

  /** There is a leader, and a write that is asked for afterwards is answered. */
  async #mustRecover(): Promise<void> {
    const { loop } = this.#cluster;
    const healedMs = loop.nowUs / 1000;
    let seen = this.#recorder.operations.length;
    const isAnswered = (): boolean => {
      const { operations } = this.#recorder;
      for (; seen < operations.length; seen++) {
        const { request, outcome, call } = operations[seen];
        if (request.kind === "put" && outcome.kind === "ok" && call >= healedMs) return true;
      }
      return false;
    };
    if (await this.#cluster.runUntil(isAnswered, RECOVERY_MS_MAX * 1000)) return;
    throw new Violation("recovers", `no write was answered within ${RECOVERY_MS_MAX} ms`);
  }

  /** All members have applied what the leader has committed. */
  async #mustCatchUp(): Promise<void> {
    const { machines } = this.#cluster;
    // What clients have asked for before they stopped is over by then.
    await this.#cluster.run(2_000_000);
    const isCaughtUp = (): boolean => {
      const leader = this.#cluster.leader()?.host?.member.status();
      if (leader === undefined) return false;
      return machines.every((machine) => {
        // Who is not in the membership is gone: a removed one that ran notices, and ends itself.
        if (!this.#isMember(machine)) return machine.state === "down";
        const status = machine.host?.member.status();
        return status?.appliedIndex === leader.committedIndex && status.leader === leader.id;
      });
    };
    if (await this.#cluster.runUntil(isCaughtUp, CATCH_UP_MS_MAX * 1000)) return;
    const states = machines.map(({ name, host, state }) => {
      const status = host?.member.status();
      return `${name} ${state} applied ${status?.appliedIndex} of ${status?.committedIndex}`;
    });
    throw new Violation("catches up", `${states.join(", ")} after ${CATCH_UP_MS_MAX} ms`);
  }

  #isMember({ index }: Machine): boolean {
    const members = this.#operator.members() ?? [];
    return members.some(({ peerUrls }) => peerUrls.includes(peerUrlOf(index)));
  }

  #mustBeEqual(): void {
    const machines = this.#cluster.machines.filter((machine) => this.#isMember(machine));
    const found = machines.map(describeState);
    for (const [at, state] of found.entries()) {
      if (state === found[0]) continue;
      const [a, b] = [machines[0].name, machines[at].name];
      throw new Violation("equal state", `${a} has ${found[0]}, ${b} has ${state}`);
    }
  }
}

/** Everything that members at the same index have in common. */
function describeState({ host }: Machine): string {
  if (host === undefined) return "nothing";
  const { store, lessor, cluster, alarms, auth } = host.member.applier;
  const job = store.openHash(0);
  let hash = "";
  if (job instanceof HashJob) {
    let result = job.step(1_000_000);
    while (result === undefined) result = job.step(1_000_000);
    hash = JSON.stringify(result);
  }
  const leases = Array.from(lessor.leases(), ({ id, ttlSeconds, keys }) =>
    [id, ttlSeconds, ...[...keys].sort()].join(" "),
  );
  const members = cluster.members().map(({ id, name, isLearner }) => `${id} ${name} ${isLearner}`);
  return JSON.stringify({
    applied: host.member.status().appliedIndex,
    revision: store.revision,
    compacted: store.compactRevision,
    hash,
    leases: leases.sort(),
    members: members.sort(),
    version: cluster.version,
    alarms: alarms.list(AlarmType.NONE).length,
    auth: dumpAuth(auth),
  });
}
