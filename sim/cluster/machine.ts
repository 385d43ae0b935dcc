/**
 * A simulated machine: its disk and clock, which outlive the processes on it, and the member that runs there,
 * which is the code of the server: `openMember`, `MemberHost` and the services, without sockets.
 */
import { createServices, type Services } from "../../src/api/services.ts";
import { sha1, sha256 } from "../../src/platform/digest.ts";
import type { Random } from "../../src/ports/random.ts";
import {
  type Environment,
  openMember,
  type OpenedMember,
} from "../../src/server/start/bootstrap.ts";
import type { ServerConfig } from "../../src/server/config/config.ts";
import { MemberHost } from "../../src/server/member-host.ts";
import { ServerMetrics } from "../../src/server/metrics/server-metrics.ts";
import { serviceContextOf } from "../../src/server/service-context.ts";
import { assert } from "../../src/stdx/assert.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import { type CrashOptions, SimulatedCrash } from "../disk-faults.ts";
import { SimulatedDisk } from "../disk.ts";
import { plainDigest, plainPasswords } from "../plain-passwords.ts";
import type { EventLoop } from "./event-loop.ts";
import type { SimulatedNetwork } from "./network.ts";
import type { MachineClock } from "./process.ts";
import { Process } from "./process.ts";
import type { Trace } from "./trace.ts";
import type { Variant } from "./variant.ts";

/** Small, so that a short life fills several segments. */
const SEGMENT_BYTES = 64 * 1024;

/** Small, so that a short life has many slices and commits of a copy. */
const DEFRAG_STEPS = { sliceItems: 16, commitBytes: 4096 };

/** How fast the disk is; changed by faults. */
export interface DiskConditions {
  /** Microseconds of an operation at least, and at most on top of that. */
  latencyUs: number;
  jitterUs: number;
  /** Nothing completes before this time. */
  stalledUntilUs: number;
}

/** The world around a machine. */
export interface MachineParts {
  readonly loop: EventLoop;
  readonly network: SimulatedNetwork;
  readonly trace: Trace;
  readonly random: Prng;
  readonly index: number;
  readonly config: ServerConfig;
  readonly clock: MachineClock;
  readonly disk: DiskConditions;
  readonly variant: Variant;
  /** A member is about to start on what the disk has. */
  readonly onStart: (machine: Machine) => void;
  /** A member was opened and is about to run: whoever checks it attaches here. */
  readonly onOpened: (machine: Machine, opened: OpenedMember) => void;
  /** Its process ended or could not start. `crashed`: by a fault of the world. */
  readonly onEnded: (machine: Machine, end: ProcessEnd, process: Process) => void;
}

/** Why a process is over. */
export type ProcessEnd =
  | { readonly kind: "crashed" }
  | { readonly kind: "stopped" }
  /** It ended itself, as after a failed write. */
  | { readonly kind: "fatal"; readonly reason: Error; readonly memberId: bigint | undefined }
  /** It would not start on what it found. */
  | { readonly kind: "refused"; readonly reason: Error }
  /** An exception that nobody expects. */
  | { readonly kind: "broken"; readonly reason: Error };

/** `opening` lasts until the run loop runs, `up` is from then on. */
export type MachineState = "down" | "opening" | "up" | "stopping";

export class Machine {
  readonly parts: MachineParts;
  readonly name: string;
  state: MachineState = "down";
  disk: SimulatedDisk;
  config: ServerConfig;
  #process: Process | undefined;
  #host: MemberHost | undefined;
  #services: Services | undefined;
  #copy: SimulatedDisk | undefined;
  #repairs = 0;
  #lives = 0;

