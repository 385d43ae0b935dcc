/**
 * What the operating system says of the process. `etcdctl check datascale` reads the resident memory.
 *
 * Source: prometheus client_golang (process collector), etcd server/etcdserver/metrics.go (monitorFileDescriptor)
 * for names and texts.
 */
import {
  openFiles,
  processStatus,
  type ProcessLimits,
  processLimits,
} from "../../platform/process-status.ts";
import type { Counter } from "../../stdx/metrics/counter.ts";
import type { Family } from "../../stdx/metrics/family.ts";
import type { Gauge } from "../../stdx/metrics/gauge.ts";
import type { MetricsRegistry } from "../../stdx/metrics/registry.ts";

const NO_LABELS: readonly string[] = [];

/** Registers them, to be read when they are asked for. */
export function registerProcess(registry: MetricsRegistry): void {
  const metrics = new ProcessMetrics(registry);
  registry.onCollect(() => metrics.collect());
}

class ProcessMetrics {
  readonly #limits: ProcessLimits | undefined = processLimits();
  readonly #cpuSeconds: Counter;
  readonly #residentBytes: Gauge;
  readonly #startSeconds: Gauge;
  readonly #virtualBytes: Family<Gauge>;
  readonly #virtualBytesMax: Family<Gauge>;
  readonly #threads: Family<Gauge>;
  /** Each of them under the name that etcd has for it, and under the library's. */
  readonly #openFiles: readonly Family<Gauge>[];
  readonly #openFilesMax: readonly Family<Gauge>[];

  constructor(registry: MetricsRegistry) {
    const optional = (name: string, help: string): Family<Gauge> =>
      registry.gauges(name, help, NO_LABELS);
    this.#cpuSeconds = registry.counter(
      "process_cpu_seconds_total",
      "Total user and system CPU time spent in seconds.",
    );
    this.#residentBytes = registry.gauge(
      "process_resident_memory_bytes",
      "Resident memory size in bytes.",
    );
    this.#startSeconds = registry.gauge(
      "process_start_time_seconds",
      "Start time of the process since unix epoch in seconds.",
    );
    this.#virtualBytes = optional("process_virtual_memory_bytes", "Virtual memory size in bytes.");
    this.#virtualBytesMax = optional(
      "process_virtual_memory_max_bytes",
      "Maximum amount of virtual memory available in bytes.",
    );
    this.#threads = optional("go_threads", "Number of OS threads created.");
    this.#openFiles = [
      optional("process_open_fds", "Number of open file descriptors."),
      optional("os_fd_used", "The number of used file descriptors."),
    ];
    this.#openFilesMax = [
      optional("process_max_fds", "Maximum number of open file descriptors."),
      optional("os_fd_limit", "The file descriptor limit."),
    ];
  }

  collect(): void {
    const { cpuSeconds, residentBytes, startSeconds, virtualBytes, threads } = processStatus();
    this.#cpuSeconds.value = cpuSeconds;
    this.#residentBytes.set(residentBytes);
    this.#startSeconds.set(startSeconds);
    setKnown([this.#virtualBytes], virtualBytes);
    setKnown([this.#virtualBytesMax], this.#limits?.virtualBytes);
    setKnown([this.#threads], threads);
    setKnown(this.#openFiles, openFiles());
    setKnown(this.#openFilesMax, this.#limits?.openFiles);
  }
}

/** What the system does not tell is not shown. */
function setKnown(families: readonly Family<Gauge>[], value: number | undefined): void {
  if (value === undefined) return;
  for (const family of families) family.child().set(value);
}
