/**
 * What the runtime says of itself: under the names that dashboards for Node.js know from its usual client
 * library, and, where there is a counterpart, under Go's names, which dashboards for etcd know.
 *
 * Differs from etcd: of the go_ names only those are there that have a counterpart: memory of the heap, threads
 * and garbage collection. There are no goroutines, and no allocator like Go's.
 */
import { observeEventLoopLag } from "../../platform/event-loop-lag.ts";
import {
  observeGarbageCollections,
  type RuntimeFacts,
  runtimeFacts,
} from "../../platform/runtime-facts.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Family } from "../../stdx/metrics/family.ts";
import type { Gauge } from "../../stdx/metrics/gauge.ts";
import { exponentialBounds } from "../../stdx/metrics/histogram.ts";
import { quantileOf, RecentValues } from "../../stdx/metrics/recent-values.ts";
import type { MetricsRegistry } from "../../stdx/metrics/registry.ts";
import { registerProcess } from "./process-metrics.ts";

/** Looks at the event loop that its quantiles are of: a minute of them. */
const LAG_LOOKS = 1200;

/** Pauses that the quantiles of garbage collection are of. Source: Go runtime/debug (GCStats). */
const GC_PAUSES = 256;

const GC_BOUNDS = [0.001, 0.01, 0.1, 1, 2, 5];
const GO_QUANTILES = [0, 0.25, 0.5, 0.75, 1];

/** Registers all of them, and those of the process; returns what ends the observation. */
export function showRuntime(registry: MetricsRegistry, clock: Clock): () => void {
  registerProcess(registry);
  const stops = [registerLag(registry), registerCollections(registry, clock)];
  registerHeap(registry);
  return () => {
    for (const stop of stops) stop();
  };
}

function registerLag(registry: MetricsRegistry): () => void {
  const recent = new RecentValues(LAG_LOOKS);
  const histogram = registry.histogram(
    "nodejs_eventloop_delay_seconds",
    "How late the event loop was, in seconds, twenty times a second.",
    exponentialBounds(0.001, 2, 14),
  );
  const prefix = "nodejs_eventloop_lag";
  registry.gaugeOf(`${prefix}_seconds`, "Lag of event loop in seconds.", () => recent.last);
  const gauge = (name: string, what: string): Gauge =>
    registry.gauge(`${prefix}_${name}_seconds`, `The ${what} of the recorded event loop delays.`);
  const minimum = registry.gauge(`${prefix}_min_seconds`, "The minimum recorded event loop delay.");
  const maximum = registry.gauge(`${prefix}_max_seconds`, "The maximum recorded event loop delay.");
  const mean = gauge("mean", "mean");
  const deviation = gauge("stddev", "standard deviation");
  const percentiles: readonly (readonly [Gauge, number])[] = [
    [gauge("p50", "50th percentile"), 0.5],
    [gauge("p90", "90th percentile"), 0.9],
    [gauge("p99", "99th percentile"), 0.99],
  ];
  registry.onCollect(() => {
    const sorted = recent.sorted();
    minimum.set(sorted[0] ?? 0);
    maximum.set(sorted.at(-1) ?? 0);
    const count = Math.max(1, sorted.length);
    const average = sorted.reduce((sum, each) => sum + each, 0) / count;
    mean.set(average);
    deviation.set(Math.sqrt(sorted.reduce((sum, each) => sum + (each - average) ** 2, 0) / count));
    for (const [percentile, share] of percentiles) percentile.set(quantileOf(sorted, share));
  });
  return observeEventLoopLag((seconds) => {
    recent.add(seconds);
    histogram.observe(seconds);
  });
}

