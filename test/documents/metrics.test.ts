/** docs/metrics.md is what the server registers. */
import path from "node:path";
import { expect, test } from "vitest";
import type { MetricDescription } from "../../src/stdx/metrics/family.ts";
import { goFloat } from "../../src/stdx/metrics/go-float.ts";
import { allMetrics } from "../harness/all-metrics.ts";
import { cell } from "./docstrings.ts";

const HEADING = "| name | type | labels | buckets | what it is |\n|---|---|---|---|---|";

interface Section {
  readonly title: string;
  readonly about: string;
  readonly holds: (name: string) => boolean;
}

const isOfNode = (name: string): boolean => name.startsWith("nodejs_");
const isOfProcess = (name: string): boolean => /^(?:process|os|promhttp)_/.test(name);
const isOfGo = (name: string): boolean => name.startsWith("go_");
const isOfGrpc = (name: string): boolean => name.startsWith("grpc_");

const SECTIONS: readonly Section[] = [
  {
    title: "etcd",
    about:
      "Names, types, labels, buckets and texts are etcd 3.5's; `etcd_network_known_peers`, `etcd_debugging_server_alarms`,\n`etcd_server_feature_enabled` and `etcd_server_range_duration_seconds` are from etcd 3.6. Those of the v2 API and of the v2 proxy\nstand still. Of etcd 3.7, the durations of requests are not there (`grpc_server_handling_seconds` tells them), nor those of its loops for\nwatchers, which have no counterpart.",
    holds: (name) => ![isOfNode, isOfProcess, isOfGo, isOfGrpc].some((isOther) => isOther(name)),
  },
  {
    title: "gRPC",
    about:
      "Every method of every service is there from the start, with every code, but for those of locks and elections, which come\nwith their first call. `grpc_server_handling_seconds` needs `--metrics=extensive`.",
    holds: isOfGrpc,
  },
  {
    title: "Process",
    about: "What the operating system says, and the page itself.",
    holds: isOfProcess,
  },
  {
    title: "Go",
    about:
      "Those of Go's runtime that have a counterpart in Node.js, for dashboards that ask for them.",
    holds: isOfGo,
  },
  {
    title: "Node.js",
    about: "Under the names that dashboards for Node.js know.",
    holds: isOfNode,
  },
];

function row({ name, type, labels, bounds, help }: MetricDescription): string {
  const first = bounds[0];
  const last = bounds.at(-1);
  const buckets =
    first === undefined || last === undefined
      ? ""
      : `${goFloat(first)} to ${goFloat(last)}, ${bounds.length}`;
  return `| ${name} | ${type} | ${labels.join(", ")} | ${buckets} | ${cell(help)} |`;
}

function metricsDocument(): string {
  const metrics = allMetrics();
  const sections = SECTIONS.map(({ title, about, holds }) => {
    const rows = metrics.filter(({ name }) => holds(name)).map(row);
    return `## ${title}\n\n${about}\n\n${HEADING}\n${rows.join("\n")}\n`;
  });
  return `<!-- Written by \`npx vitest run test/documents -u\` from what the server registers. -->
# Metrics

What \`/metrics\` says, on the client URLs and on \`--listen-metrics-urls\`, as text in Prometheus' format 0.0.4. What counts when
is etcd's; where the inside differs, the nearest thing that is true is counted:

- \`etcd_disk_wal_write_duration_seconds\` has one value for each batch of records, and
  \`etcd_disk_wal_fsync_duration_seconds\` one for each write that waited for the device.
- A compaction removes from index and database in one pass: its slices are the pauses of both.
- \`etcd_disk_backend_commit_duration_seconds\` runs from the start of a commit until it is durable; nothing waits for it.
- \`etcd_debugging_mvcc_slow_watcher_total\` are watchers that have something left to be shown, and
  \`etcd_debugging_mvcc_pending_events_total\` events in memory that not all of their watchers were shown.
- Bytes of a stream that a peer opened count for that peer, heartbeats included, which etcd counts for a member "0".

Alert rules, recording rules and a dashboard are in [operate/monitoring](operate/monitoring/README.md).

${sections.join("\n")}`;
}

test("docs/metrics.md has every metric", async () => {
  const file = path.join(import.meta.dirname, "..", "..", "docs", "metrics.md");
  await expect(metricsDocument()).toMatchFileSnapshot(file);
});
