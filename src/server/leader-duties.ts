/** What a member does from time to time while it leads: auto-compaction, and the end of a downgrade. */
import type { Environment, OpenedMember } from "./bootstrap.ts";
import { AutoCompactor } from "./auto-compactor.ts";
import type { ServerConfig } from "./config.ts";
import { DowngradeMonitor } from "./downgrade-monitor.ts";

export class LeaderDuties {
  readonly #autoCompactor: AutoCompactor | undefined;
  readonly #downgrades: DowngradeMonitor;

  /** `poke` is called after the member was given a proposal. */
  constructor(
    config: ServerConfig,
    { clock, log }: Environment,
    { member, compactionPolicy }: OpenedMember,
    poke: () => void,
  ) {
    if (compactionPolicy !== undefined) {
      this.#autoCompactor = new AutoCompactor({
        policy: compactionPolicy,
        member,
        clock,
        log: log.named("server/auto-compactor.ts"),
        poke,
      });
    }
    this.#downgrades = new DowngradeMonitor({
      member,
      clock,
      log: log.named("server/downgrade-monitor.ts"),
      intervalMs: config.downgradeCheckMs,
      poke,
    });
  }

  start(): void {
    this.#autoCompactor?.start();
    this.#downgrades.start();
  }

  stop(): void {
    this.#autoCompactor?.stop();
    this.#downgrades.stop();
  }
}