function registerCollections(registry: MetricsRegistry, clock: Clock): () => void {
  const seconds = registry.histograms(
    "nodejs_gc_duration_seconds",
    "Garbage collection duration by kind, one of major, minor, incremental or weakcb.",
    ["kind"],
    GC_BOUNDS,
  );
  const summary = registry.summary(
    "go_gc_duration_seconds",
    "A summary of the pause duration of garbage collection cycles.",
  );
  const last = registry.gauge(
    "go_memstats_last_gc_time_seconds",
    "Number of seconds since 1970 of last garbage collection.",
  );
  const kinds = {
    major: seconds.child("major"),
    minor: seconds.child("minor"),
    incremental: seconds.child("incremental"),
    weakcb: seconds.child("weakcb"),
  };
  const pauses = new RecentValues(GC_PAUSES);
  registry.onCollect(() => {
    const sorted = pauses.sorted();
    for (const share of GO_QUANTILES) summary.quantiles.set(share, quantileOf(sorted, share));
  });
  return observeGarbageCollections((kind, pauseSeconds) => {
    kinds[kind].observe(pauseSeconds);
    pauses.add(pauseSeconds);
    summary.sum += pauseSeconds;
    summary.count++;
    last.set(clock.wallMs() / 1000);
  });
}

function registerHeap(registry: MetricsRegistry): void {
  let facts: RuntimeFacts = runtimeFacts();
  registry.onCollect(() => {
    facts = runtimeFacts();
  });
  const nodeGauge = (name: string, what: string, read: () => number): void =>
    registry.gaugeOf(`nodejs_${name}_bytes`, `${what} from Node.js in bytes.`, read);
  nodeGauge("heap_size_total", "Process heap size", () => facts.heapTotalBytes);
  nodeGauge("heap_size_used", "Process heap size used", () => facts.heapUsedBytes);
  nodeGauge("external_memory", "Node.js external memory size", () => facts.externalBytes);
  const goGauge = (name: string, help: string, read: () => number): void =>
    registry.gaugeOf(`go_memstats_${name}_bytes`, help, read);
  const inUse = "Number of bytes allocated in heap and currently in use.";
  goGauge("alloc", inUse, () => facts.heapUsedBytes);
  goGauge("heap_alloc", inUse, () => facts.heapUsedBytes);
  goGauge("heap_inuse", "Number of heap bytes that are in use.", () => facts.heapUsedBytes);
  goGauge(
    "heap_idle",
    "Number of heap bytes waiting to be used.",
    () => facts.heapTotalBytes - facts.heapUsedBytes,
  );
  goGauge("heap_sys", "Number of heap bytes obtained from system.", () => facts.heapTotalBytes);
  registerSpaces(registry, () => facts);
  registerResources(registry, () => facts);
  const [major = "", minor = "", patch = ""] = facts.version.slice(1).split(".");
  registry
    .gauges("nodejs_version_info", "Node.js version info.", ["version", "major", "minor", "patch"])
    .child(facts.version, major, minor, patch)
    .set(1);
}

function registerSpaces(registry: MetricsRegistry, facts: () => RuntimeFacts): void {
  const family = (part: string): Family<Gauge> =>
    registry.gauges(
      `nodejs_heap_space_size_${part}_bytes`,
      `Process heap space size ${part} from Node.js in bytes.`,
      ["space"],
    );
  const total = family("total");
  const used = family("used");
  const available = family("available");
  registry.onCollect(() => {
    for (const { name, totalBytes, usedBytes, availableBytes } of facts().heapSpaces) {
      total.child(name).set(totalBytes);
      used.child(name).set(usedBytes);
      available.child(name).set(availableBytes);
    }
  });
}

function registerResources(registry: MetricsRegistry, facts: () => RuntimeFacts): void {
  const byType = registry.gauges(
    "nodejs_active_resources",
    "Number of active resources that are currently keeping the event loop alive, grouped by async resource type.",
    ["type"],
  );
  registry.gaugeOf(
    "nodejs_active_resources_total",
    "Total number of active resources.",
    () => facts().activeResources.length,
  );
  registry.onCollect(() => {
    for (const { metric } of byType.children()) metric.set(0);
    for (const type of facts().activeResources) byType.child(type).inc();
  });
}
