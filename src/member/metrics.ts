/**
 * What a member counts of its part in the cluster: leaders, proposals and reads.
 *
 * Source: etcd server/etcdserver/metrics.go (3.5) for names, texts and what counts.
 */
import type { Counter } from "../stdx/metrics/counter.ts";
import type { Gauge } from "../stdx/metrics/gauge.ts";
import type { MetricsRegistry } from "../stdx/metrics/registry.ts";

export class MemberMetrics {
  readonly hasLeader: Gauge;
  readonly isLeader: Gauge;
  readonly isLearner: Gauge;
  readonly leaderChanges: Counter;
  readonly proposalsPending: Gauge;
  readonly proposalsCommitted: Gauge;
  readonly proposalsApplied: Gauge;
  readonly proposalsFailed: Counter;
  readonly slowReadIndexes: Counter;
  readonly readIndexesFailed: Counter;
  /** Leases that this member as the leader has ended because their time was over. */
  readonly leasesExpired: Counter;

  constructor(registry: MetricsRegistry) {
    this.hasLeader = registry.gauge(
      "etcd_server_has_leader",
      "Whether or not a leader exists. 1 is existence, 0 is not.",
    );
    this.isLeader = registry.gauge(
      "etcd_server_is_leader",
      "Whether or not this member is a leader. 1 if is, 0 otherwise.",
    );
    this.isLearner = registry.gauge(
      "etcd_server_is_learner",
      "Whether or not this member is a learner. 1 if is, 0 otherwise.",
    );
    this.leaderChanges = registry.counter(
      "etcd_server_leader_changes_seen_total",
      "The number of leader changes seen.",
    );
    this.proposalsPending = registry.gauge(
      "etcd_server_proposals_pending",
      "The current number of pending proposals to commit.",
    );
    this.proposalsCommitted = registry.gauge(
      "etcd_server_proposals_committed_total",
      "The total number of consensus proposals committed.",
    );
    this.proposalsApplied = registry.gauge(
      "etcd_server_proposals_applied_total",
      "The total number of consensus proposals applied.",
    );
    this.proposalsFailed = registry.counter(
      "etcd_server_proposals_failed_total",
      "The total number of failed proposals seen.",
    );
    this.slowReadIndexes = registry.counter(
      "etcd_server_slow_read_indexes_total",
      "The total number of pending read indexes not in sync with leader's or timed out read index requests.",
    );
    this.readIndexesFailed = registry.counter(
      "etcd_server_read_indexes_failed_total",
      "The total number of failed read indexes seen.",
    );
    this.leasesExpired = registry.counter(
      "etcd_debugging_server_lease_expired_total",
      "The total number of expired leases.",
    );
  }
}
