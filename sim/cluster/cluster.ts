/**
 * A simulated cluster: machines with members on them, the network between them, and one time for all. It
 * runs in one thread, and one seed gives one history.
 */
import type { OpenedMember } from "../../src/server/start/bootstrap.ts";
import type { ServerConfig } from "../../src/server/config/config.ts";
import { FlagRefusal } from "../../src/server/flags/refusal.ts";
import { parseServerUrls, type ServerUrl } from "../../src/server/config/server-url.ts";
import { Prng } from "../../src/stdx/prng.ts";
import { simulatedConfig } from "../simulated-member.ts";
import { type DurableLog, readDurableLog } from "./durable-log.ts";
import { EventLoop } from "./event-loop.ts";
import { Links, type WireConditions } from "./links.ts";
import { Machine, type ProcessEnd } from "./machine.ts";
import { SimulatedNetwork } from "./network.ts";
import { MachineClock, type Process } from "./process.ts";
import { Safety } from "./safety.ts";
import { Trace } from "./trace.ts";
import type { Variant } from "./variant.ts";
import { Violation } from "./violation.ts";

/** When the world begins, in Unix milliseconds. */
const EPOCH_MS = 1_700_000_000_000;

/** Events without a step of time after which a world is taken for stuck. */
const EVENTS_AT_ONCE_MAX = 200_000;

export interface ClusterOptions {
  readonly seed: number;
  /** Members that found the cluster. */
  readonly members: number;
  readonly wires: WireConditions;
  /** Largest difference of a clock's rate from the true one: 0.001 is a millisecond a second. */
  readonly clockDrift: number;
  readonly config: Partial<ServerConfig>;
  readonly variant: Variant;
  readonly print: ((line: string) => void) | undefined;
}

export class Cluster {
  readonly options: ClusterOptions;
  readonly loop = new EventLoop();
  readonly trace: Trace;
  readonly links: Links;
  readonly network: SimulatedNetwork;
  readonly safety: Safety;
  readonly machines: Machine[] = [];
  /** Told when a process ends, before anything else happens. */
  readonly onEnded: ((machine: Machine, end: ProcessEnd, process: Process) => void)[] = [];
  /** Told when a member was opened and is about to run. */
  readonly onOpened: ((machine: Machine) => void)[] = [];
  /** What the disks held on which members are being opened. */
  readonly #found = new Map<Machine, DurableLog>();
  readonly #random: Prng;
  /** Found while promises were waited for. */
  #failure: Error | undefined;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.#random = new Prng(options.seed).fork("cluster");
    this.trace = new Trace(this.loop, options.print);
    this.links = new Links(this.loop, this.#random.fork("links"), options.wires);
    this.network = new SimulatedNetwork(this.loop, this.links);
    this.safety = new Safety(options.members);
    const names = Array.from({ length: options.members }, (_, index) => `m${index}`);
    const initialCluster = names.map((name, index) => `${name}=${peerUrlOf(index)}`).join(",");
    for (const _ of names) this.addMachine({ initialCluster });
    this.network.probe();
  }

  /** One more machine, which nothing runs on yet. */
  addMachine(config: Partial<ServerConfig>): Machine {
    const index = this.machines.length;
    const random = this.#random.fork(`machine ${index}`);
    const drift = (random.next() / 2 ** 32) * 2 - 1;
    const machine = new Machine({
      loop: this.loop,
      network: this.network,
      trace: this.trace,
      random,
      index,
      config: this.#configOf(index, config),
      clock: new MachineClock(this.loop, 1 + drift * this.options.clockDrift, EPOCH_MS),
      disk: { latencyUs: 100, jitterUs: 400, stalledUntilUs: 0 },
      variant: this.options.variant,
      onStart: (starting) => this.#starts(starting),
      onOpened: (opened, member) => this.#opened(opened, member),
      onEnded: (ended, end, process) => this.#ended(ended, end, process),
    });
    this.network.place(peerUrlOf(index), index);
    this.machines.push(machine);
    return machine;
  }

  /** Lets `durationUs` pass. Rejects with whatever rule is broken meanwhile. */
  async run(durationUs: number): Promise<void> {
    const endUs = this.loop.nowUs + durationUs;
    await this.runUntil(() => this.loop.nowUs >= endUs, durationUs);
  }

