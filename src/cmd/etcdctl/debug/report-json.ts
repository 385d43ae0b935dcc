/** The report for programs: one JSON object on one line. Ids are hexadecimal texts, times ISO texts. */
import { byteString } from "../../byte-text.ts";
import type { Assessment } from "./assessment.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { EndpointView } from "./endpoint-view.ts";

/** Metrics that are in the report, by the names that etcd gives them. */
const METRICS = [
  "etcd_server_quota_backend_bytes",
  "etcd_server_leader_changes_seen_total",
  "etcd_server_proposals_committed_total",
  "etcd_server_proposals_pending",
  "etcd_server_proposals_failed_total",
  "etcd_server_slow_apply_total",
  "etcd_server_slow_read_indexes_total",
  "etcd_server_heartbeat_send_failures_total",
  "process_start_time_seconds",
  "process_resident_memory_bytes",
  "process_open_fds",
  "process_max_fds",
];

/** Histograms of which the 99th percentile is in the report, in seconds. */
const HISTOGRAMS = [
  "etcd_disk_wal_fsync_duration_seconds",
  "etcd_disk_backend_commit_duration_seconds",
  "etcd_network_peer_round_trip_time_seconds",
];

/** The report, as a byte string. */
export function reportJson(cluster: ClusterView, { verdict, problems }: Assessment): string {
  const report = {
    verdict,
    time: new Date(cluster.atMs).toISOString(),
    clusterId: cluster.answering[0]?.status?.header?.clusterId.toString(16) ?? null,
    leaderId: cluster.leaderId === 0n ? null : cluster.leaderId.toString(16),
    quorum: cluster.quorum,
    votersAnswering: cluster.votersAnswering,
    problems,
    members: cluster.members.map(({ member, view }) => ({
      id: member.id.toString(16),
      name: member.name,
      peerURLs: member.peerUrls,
      clientURLs: member.clientUrls,
      isLearner: member.isLearner,
      endpoint: view?.endpoint ?? null,
    })),
    endpoints: cluster.endpoints.map(endpointJson),
  };
  return byteString(`${JSON.stringify(report)}\n`);
}

function endpointJson(view: EndpointView): object {
  const { status, metrics, certificate, connectionFailure, hashKv, clockAheadMs } = view;
  return {
    endpoint: view.endpoint,
    isGiven: view.isGiven,
    connectMs: rounded(view.connectMs),
    statusMs: rounded(view.statusMs),
    readMs: rounded(view.readMs),
    clockAheadMs: clockAheadMs === undefined ? null : Math.round(clockAheadMs),
    connectionFailure: connectionFailure ?? null,
    certificate:
      certificate === undefined
        ? null
        : {
            subject: certificate.subject,
            validUntil: new Date(certificate.validToMs).toISOString(),
            problem: certificate.problem ?? null,
          },
    status:
      status === undefined
        ? null
        : {
            memberId: status.header?.memberId.toString(16),
            leaderId: status.leader.toString(16),
            version: status.version,
            isLearner: status.isLearner,
            raftTerm: status.raftTerm,
            raftIndex: status.raftIndex,
            raftAppliedIndex: status.raftAppliedIndex,
            revision: status.header?.revision,
            dbSize: status.dbSize,
            dbSizeInUse: status.dbSizeInUse,
            errors: status.errors,
          },
    hash: hashKv?.hash ?? null,
    slowCalls: view.slowCalls ?? null,
    metrics: Object.fromEntries([
      ...METRICS.map((name) => [name, metrics?.value(name) ?? null]),
      ...HISTOGRAMS.map((name) => [`${name}_p99`, finite(metrics?.quantile(name, 0.99))]),
    ]) as object,
    failures: Object.fromEntries(view.failures),
  };
}

function rounded(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : Math.round(milliseconds * 1000) / 1000;
}

function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}
