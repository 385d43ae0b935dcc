/**
 * What `/metrics` says: the memory that the process takes, which `etcdctl check datascale` reads.
 *
 * Source: prometheus client_golang (process collector, text format 0.0.4).
 */
import { goFloat } from "../../stdx/metrics/go-float.ts";

const MEMORY = "process_resident_memory_bytes";

/** The page, for a process that has `residentBytes` in memory. */
export function metricsPage(residentBytes: number): string {
  return (
    `# HELP ${MEMORY} Resident memory size in bytes.\n` +
    `# TYPE ${MEMORY} gauge\n` +
    `${MEMORY} ${goFloat(residentBytes)}\n`
  );
}
