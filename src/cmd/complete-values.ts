/**
 * What the values of flags become before a member runs with them: what depends on the machine, what stands
 * for a default, what is raised to a least value; and the lines that say so.
 *
 * Source: etcd server/etcdmain/config.go and etcd.go, server/etcdserver/server.go (3.5).
 */
import type { LogFields, LogLevel } from "../ports/log.ts";
import { fillAdvertised } from "../server/config/default-host.ts";
import { FLAGS, type FlagValues } from "../server/flags/table.ts";
import type { LogRecord } from "../server/observe/log-record.ts";
import { humanBytes } from "../stdx/humanize.ts";

const CALLER = "cmd/complete-values.ts";

/** Above this size of a request a warning is logged. */
const RECOMMENDED_REQUEST_BYTES = 10 * 1024 * 1024;

/** Timeouts of peers below the least one are raised to it; returns what is said of that. */
export function raiseRaftTimeouts(values: FlagValues): LogRecord[] {
  const records: LogRecord[] = [];
  for (const name of ["raft-read-timeout", "raft-write-timeout"] as const) {
    const { initial, shown } = FLAGS[name];
    if (values[name] >= initial) continue;
    values[name] = initial;
    const message = `${name} increased to minimum value: ${shown}`;
    records.push({ level: "info", caller: CALLER, message });
  }
  return records;
}

/** Completes `values`; returns what is worth a line. */
export function completeValues(values: FlagValues, host: string | undefined): LogRecord[] {
  const records: LogRecord[] = [];
  const say = (level: LogLevel, message: string, fields: LogFields): void => {
    records.push({ level, caller: CALLER, message, fields });
  };
  if (fillAdvertised(values, host) && host !== undefined) {
    say("info", "detected default host for advertise", { host });
  }
  if (values["data-dir"] === "") {
    values["data-dir"] = `${values.name}.etcd`;
    say("warn", "'data-dir' was empty; using default", { "data-dir": values["data-dir"] });
  }
  if (values["snapshot-count"] === 0) {
    values["snapshot-count"] = FLAGS["snapshot-count"].initial;
    say("info", "updating snapshot-count to default", {
      "given-snapshot-count": 0,
      "updated-snapshot-count": values["snapshot-count"],
    });
  }
  if (values["snapshot-catchup-entries"] === 0) {
    const entries = FLAGS["snapshot-catchup-entries"].initial;
    values["snapshot-catchup-entries"] = entries;
    say("info", "updating snapshot catch-up entries to default", {
      "given-snapshot-catchup-entries": 0,
      "updated-snapshot-catchup-entries": entries,
    });
  }
  if (values["max-request-bytes"] > RECOMMENDED_REQUEST_BYTES) {
    say("warn", "exceeded recommended request limit", {
      "max-request-bytes": values["max-request-bytes"],
      "max-request-size": humanBytes(values["max-request-bytes"]),
      "recommended-request-bytes": RECOMMENDED_REQUEST_BYTES,
      "recommended-request-size": humanBytes(RECOMMENDED_REQUEST_BYTES),
    });
  }
  return records;
}
