/**
 * What a member does from time to time while it leads: auto-compaction, corruption checks, the cluster
 * version, and the end of a downgrade.
 */
import type { Hashes } from "../../api/context.ts";
import { REQUEST_TIMEOUT_BASE_MS } from "../../member/limits.ts";
import type { Environment, OpenedMember } from "../start/bootstrap.ts";
import { AutoCompactor } from "../storage/auto-compactor.ts";
import type { ServerConfig } from "../config/config.ts";
import { CorruptionChecks } from "./corruption-checks.ts";
import { DowngradeMonitor } from "./downgrade-monitor.ts";
import { LearnerPromoter } from "./learner-promoter.ts";
import type { MembershipService } from "./membership-service.ts";
import { PeerHashes } from "./peer-hashes.ts";
import { VersionMonitor } from "./version-monitor.ts";

export class LeaderDuties {
  readonly #autoCompactor: AutoCompactor | undefined;
  readonly #downgrades: DowngradeMonitor;
  readonly #versions: VersionMonitor;
  readonly #learners: LearnerPromoter | undefined;
  readonly #checks: CorruptionChecks;
  readonly #checksInitially: boolean;

  /** `poke` is called after the member was given a proposal. */
  constructor(
    config: ServerConfig,
    { clock, log, peers }: Environment,
    { member, compactionPolicy, isNew }: OpenedMember,
    hashes: Hashes,
    membership: MembershipService,
    poke: () => void,
  ) {
    if (config.learnerAutoPromote) {
      this.#learners = new LearnerPromoter({
        ...{ member, membership, clock },
        log: log.named("server/cluster/learner-promoter.ts"),
      });
    }
    if (compactionPolicy !== undefined) {
      this.#autoCompactor = new AutoCompactor({
        policy: compactionPolicy,
        member,
        clock,
        log: log.named("server/storage/auto-compactor.ts"),
        poke,
      });
    }
    this.#downgrades = new DowngradeMonitor({
      member,
      clock,
      peers,
      log: log.named("server/cluster/downgrade-monitor.ts"),
      intervalMs: config.downgradeCheckMs,
      poke,
    });
    this.#versions = new VersionMonitor({
      ...{ member, peers, clock, poke },
      log: log.named("server/cluster/version-monitor.ts"),
    });
    const requestTimeoutMs = REQUEST_TIMEOUT_BASE_MS + 2 * config.electionTimeoutMs;
    this.#checksInitially = config.initialCorruptCheck && !isNew;
    this.#checks = new CorruptionChecks(
      {
        member,
        hashes,
        peers: new PeerHashes({
          ...{ member, peers },
          timeoutMs: requestTimeoutMs,
          log: log.named("server/cluster/peer-hashes.ts"),
        }),
        clock,
        log: log.named("server/cluster/corruption-checks.ts"),
        poke,
      },
      {
        intervalMs: config.corruptCheckMs,
        compactHashIntervalMs: config.compactHashCheckMs,
        requestTimeoutMs,
      },
    );
  }

  /** What must be waited for before the member takes part. Rejects with a `StartError`. */
  async beforeStart(): Promise<void> {
    if (this.#checksInitially) await this.#checks.initialCheck();
  }

  start(): void {
    this.#learners?.start();
    this.#autoCompactor?.start();
    this.#downgrades.start();
    this.#versions.start();
    this.#checks.start();
  }

  /** The member leads, and has applied everything from before that. */
  onLeading(): void {
    this.#versions.check();
  }

  stop(): void {
    this.#learners?.stop();
    this.#autoCompactor?.stop();
    this.#downgrades.stop();
    this.#versions.stop();
    this.#checks.stop();
  }
}
