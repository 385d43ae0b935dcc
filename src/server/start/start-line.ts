/**
 * The line of the log that tells all settings a member runs with, those by default included.
 *
 * Source: etcd server/embed/etcd.go (print) (3.5).
 */
import * as os from "node:os";
import * as path from "node:path";
import type { Log } from "../../ports/log.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { electionTicksOf, memberDirOf, type ServerConfig } from "../config/config.ts";
import type { ServerUrl } from "../config/server-url.ts";
import { ETCD_VERSION, PROJECT_VERSION } from "../version.ts";

export interface StartFacts {
  /** Whether the member has run before. */
  readonly isInitialized: boolean;
  /** What auto-compaction keeps; revisions count as nanoseconds, as there. */
  readonly retentionMs: number;
}

export function logStart(
  config: ServerConfig,
  { isInitialized, retentionMs }: StartFacts,
  log: Log,
): void {
  const electionMs = electionTicksOf(config) * config.heartbeatIntervalMs;
  const { http, discovery } = config;
  log.info("starting an etcd server", {
    "etcd-version": ETCD_VERSION,
    "git-sha": `Not provided (etcd-ts ${PROJECT_VERSION})`,
    "go-version": `none (Node.js ${process.versions.node})`,
    "go-os": process.platform,
    "go-arch": process.arch === "x64" ? "amd64" : process.arch,
    "max-cpu-set": os.availableParallelism(),
    "max-cpu-available": os.cpus().length,
    "member-initialized": isInitialized,
    name: config.name,
    "data-dir": config.dataDir,
    "wal-dir": config.dedicatedWalDir,
    "wal-dir-dedicated": config.dedicatedWalDir,
    "member-dir": path.join(memberDirOf(config)),
    "force-new-cluster": config.forceNewCluster,
    "heartbeat-interval": goDurationOfMs(config.heartbeatIntervalMs),
    "election-timeout": goDurationOfMs(electionMs),
    "initial-election-tick-advance": config.initialElectionTickAdvance,
    "snapshot-count": config.snapshotCount,
    "max-wals": config.walFilesMax,
    "max-snapshots": config.snapshotFilesMax,
    "snapshot-catchup-entries": config.snapshotCatchUpEntries,
    "initial-advertise-peer-urls": textsOf(config.initialAdvertisePeerUrls),
    "listen-peer-urls": textsOf(config.listenPeerUrls),
    "advertise-client-urls": textsOf(config.advertiseClientUrls),
    "listen-client-urls": textsOf(config.listenClientUrls),
    "listen-metrics-urls": textsOf(http.metricsUrls),
    cors: http.cors,
    "host-whitelist": http.hostWhitelist,
    "initial-cluster": isInitialized ? "" : config.initialCluster,
    "initial-cluster-state": config.initialClusterState,
    "initial-cluster-token": isInitialized ? "" : config.initialClusterToken,
    "quota-backend-bytes": config.quotaBackendBytes,
    "max-request-bytes": config.maxRequestBytes,
    "max-concurrent-streams": config.maxConcurrentStreams,
    "pre-vote": config.preVote,
    "initial-corrupt-check": config.initialCorruptCheck,
    "corrupt-check-time-interval": goDurationOfMs(config.corruptCheckMs),
    "compact-check-time-enabled": config.compactHashCheckMs > 0,
    "compact-check-time-interval": goDurationOfMs(config.compactHashCheckIntervalMs),
    "auto-compaction-mode": config.autoCompactionMode,
    "auto-compaction-retention": goDurationOfMs(retentionMs),
    "auto-compaction-interval": goDurationOfMs(retentionMs),
    "discovery-url": discovery.url,
    "discovery-proxy": discovery.proxy,
    "downgrade-check-interval": goDurationOfMs(config.downgradeCheckMs),
  });
}

function textsOf(urls: readonly ServerUrl[]): string[] {
  return urls.map(({ text }) => text);
}
