/** What is wrong with single members that answer: behind, full, slow, or with a clock of their own. */
import { humanBytes } from "../../../stdx/humanize.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { EndpointView } from "./endpoint-view.ts";
import type { MetricsPage } from "./metrics-page.ts";
import type { Problem, Severity } from "./problem.ts";

/** Entries that a member may be behind the newest one, and behind its own log, and still be well. */
const LAG_ENTRIES_MAX = 1000;

/** Shares of the quota from which on its use is told. */
const QUOTA_SHARE_WARNING = 0.8;
const QUOTA_SHARE_CRITICAL = 0.95;

/** Free bytes of a database from which on a defragmentation is worth it, if they are half of it, too. */
const FREE_BYTES_WORTH_IT = 100 * 1024 * 1024;

/** Milliseconds from which on an answer, and a difference of clocks, is told. */
const ANSWER_MS_MAX = 500;
const CLOCK_MS_MAX = 2000;

/** Seconds that 99 % of what a disk and a network do should stay below: etcd's own advice, times some. */
const FSYNC_SECONDS_MAX = 0.1;
const COMMIT_SECONDS_MAX = 0.25;
const PEER_SECONDS_MAX = 0.25;

/** Changes of the leader per hour from which on they are told, and seconds of a start that is news. */
const LEADER_CHANGES_PER_HOUR_MAX = 2;
const YOUNG_SECONDS = 600;

/** Proposals that wait, and the share of file descriptors, from which on they are told. */
const PENDING_MAX = 100;
const FILES_SHARE_MAX = 0.8;

export function loadProblems(cluster: ClusterView): Problem[] {
  return [...cluster.answering.flatMap((view) => problemsOf(cluster, view)), ...starts(cluster)];
}

/** Members that were started just now, all in one: they may have come together. */
function starts(cluster: ClusterView): Problem[] {
  const young = cluster.answering.filter(({ metrics }) => {
    const started = metrics?.value("process_start_time_seconds");
    return started !== undefined && cluster.atMs / 1000 - started < YOUNG_SECONDS;
  });
  if (young.length === 0) return [];
  const about = young.map((view) => cluster.nameOf(view)).join(", ");
  const text = `started less than ${spanText(YOUNG_SECONDS)} ago`;
  const todo = "if nobody did that on purpose, see why: journalctl -u etcd";
  return [{ severity: "note", about, text, todo }];
}

function problemsOf(cluster: ClusterView, view: EndpointView): Problem[] {
  const about = cluster.nameOf(view);
  const found: Problem[] = [];
  const add = (severity: Severity, text: string, todo: string): void => {
    found.push({ severity, about, text, todo });
  };
  statusProblems(cluster, view, add);
  spaceProblems(view, add);
  if (view.metrics !== undefined) metricProblems(cluster, view.metrics, add);
  wayProblems(view, add);
  return found;
}

type Add = (severity: Severity, text: string, todo: string) => void;

function statusProblems(cluster: ClusterView, { status }: EndpointView, add: Add): void {
  if (status === undefined) return;
  const behind = cluster.newest("raftIndex") - status.raftIndex;
  if (behind > LAG_ENTRIES_MAX) {
    add(
      "warning",
      `is ${behind} entries behind the newest member`,
      "its network or disk does not keep up, or it was away and catches up: ask again, the number must fall",
    );
  }
  const unapplied = status.raftIndex - status.raftAppliedIndex;
  if (unapplied > LAG_ENTRIES_MAX) {
    add(
      "warning",
      `has ${unapplied} entries still to apply`,
      "its disk or processor does not keep up: iostat -x 1, top; heavy requests (ranges without a limit) are the usual load",
    );
  }
  if (status.raftTerm < cluster.newest("raftTerm")) {
    add(
      "warning",
      `is at term ${status.raftTerm}, the others are at ${cluster.newest("raftTerm")}`,
      "it does not hear the others: look at port 2380 between it and them, both ways",
    );
  }
  for (const error of status.errors) {
    if (error === "etcdserver: no leader" || error.includes("alarm")) continue;
    add("warning", `reports ${error}`, "see its log");
  }
}

