/** What was seen, as rows of cells: one row for each member or endpoint. Texts are ordinary texts. */
import { humanBytes } from "../../../stdx/humanize.ts";
import { type ClusterView, isSamePlace } from "./cluster-view.ts";
import type { EndpointView } from "./endpoint-view.ts";
import { spanText } from "./load-problems.ts";

export interface Rows {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Stands for what is not known. */
const UNKNOWN = "-";

/** Who is there, and how far. */
export function stateRows(cluster: ClusterView): Rows {
  const headings = [
    ...[
      "member",
      "endpoint",
      "role",
      "version",
      "answers in",
      "reads in",
      "term",
      "index",
      "behind",
    ],
    ...["to apply", "db size", "in use", "of quota"],
  ];
  const missing = cluster.members.filter(({ view }) => view === undefined);
  // An endpoint that does not answer may be that of a member who is missing: it is in one row then.
  const strangers = cluster.endpoints.filter(
    ({ status, endpoint }) =>
      status === undefined &&
      !missing.some(({ member }) => member.clientUrls.some((url) => isSamePlace(url, endpoint))),
  );
  const rows = [
    ...cluster.answering.map((view) => stateRow(cluster, view)),
    ...missing.map(({ member }) => {
      const role = member.name === "" ? "not started" : "no answer";
      const cells = [member.name || member.id.toString(16), member.clientUrls[0] ?? UNKNOWN, role];
      return filled(headings, cells);
    }),
    ...strangers.map(({ endpoint }) => filled(headings, [UNKNOWN, endpoint, "no answer"])),
  ];
  return { headings, rows };
}

function stateRow(cluster: ClusterView, view: EndpointView): string[] {
  const { status, metrics } = view;
  if (status === undefined) return [];
  const id = status.header?.memberId ?? 0n;
  const found = cluster.members.find(({ member }) => member.id === id);
  const quota = metrics?.value("etcd_server_quota_backend_bytes") ?? 0;
  const follower = status.isLearner ? "learner" : "follower";
  return [
    found?.member.name || id.toString(16),
    view.endpoint,
    status.leader === id ? "leader" : follower,
    status.version,
    millisecondsText(view.statusMs),
    millisecondsText(view.readMs),
    String(status.raftTerm),
    String(status.raftIndex),
    String(cluster.newest("raftIndex") - status.raftIndex),
    String(status.raftIndex - status.raftAppliedIndex),
    humanBytes(status.dbSize),
    humanBytes(status.dbSizeInUse),
    quota > 0 ? `${((status.dbSize / quota) * 100).toFixed(1)}%` : UNKNOWN,
  ];
}

/** How busy members are, as far as their metrics tell. */
export function loadRows(cluster: ClusterView): Rows {
  const headings = [
    ...[
      "member",
      "up for",
      "leaders seen",
      "changes/s",
      "waiting",
      "failed",
      "fsync p99",
      "commit p99",
    ],
    ...["peer p99", "slow applies", "memory", "files", "clock"],
  ];
  const counted = cluster.answering.filter(({ metrics }) => metrics !== undefined);
  return { headings, rows: counted.map((view) => loadRow(cluster, view)) };
}

function loadRow(cluster: ClusterView, view: EndpointView): string[] {
  const { metrics, earlierMetrics, clockAheadMs } = view;
  const value = (name: string): number | undefined => metrics?.value(name);
  const startSeconds = value("process_start_time_seconds");
  const memory = value("process_resident_memory_bytes");
  const rate =
    earlierMetrics && metrics?.perSecond("etcd_server_proposals_committed_total", earlierMetrics);
  const p99 = (name: string): string => secondsText(metrics?.quantile(name, 0.99));
  const count = (name: string): string => value(name)?.toString() ?? UNKNOWN;
  const ahead = Math.round((clockAheadMs ?? 0) / 1000);
  return [
    cluster.nameOf(view).replace(/ \(.*/, ""),
    startSeconds === undefined ? UNKNOWN : spanText(cluster.atMs / 1000 - startSeconds),
    count("etcd_server_leader_changes_seen_total"),
    rate === undefined ? UNKNOWN : rate.toFixed(0),
    count("etcd_server_proposals_pending"),
    count("etcd_server_proposals_failed_total"),
    p99("etcd_disk_wal_fsync_duration_seconds"),
    p99("etcd_disk_backend_commit_duration_seconds"),
    p99("etcd_network_peer_round_trip_time_seconds"),
    count("etcd_server_slow_apply_total"),
    memory === undefined ? UNKNOWN : humanBytes(memory),
    count("process_open_fds"),
    // A second is what the answer of a server tells.
    clockAheadMs === undefined
      ? UNKNOWN
      : Math.abs(ahead) <= 1
        ? "same"
        : `${ahead > 0 ? "+" : ""}${ahead} s`,
  ];
}

/** Certificates of servers, and how long they last. */
export function certificateRows(cluster: ClusterView): Rows {
  const headings = ["endpoint", "certificate", "valid until", "days left", "believed"];
  const rows = cluster.endpoints.flatMap(({ endpoint, certificate }) => {
    if (certificate === undefined) return [];
    const { subject, validToMs, problem } = certificate;
    const days = Math.floor((validToMs - cluster.atMs) / 86_400_000);
    const until = new Date(validToMs).toISOString();
    return [[endpoint, subject, until, String(days), problem === undefined ? "yes" : "no"]];
  });
  return { headings, rows };
}

function filled(headings: readonly string[], cells: readonly string[]): string[] {
  return headings.map((_, i) => cells[i] ?? UNKNOWN);
}

function millisecondsText(milliseconds: number | undefined): string {
  return milliseconds === undefined ? UNKNOWN : `${milliseconds.toFixed(1)} ms`;
}

function secondsText(seconds: number | undefined): string {
  if (seconds === undefined) return UNKNOWN;
  return Number.isFinite(seconds) ? `≤${Number((seconds * 1000).toPrecision(3))} ms` : "long";
}
