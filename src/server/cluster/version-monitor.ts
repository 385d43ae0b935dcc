/**
 * Keeps the cluster version at the oldest version of the members: the leader asks all of them from time to
 * time, and as soon as it can lead. Proposed as etcd 3.5 does, as a write of the v2 API.
 *
 * Source: etcd server/etcdserver/server.go (monitorVersions, updateClusterVersionV2) (3.5).
 */
import { CLUSTER_VERSION_PATH } from "../../apply/cluster-operations.ts";
import { Errors } from "../../errors/table.ts";
import type { Member } from "../../member/member.ts";
import { nextClusterVersion, oldestServer } from "../../membership/cluster-version.ts";
import { shortVersion } from "../../membership/version.ts";
import type { PeerCaller } from "../../peer/network.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { VERSION_CHECK_MS } from "../limits.ts";
import { askAllVersions } from "./peer-versions.ts";
import { proposeV2Put } from "./v2-proposal.ts";
import { ETCD_VERSION } from "../version.ts";

export interface VersionMonitorParts {
  readonly member: Member;
  readonly peers: PeerCaller;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after the member was given a proposal. */
  readonly poke: () => void;
}

export class VersionMonitor {
  readonly #parts: VersionMonitorParts;
  #timer: Timer | undefined;
  #isAsking = false;
  #isProposing = false;
  #stopped = false;

  constructor(parts: VersionMonitorParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = this.#parts.clock.after(VERSION_CHECK_MS, () => {
      this.check();
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Asks all members, if this one leads and is not asking or proposing yet. */
  check(): void {
    const { member, peers, log } = this.#parts;
    if (!member.isLeader() || this.#isAsking || this.#isProposing) return;
    this.#isAsking = true;
    askAllVersions(member, peers, log, (versions) => {
      this.#isAsking = false;
      if (this.#stopped || !member.isLeader()) return;
      const oldest = oldestServer(ETCD_VERSION, versions, log);
      const next = nextClusterVersion(member.applier.cluster, oldest);
      if (next !== undefined) this.#set(next);
    });
  }

  #set(next: string): void {
    const { member, log, poke } = this.#parts;
    const { version } = member.applier.cluster;
    const to = shortVersion(next);
    if (version === undefined) {
      log.info("setting up initial cluster version using v2 API", { "cluster-version": to });
    } else {
      log.info("updating cluster version using v2 API", { from: shortVersion(version), to });
    }
    this.#isProposing = true;
    proposeV2Put(member, CLUSTER_VERSION_PATH, next, (failure) => {
      this.#isProposing = false;
      if (failure === undefined) log.info("cluster version is updated", { "cluster-version": to });
      else if (failure === Errors.Stopped) {
        log.warn("aborting cluster version update; server is stopped", { error: failure.message });
      } else {
        log.warn("failed to update cluster version", { error: failure.message });
      }
    });
    poke();
  }
}