  /** Lets time pass until `condition` holds; false when it does not within `durationUs`. */
  async runUntil(condition: () => boolean, durationUs: number): Promise<boolean> {
    const endUs = this.loop.nowUs + durationUs;
    let lastUs = -1;
    let atOnce = 0;
    for (;;) {
      if (this.machines.some(isUnsettled)) {
        await settled();
        // What went on in promises is no event of its machine.
        for (const { process } of this.machines)
          if (process !== undefined) this.#noticeHalt(process);
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (condition()) return true;
      if (!this.#step(endUs)) return condition();
      if (this.loop.nowUs === lastUs) atOnce++;
      else atOnce = 0;
      lastUs = this.loop.nowUs;
      if (atOnce > EVENTS_AT_ONCE_MAX) throw new Violation("progress", "time stands still");
    }
  }

  /** The member that leads with the highest term; `undefined` when none thinks that it does. */
  leader(): Machine | undefined {
    let found: Machine | undefined;
    for (const machine of this.machines) {
      const member = machine.host?.member;
      if (member?.isLeader() !== true) continue;
      if (found === undefined || member.term > (found.host?.member.term ?? 0)) found = machine;
    }
    return found;
  }

  #step(untilUs: number): boolean {
    try {
      return this.loop.step(untilUs);
    } catch (error) {
      if (error instanceof Violation) throw error;
      const machine = this.machines.find(({ process }) => process === this.loop.owner);
      if (machine === undefined) throw error;
      machine.threw(error);
      return true;
    } finally {
      const { owner } = this.loop;
      if (owner !== undefined) this.#noticeHalt(owner);
    }
  }

  /** A disk that has come to its crash point takes its machine with it. */
  #noticeHalt(owner: object): void {
    for (const machine of this.machines) {
      if (machine.process === owner && machine.disk.halted) machine.crash({ cause: "power" });
    }
  }

  #starts(machine: Machine): void {
    const log = readDurableLog(machine.disk, this.trace.logOf(machine.name));
    if (log === undefined) this.#found.delete(machine);
    else this.#found.set(machine, log);
  }

  #opened(machine: Machine, { member }: OpenedMember): void {
    // Only here: a member that refuses what it finds has lost nothing.
    const found = this.#found.get(machine);
    if (machine.takeRepair()) this.safety.beginsAnew(member.id);
    else if (found !== undefined) this.safety.restarts(machine.name, found);
    this.safety.attach(machine.name, member);
    for (const told of this.onOpened) told(machine);
  }

  #ended(machine: Machine, end: ProcessEnd, process: Process): void {
    if ("reason" in end && end.reason instanceof Violation) {
      this.#failure ??= end.reason;
      return;
    }
    if (end.kind === "broken") {
      const { message, stack } = end.reason;
      this.#failure ??= new Violation(
        "no exceptions",
        `${machine.name}: ${message}\n${stack ?? ""}`,
      );
      return;
    }
    try {
      for (const told of this.onEnded) told(machine, end, process);
    } catch (error) {
      // A member that refuses to start says so in a promise, where nobody would catch this.
      if (!(error instanceof Violation)) throw error;
      this.#failure ??= error;
    }
  }

  #configOf(index: number, config: Partial<ServerConfig>): ServerConfig {
    const urls = urlsOf(peerUrlOf(index));
    return {
      ...BASE_CONFIG,
      name: `m${index}`,
      listenPeerUrls: urls,
      initialAdvertisePeerUrls: urls,
      advertiseClientUrls: urlsOf(clientUrlOf(index)),
      ...this.options.config,
      ...config,
    };
  }
}

const BASE_CONFIG = simulatedConfig({ initialCluster: "" });

export function peerUrlOf(machine: number): string {
  return `http://10.0.0.${machine + 1}:2380`;
}

function clientUrlOf(machine: number): string {
  return `http://10.0.0.${machine + 1}:2379`;
}

function urlsOf(text: string): readonly ServerUrl[] {
  const urls = parseServerUrls(text);
  if (urls instanceof FlagRefusal) throw urls;
  return urls;
}

function isUnsettled(machine: Machine): boolean {
  return machine.isUnsettled;
}

/** Lets promises that can go on go on. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