function spaceProblems({ status, metrics }: EndpointView, add: Add): void {
  if (status === undefined) return;
  const { dbSize, dbSizeInUse } = status;
  const quota = metrics?.value("etcd_server_quota_backend_bytes") ?? 0;
  const share = quota > 0 ? dbSize / quota : 0;
  if (share >= QUOTA_SHARE_WARNING) {
    add(
      share >= QUOTA_SHARE_CRITICAL ? "critical" : "warning",
      `its database has ${humanBytes(dbSize)} of the ${humanBytes(quota)} that the quota allows; at 100 % nothing can be written`,
      "compact and defragment now (etcdctl compaction <revision>, etcdctl defrag), and let etcd compact by itself (--auto-compaction-retention)",
    );
  }
  const free = dbSize - dbSizeInUse;
  if (free > FREE_BYTES_WORTH_IT && free > dbSize / 2) {
    add(
      "note",
      `${humanBytes(free)} of the ${humanBytes(dbSize)} of its database are free`,
      "etcdctl defrag gives them back; one member after the other, the leader last",
    );
  }
}

function metricProblems(cluster: ClusterView, metrics: MetricsPage, add: Add): void {
  const slow = (name: string, secondsMax: number, what: string, todo: string): void => {
    const seconds = metrics.quantile(name, 0.99);
    if (seconds === undefined || seconds <= secondsMax) return;
    const shown = Number.isFinite(seconds) ? `up to ${seconds} s` : "longer than any bound";
    add("warning", `${what} took ${shown} in 99 of 100 cases since it started`, todo);
  };
  const disk =
    "the disk is slow or shared: iostat -x 1; etcd wants an SSD of its own, away from logs and other databases";
  slow("etcd_disk_wal_fsync_duration_seconds", FSYNC_SECONDS_MAX, "a write to its log", disk);
  slow("etcd_disk_backend_commit_duration_seconds", COMMIT_SECONDS_MAX, "a commit", disk);
  slow(
    "etcd_network_peer_round_trip_time_seconds",
    PEER_SECONDS_MAX,
    "the way to another member and back",
    "the network between members is slow: ping between them; members far apart need larger --heartbeat-interval and --election-timeout",
  );
  const upSeconds = cluster.atMs / 1000 - (metrics.value("process_start_time_seconds") ?? 0);
  const changes = metrics.value("etcd_server_leader_changes_seen_total") ?? 0;
  if (changes > 3 && changes / (upSeconds / 3600) > LEADER_CHANGES_PER_HOUR_MAX) {
    add(
      "warning",
      `has seen the leader change ${changes} times in ${spanText(upSeconds)}`,
      "leaders lose their place when a disk or the network stands still for a second: look at the numbers of disks and network above, and at processors that are taken (top: st, load)",
    );
  }
  const pending = metrics.value("etcd_server_proposals_pending") ?? 0;
  if (pending > PENDING_MAX) {
    add(
      "warning",
      `${pending} changes wait to be agreed on`,
      "too much is written, or the disks of a quorum are slow",
    );
  }
  const [files, filesMax] = [metrics.value("process_open_fds"), metrics.value("process_max_fds")];
  if (files !== undefined && filesMax !== undefined && files > filesMax * FILES_SHARE_MAX) {
    add(
      "warning",
      `has ${files} of ${filesMax} files and connections open`,
      "raise LimitNOFILE of its service, and find out which client leaves connections open (ss -tn)",
    );
  }
}

function wayProblems(view: EndpointView, add: Add): void {
  const { statusMs = 0, readMs = 0, clockAheadMs = 0, slowCalls = [], failures } = view;
  if (statusMs > ANSWER_MS_MAX) {
    add(
      "warning",
      `took ${Math.round(statusMs)} ms to tell its state`,
      "it is overloaded, or the way to it is slow: ping, top",
    );
  } else if (readMs > ANSWER_MS_MAX) {
    add(
      "warning",
      `took ${Math.round(readMs)} ms for a read that a quorum confirms`,
      "the leader or the network between members is slow: see the numbers above",
    );
  }
  if (Math.abs(clockAheadMs) > CLOCK_MS_MAX) {
    const seconds = (Math.abs(clockAheadMs) / 1000).toFixed(0);
    add(
      "warning",
      `its clock is about ${seconds} s ${clockAheadMs > 0 ? "ahead of" : "behind"} the one here`,
      "look at NTP on both (timedatectl, chronyc tracking); leases and tokens do not care, logs and certificates do",
    );
  }
  if (slowCalls.length > 0) {
    add(
      "note",
      `calls took a second or longer lately: ${slowCalls.join(", ")}`,
      "see /debug/requests there",
    );
  }
  const alarms = failures.get("alarms");
  if (alarms !== undefined && view.readMs !== undefined) {
    add("note", `does not tell the alarms: ${alarms}`, "give a user who may: --user root");
  }
}

/** How long something lasts, in its largest unit. */
export function spanText(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