  constructor(parts: MachineParts) {
    this.parts = parts;
    this.name = parts.config.name;
    this.config = parts.config;
    this.disk = new SimulatedDisk(this.#diskOptions());
  }

  get index(): number {
    return this.parts.index;
  }

  get process(): Process | undefined {
    return this.#process;
  }

  /** The member that runs here; `undefined` while none does. */
  get host(): MemberHost | undefined {
    return this.state === "up" ? this.#host : undefined;
  }

  get services(): Services | undefined {
    return this.state === "up" ? this.#services : undefined;
  }

  /** Whether a process must be waited for with promises. */
  get isUnsettled(): boolean {
    return this.state === "opening" || this.state === "stopping";
  }

  /** Starts the member on what the disk has. */
  start(): void {
    const { loop, clock, trace, onStart } = this.parts;
    this.#lives++;
    onStart(this);
    this.state = "opening";
    trace.note(this.name, () => `starts, life ${this.#lives}`);
    const process = new Process(loop, clock);
    this.#process = process;
    const environment = this.#environment(process);
    const opening = this.#open(process, this.config, environment);
    opening.catch((reason: unknown) => this.#openingFailed(process, reason));
  }

  /** The process dies, or the whole machine loses power, now. */
  crash(crash: CrashOptions): void {
    if (this.state === "down") return;
    this.parts.trace.note(this.name, () => `loses its ${crash.cause ?? "power"}`);
    this.#end({ kind: "crashed" }, crash);
  }

  /** Whether the member has begun anew, with its damaged files kept aside, since this was last asked. */
  takeRepair(): boolean {
    const aside = this.disk.list("/data/member").filter((name) => name.includes(".damaged."));
    const isRepaired = aside.length > this.#repairs;
    this.#repairs = aside.length;
    return isRepaired;
  }

  /** Asks the member to stop; it does in its own time. */
  stop(): void {
    const { host, process } = this;
    if (host === undefined || process === undefined) return;
    this.parts.trace.note(this.name, "is asked to stop");
    this.state = "stopping";
    host.stop().then(
      () => {
        if (process === this.#process) this.#end({ kind: "stopped" }, { cause: "process" });
      },
      (reason: unknown) => this.#openingFailed(process, reason),
    );
  }

  /** What was not durable is gone, while it is down. */
  loseCaches(): void {
    this.disk = this.disk.crash(this.parts.random, { cause: "power" }, this.#diskOptions());
  }

  /** Keeps a copy of the disk, while it is down. */
  keepCopy(): void {
    this.#copy = this.disk.crash(this.parts.random, { cause: "process" }, this.#diskOptions());
  }

  /** Its disk is replaced by the copy, while it is down. */
  restoreCopy(): void {
    assert(this.#copy !== undefined && this.state === "down", "There is nothing to restore");
    this.disk = this.#copy;
    this.#copy = undefined;
  }

  pause(): void {
    this.parts.trace.note(this.name, "stands still");
    this.#process?.pause();
  }

  resume(): void {
    this.parts.trace.note(this.name, "goes on");
    this.#process?.resume();
  }

  /** An exception came out of an event of this machine. */
  threw(reason: unknown): void {
    if (reason instanceof SimulatedCrash || this.disk.halted) this.crash({ cause: "power" });
    else this.#end({ kind: "broken", reason: errorOf(reason) }, { cause: "process" });
  }

  async #open(process: Process, config: ServerConfig, environment: Environment): Promise<void> {
    const { variant, onOpened } = this.parts;
    const opened = await openMember(config, environment);
    if (process !== this.#process) return;
    const used = variant.opened?.(opened, environment) ?? opened;
    const host = new MemberHost(config, environment, used, {
      onTurnEnd: () => {},
      // The process ends in an event of its own, as a real one after the callback.
      onFatal: (reason) =>
        process.defer(() => {
          if (process !== this.#process) return;
          const memberId = used.member.id;
          this.#end({ kind: "fatal", reason, memberId }, { cause: "process" });
        }),
    });
    onOpened(this, used);
    this.#host = host;
    this.#services = createServices(serviceContextOf(config, environment, host));
    await host.prepare();
    if (process !== this.#process) return;
    this.state = "up";
    // Published some time later, or never.
    await host.join();
  }

  #openingFailed(process: Process, reason: unknown): void {
    if (process !== this.#process) return;
    if (reason instanceof SimulatedCrash || this.disk.halted) this.crash({ cause: "power" });
    else this.#end({ kind: "refused", reason: errorOf(reason) }, { cause: "process" });
  }

  #end(end: ProcessEnd, crash: CrashOptions): void {
    const { trace, random, onEnded } = this.parts;
    const process = this.#process;
    assert(process !== undefined, "Only a process can end");
    process.kill();
    this.#process = undefined;
    this.#host = undefined;
    this.#services = undefined;
    this.state = "down";
    this.disk = this.disk.crash(random, crash, this.#diskOptions());
    trace.note(
      this.name,
      () => `is down: ${end.kind} ${"reason" in end ? end.reason.message : ""}`,
    );
    onEnded(this, end, process);
  }

  #environment(process: Process): Environment {
    const { network, random, trace, index, variant } = this.parts;
    const own: Random = random.fork(`life ${this.#lives}`);
    const environment: Environment = {
      disk: this.disk,
      clock: process,
      random: own,
      log: trace.logOf(this.name),
      metrics: new ServerMetrics(),
      peers: network.seenFrom(index, process),
      sha1,
      sha256,
      passwords: plainPasswords(process),
      secretDigest: plainDigest,
      walSegmentBytes: SEGMENT_BYTES,
      defragSteps: DEFRAG_STEPS,
    };
    return variant.environment?.(environment) ?? environment;
  }

  #diskOptions(): ConstructorParameters<typeof SimulatedDisk>[0] {
    const { loop, disk, random } = this.parts;
    return {
      random,
      schedule: (complete) => {
        const { latencyUs, jitterUs, stalledUntilUs } = disk;
        const restUs = Math.max(0, stalledUntilUs - loop.nowUs);
        loop.after(restUs + latencyUs + random.below(jitterUs + 1), complete, this.#process);
      },
    };
  }
}

function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
