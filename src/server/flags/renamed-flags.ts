/**
 * Flags that are experimental in etcd 3.5 and have names of their own since 3.6, or are features of
 * --feature-gates, and others of two names. Both forms are read; one of the two may be given. What the rest of the
 * program reads is the newer one.
 *
 * Source: etcd server/embed/config.go (experimentalFlagMigrationMap), server/etcdmain/config.go (3.6).
 */
import { type Feature, isFeatureOn } from "./feature-gates.ts";
import type { FlagName, FlagValues } from "./table.ts";

/** The newer name of each. */
export const RENAMED_FLAGS = {
  "experimental-compact-hash-check-time": "compact-hash-check-time",
  "experimental-corrupt-check-time": "corrupt-check-time",
  "experimental-compaction-batch-limit": "compaction-batch-limit",
  "experimental-watch-progress-notify-interval": "watch-progress-notify-interval",
  "experimental-warning-apply-duration": "warning-apply-duration",
  "experimental-bootstrap-defrag-threshold-megabytes": "bootstrap-defrag-threshold-megabytes",
  "experimental-memory-mlock": "memory-mlock",
  "experimental-snapshot-catchup-entries": "snapshot-catchup-entries",
  "experimental-compaction-sleep-interval": "compaction-sleep-interval",
  "experimental-downgrade-check-time": "downgrade-check-time",
  "experimental-peer-skip-client-san-verification": "peer-skip-client-san-verification",
  "experimental-enable-distributed-tracing": "enable-distributed-tracing",
  "experimental-distributed-tracing-address": "distributed-tracing-address",
  "experimental-distributed-tracing-service-name": "distributed-tracing-service-name",
  "experimental-distributed-tracing-instance-id": "distributed-tracing-instance-id",
  "experimental-distributed-tracing-sampling-rate": "distributed-tracing-sampling-rate",
  // As Kubernetes spells them.
  "audit-log-path": "audit-log",
  "audit-log-maxbackup": "audit-log-maxbackups",
} as const satisfies { readonly [Name in FlagName]?: FlagName };

/** The feature of --feature-gates that each one switches. */
export const GATED_FLAGS = {
  "experimental-stop-grpc-service-on-defrag": "StopGRPCServiceOnDefrag",
  "experimental-initial-corrupt-check": "InitialCorruptCheck",
  "experimental-compact-hash-check-enabled": "CompactHashCheck",
  "experimental-txn-mode-write-with-shared-buffer": "TxnModeWriteWithSharedBuffer",
  "experimental-enable-lease-checkpoint": "LeaseCheckpoint",
  "experimental-enable-lease-checkpoint-persist": "LeaseCheckpointPersist",
} as const satisfies { readonly [Name in FlagName]?: Feature };

const GATED = Object.entries(GATED_FLAGS) as [keyof typeof GATED_FLAGS, Feature][];

type EarlierName = keyof typeof RENAMED_FLAGS;

/** Gives the newer names the values of the earlier ones that were given, unless both were. */
export function settleRenamedFlags(values: FlagValues, given: ReadonlySet<string>): void {
  for (const [earlier, newer] of Object.entries(RENAMED_FLAGS)) {
    if (!given.has(earlier) || given.has(newer)) continue;
    Object.assign(values, { [newer]: values[earlier as EarlierName] });
  }
  const gates = new Map(values["feature-gates"]);
  for (const [flag, feature] of GATED) if (given.has(flag)) gates.set(feature, values[flag]);
  values["feature-gates"] = gates;
}

/** Two names of one flag that were both given. */
export function renamedTwice(given: ReadonlySet<string>): string | undefined {
  for (const [earlier, newer] of Object.entries(RENAMED_FLAGS)) {
    if (!given.has(earlier) || !given.has(newer)) continue;
    return `cannot set --${earlier} and --${newer} at the same time, please use --${newer} only`;
  }
  return undefined;
}

/** A flag that was given beside the feature that it switches. */
export function gatedTwice(values: FlagValues, given: ReadonlySet<string>): string | undefined {
  const gates = values["feature-gates"];
  for (const [flag, feature] of GATED) {
    // The name is looked for in the text, so a longer name that begins with it counts, too.
    if (!given.has(flag) || ![...gates.keys()].some((name) => name.includes(feature))) continue;
    const gate = `--feature-gates=${feature}=${isFeatureOn(gates, feature)}`;
    return `cannot specify both flags: --${flag}=${values[flag]} and ${gate} at the same time, please just use ${gate}`;
  }
  return undefined;
}
