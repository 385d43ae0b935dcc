/**
 * What the services of a member stand on, put together from a running host: the same for a server with
 * sockets and for one that is called in memory.
 */
import type { ServiceContext } from "../api/context.ts";
import { ServingStatus } from "../api/health-service.ts";
import { RpcMetrics } from "../api/rpc-metrics.ts";
import type { Log } from "../ports/log.ts";
import type { Environment } from "./start/bootstrap.ts";
import type { ServerConfig } from "./config/config.ts";
import { GRPC_OVERHEAD_BYTES, WATCH_PROGRESS_INTERVAL_MS_MIN } from "./limits.ts";
import type { MemberHost } from "./member-host.ts";
import { ETCD_VERSION } from "./version.ts";

/** The context of the services of `host`, which runs with this configuration and environment. */
export function serviceContextOf(
  config: ServerConfig,
  environment: Environment,
  host: MemberHost,
): ServiceContext {
  const { clock, log } = environment;
  return {
    member: host.member,
    membership: host.membership,
    clusterId: host.clusterId,
    storage: host.current,
    leases: host.leases,
    compactor: host.current,
    hashes: host.current.hashes,
    backups: host.current.backups,
    defragment: (done) => host.current.defragment(done),
    reads: host.reads,
    serving: new ServingStatus(log.named("v3rpc/health.go")),
    stopsServingOnDefrag: config.stopsServingOnDefrag,
    callers: host.callers,
    tokens: host.tokens,
    passwords: host.passwords,
    rpcs: new RpcMetrics(
      environment.metrics.registry,
      config.http.metrics === "extensive" ? () => clock.nowMs() : undefined,
    ),
    clock,
    log,
    watches: {
      hub: host.watches,
      progressIntervalMs: progressIntervalOf(config, log.named("api/watch.ts")),
      fragmentBytesMax: config.maxRequestBytes + GRPC_OVERHEAD_BYTES,
      random: environment.random,
      wake: () => host.poke(),
    },
    requestBytesMax: config.maxRequestBytes + GRPC_OVERHEAD_BYTES,
    txnOpsMax: config.maxTxnOps,
    serverVersion: ETCD_VERSION,
  };
}

/** As configured, but for intervals that are too short. */
function progressIntervalOf({ watchProgressIntervalMs }: ServerConfig, log: Log): number {
  if (watchProgressIntervalMs >= WATCH_PROGRESS_INTERVAL_MS_MIN) return watchProgressIntervalMs;
  log.warn("adjusting watch progress notify interval to minimum period", {
    "min-watch-progress-interval": "100ms",
  });
  return WATCH_PROGRESS_INTERVAL_MS_MIN;
}
