/** Brings the metrics up to date that nobody counts: they are read off a running member when they are asked for. */
import { runtimeFacts } from "../../platform/runtime-facts.ts";
import { AlarmType } from "../../wire/gen/rpc.ts";
import { formatId } from "../../membership/member-info.ts";
import { shortVersion } from "../../membership/version.ts";
import { ETCD_VERSION } from "../version.ts";
import type { ServerConfig } from "../config/config.ts";
import type { MemberHost } from "../member-host.ts";
import type { ServerMetrics } from "./server-metrics.ts";

const ALARM_NAMES = new Map<number, string>(
  Object.entries(AlarmType).map(([name, value]) => [value, name]),
);

/** From now on `metrics` show `host`, which runs with this configuration. */
export function showMember(metrics: ServerMetrics, host: MemberHost, config: ServerConfig): void {
  const { identity } = metrics;
  for (const { name, stage, isOn } of config.features) {
    metrics.features.child(name, stage).set(isOn ? 1 : 0);
  }
  identity.serverVersion.child(ETCD_VERSION).set(1);
  identity.goVersion.child(`none (Node.js ${runtimeFacts().version})`).set(1);
  identity.serverId.child(formatId(host.member.id)).set(1);
  metrics.registry.onCollect(() => {
    showRaft(metrics, host);
    showCluster(metrics, host);
    showData(metrics, host);
  });
}

function showRaft({ member: metrics }: ServerMetrics, { member }: MemberHost): void {
  const { leader, committedIndex, appliedIndex, isLearner, pendingProposals } = member.status();
  metrics.hasLeader.set(leader === 0n ? 0 : 1);
  metrics.isLeader.set(member.isLeader() ? 1 : 0);
  metrics.isLearner.set(isLearner ? 1 : 0);
  metrics.proposalsPending.set(pendingProposals);
  metrics.proposalsCommitted.set(committedIndex);
  metrics.proposalsApplied.set(appliedIndex);
}

function showCluster(metrics: ServerMetrics, { member }: MemberHost): void {
  const { cluster, alarms } = member.applier;
  const { clusterVersion } = metrics.identity;
  clusterVersion.clear();
  if (cluster.version !== undefined) clusterVersion.child(shortVersion(cluster.version)).set(1);
  for (const { metric } of metrics.knownPeers.children()) metric.set(0);
  for (const { id } of cluster.members()) {
    if (id !== member.id) metrics.knownPeers.child(formatId(member.id), formatId(id)).set(1);
  }
  for (const { metric } of metrics.alarms.children()) metric.set(0);
  for (const { memberId, alarm } of alarms.list(AlarmType.NONE)) {
    metrics.alarms.child(formatId(memberId), ALARM_NAMES.get(alarm) ?? "UNKNOWN").set(1);
  }
}

function showData({ mvcc, watch, backend, authRevision }: ServerMetrics, host: MemberHost): void {
  const { store, auth } = host.member.applier;
  mvcc.keys.set(store.liveKeys);
  mvcc.currentRevision.set(store.revision);
  mvcc.compactRevision.set(store.compactRevision);
  watch.watchers.set(host.watches.watchers);
  watch.slowWatchers.set(host.watches.watchersBehind);
  watch.pendingEvents.set(host.watches.pendingEvents());
  const { current } = host;
  backend.totalBytes.set(current.databaseBytes());
  backend.totalBytesInUse.set(current.databaseBytesInUse());
  backend.openReadTransactions.set(current.state.backend.openReads);
  authRevision.set(auth.revision);
}
