/**
 * What `/metrics` says: the memory that the process takes, which `etcdctl check datascale` reads.
 *
 * Source: prometheus client_golang (process collector, text format 0.0.4).
 */
const MEMORY = "process_resident_memory_bytes";

/** Format and encoding of the page. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The page, for a process that has `residentBytes` in memory. */
export function metricsPage(residentBytes: number): string {
  return (
    `# HELP ${MEMORY} Resident memory size in bytes.\n` +
    `# TYPE ${MEMORY} gauge\n` +
    `${MEMORY} ${goFloat(residentBytes)}\n`
  );
}

/** A whole number as Go prints a float: from a million on with an exponent, of two digits at least. */
function goFloat(value: number): string {
  if (value < 1e6) return String(value);
  return value.toExponential().replace(/e\+(\d)$/, "e+0$1");
}
