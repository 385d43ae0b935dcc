/**
 * A whole member on a simulated disk and clock: what a process would be, without sockets. Its life is a
 * sequence of steps that the test takes; a crash is a disk without the process.
 */
import type { ApplyResult } from "../src/apply/result.ts";
import type { EtcdError } from "../src/errors/etcd-error.ts";
import { noNetwork } from "./no-network.ts";
import { sha1, sha256 } from "../src/platform/digest.ts";
import type { Random } from "../src/ports/random.ts";
import { openMember } from "../src/server/start/bootstrap.ts";
import { configFromFlags, type ServerConfig } from "../src/server/config/config.ts";
import { initialFlagValues } from "../src/server/flags/table.ts";
import { MemberHost } from "../src/server/member-host.ts";
import { ServerMetrics } from "../src/server/metrics/server-metrics.ts";
import { SimulatedCrash } from "./disk-faults.ts";
import type { SimulatedDisk } from "./disk.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryLog } from "./memory-log.ts";
import { plainDigest, plainPasswords } from "./plain-passwords.ts";

/** Turns without progress after which a wait counts as hopeless. */
const IDLE_TURNS_MAX = 2000;

/** Small, so that a short life fills several segments. */
const SEGMENT_BYTES = 4096;

/** Small, so that a short life has many slices and commits of a copy. */
const DEFRAG_STEPS = { sliceItems: 4, commitBytes: 700 };

/** Milliseconds the clock moves when nothing else happens: less than a tick. */
const IDLE_STEP_MS = 10;

export class SimulatedMember {
  readonly disk: SimulatedDisk;
  readonly log = new MemoryLog();
  readonly #clock: ManualClock;
  #host: MemberHost | undefined;
  /** Why the member ended itself. */
  fatal: Error | undefined;

  constructor(disk: SimulatedDisk, wallMs: number) {
    this.disk = disk;
    this.#clock = new ManualClock(wallMs);
  }

  get clock(): ManualClock {
    return this.#clock;
  }

  get host(): MemberHost {
    if (this.#host === undefined) throw new Error("The member is not running");
    return this.#host;
  }

  /** Whether it runs: neither crashed nor ended by itself. */
  get alive(): boolean {
    return this.#host !== undefined && this.fatal === undefined && !this.disk.halted;
  }

  /** Opens and starts it; false when the disk crashed on the way. Rejects with why it cannot start. */
  async start(random: Random, overrides: Partial<ServerConfig> = {}): Promise<boolean> {
    const config = simulatedConfig(overrides);
    const { disk, log } = this;
    const environment = {
      peers: noNetwork((run) => this.#clock.defer(run)),
      ...{ disk, clock: this.#clock, random, log, sha1, sha256 },
      passwords: plainPasswords(this.#clock),
      secretDigest: plainDigest,
      metrics: new ServerMetrics(),
      walSegmentBytes: SEGMENT_BYTES,
      defragSteps: DEFRAG_STEPS,
    };
    const starting = (async () => {
      const opened = await openMember(config, environment);
      const host = new MemberHost(config, environment, opened, {
        onTurnEnd: () => {},
        onFatal: (reason) => {
          this.fatal ??= reason;
        },
      });
      await host.start();
      this.#host = host;
      return true;
    })();
    return this.#drive(starting);
  }

  /**
   * Proposes an operation as root, where authentication is on; `answered` is told the result when it comes,
   * never after a crash.
   */
  propose(
    field: number,
    body: Uint8Array,
    answered: (result: ApplyResult | EtcdError) => void,
  ): void {
    const { member } = this.host;
    member.propose(field, body, { onApplied: answered }, member.applier.auth.rootCaller());
    this.host.poke();
  }

  /** Lets time pass until `condition` holds; false when the disk crashed or nothing moves any more. */
  async until(condition: () => boolean): Promise<boolean> {
    for (let idle = 0; idle < IDLE_TURNS_MAX; idle++) {
      if (condition()) return true;
      if (this.fatal !== undefined) return false;
      try {
        if (await this.#turn()) idle = 0;
      } catch (error) {
        if (error instanceof SimulatedCrash) return false;
        throw error;
      }
      if (this.disk.halted) return false;
    }
    return condition();
  }

  /** Milliseconds since the start of this life. */
  get nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Lets `durationMs` pass; false when the disk crashed or the member ended itself. */
  async pass(durationMs: number): Promise<boolean> {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      if (!(await this.until(() => this.nowMs >= endMs)) && !this.alive) return false;
    }
    return this.alive;
  }

  /** Stops it cleanly; false when the disk crashed on the way. */
  async stop(): Promise<boolean> {
    return this.#drive(this.host.stop().then(() => true));
  }

  /** Waits for work of the member, moving the world on; false when the disk crashed meanwhile. */
  async #drive(work: Promise<boolean>): Promise<boolean> {
    let outcome: { readonly value?: boolean; readonly error?: unknown } | undefined;
    work.then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    await this.until(() => outcome !== undefined);
    if (this.disk.halted || outcome?.error instanceof SimulatedCrash) return false;
    if (outcome?.error !== undefined) throw outcome.error;
    return outcome?.value ?? false;
  }

  /** One turn of the event loop; whether anything but time moved. */
  async #turn(): Promise<boolean> {
    const deferred = this.#clock.runDeferred();
    const completed = this.disk.step();
    await new Promise((resolve) => setImmediate(resolve));
    if (deferred > 0 || completed) return true;
    this.#clock.advance(IDLE_STEP_MS);
    return false;
  }
}

/** The flags of a member in simulations: small batches and frequent snapshots, so that little work does all. */
export function simulatedConfig(overrides: Partial<ServerConfig> = {}): ServerConfig {
  return {
    ...configFromFlags(initialFlagValues(), "info"),
    name: "default",
    dataDir: "/data",
    initialCluster: "default=http://localhost:2380",
    snapshotCount: 12,
    snapshotCatchUpEntries: 1,
    backendBatchLimit: 7,
    ...overrides,
  };
}
