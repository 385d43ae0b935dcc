/**
 * Ends a downgrade when the cluster has arrived: from time to time the leader compares the cluster version
 * with the target, as each member tells it. A cluster has one member, so its own says it all.
 *
 * Source: etcd server/etcdserver/server.go (monitorDowngrade), cluster_util.go (isMatchedVersions) (3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import type { Member } from "../member/member.ts";
import { formatId } from "../membership/member-info.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import {
  createDowngradeInfoSetRequest,
  encodeDowngradeInfoSetRequest,
} from "../wire/gen/membership.ts";
import { InternalRaftRequestOperationField as Operation } from "../wire/gen/raft-internal.ts";
import { DOWNGRADE_CHECK_MS_MIN } from "./limits.ts";

export interface DowngradeMonitorParts {
  readonly member: Member;
  readonly clock: Clock;
  readonly log: Log;
  /** 0: never. */
  readonly intervalMs: number;
  /** Called after the member was given a proposal. */
  readonly poke: () => void;
}

export class DowngradeMonitor {
  readonly #parts: DowngradeMonitorParts;
  #timer: Timer | undefined;

  constructor(parts: DowngradeMonitorParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, intervalMs } = this.#parts;
    if (intervalMs === 0) return;
    this.#timer = clock.after(Math.max(intervalMs, DOWNGRADE_CHECK_MS_MIN), () => {
      this.#check();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #check(): void {
    const { member, log } = this.#parts;
    const { version, downgrade } = member.applier.cluster;
    if (!member.isLeader() || !downgrade.enabled) return;
    const { targetVersion } = downgrade;
    if (version === targetVersion) {
      log.info("the cluster has been downgraded", { "cluster-version": targetVersion });
      this.#cancel();
      return;
    }
    log.warn("remotes server has mismatching etcd version", {
      "remote-member-id": formatId(member.id),
      "current-server-version": version ?? "",
      "target-version": targetVersion,
    });
  }

  #cancel(): void {
    const { member, log, poke } = this.#parts;
    const body = encodeDowngradeInfoSetRequest(createDowngradeInfoSetRequest());
    member.propose(Operation.downgradeInfoSet, body, {
      onApplied: (result) => {
        if (!(result instanceof EtcdError)) return;
        log.warn("failed to cancel downgrade", { error: result.message });
      },
    });
    poke();
  }
}
