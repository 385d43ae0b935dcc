/**
 * Ends a downgrade when the cluster has arrived: from time to time the leader compares the cluster version,
 * as each member tells it, with the target.
 *
 * Source: etcd server/etcdserver/server.go (monitorDowngrade), cluster_util.go (isMatchedVersions) (3.5).
 */
import { EtcdError } from "../../errors/etcd-error.ts";
import type { Member } from "../../member/member.ts";
import type { VersionsOfMembers } from "../../membership/cluster-version.ts";
import { formatId } from "../../membership/member-info.ts";
import { parseVersion } from "../../membership/version.ts";
import type { PeerCaller } from "../../peer/network.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import {
  createDowngradeInfoSetRequest,
  encodeDowngradeInfoSetRequest,
} from "../../wire/gen/membership.ts";
import { InternalRaftRequestOperationField as Operation } from "../../wire/gen/raft-internal.ts";
import { DOWNGRADE_CHECK_MS_MIN } from "../limits.ts";
import { askAllVersions } from "./peer-versions.ts";

export interface DowngradeMonitorParts {
  readonly member: Member;
  readonly peers: PeerCaller;
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
  #stopped = false;

  constructor(parts: DowngradeMonitorParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, intervalMs } = this.#parts;
    if (intervalMs === 0 || this.#stopped) return;
    this.#timer = clock.after(Math.max(intervalMs, DOWNGRADE_CHECK_MS_MIN), () => {
      this.#check(() => this.start());
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #check(done: () => void): void {
    const { member, peers, log } = this.#parts;
    const { enabled, targetVersion } = member.applier.cluster.downgrade;
    if (!member.isLeader() || !enabled) {
      done();
      return;
    }
    askAllVersions(member, peers, log, (versions) => {
      if (this.#stopped) return;
      if (this.#haveArrived(versions, targetVersion)) {
        log.info("the cluster has been downgraded", { "cluster-version": targetVersion });
        this.#cancel();
      }
      done();
    });
  }

  /** Whether every member tells the target as the version of its cluster. */
  #haveArrived(versions: VersionsOfMembers, target: string): boolean {
    const { log } = this.#parts;
    for (const [id, told] of versions) {
      if (told === undefined) return false;
      if (told.cluster === target) continue;
      const remote = { "remote-member-id": formatId(id) };
      if (parseVersion(told.cluster) === undefined) {
        log.warn("failed to parse server version of remote member", {
          ...remote,
          "remote-member-version": told.server,
        });
      } else {
        log.warn("remotes server has mismatching etcd version", {
          ...remote,
          "current-server-version": told.cluster,
          "target-version": target,
        });
      }
      return false;
    }
    return true;
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
