/** The real world as a member needs it: the disk, the clock, the network, threads for passwords, and what it counts. */
import { HttpPeerNetwork } from "../peer/http-network.ts";
import { systemClock } from "../platform/clock.ts";
import { sha1, sha256 } from "../platform/digest.ts";
import { SystemDisk } from "../platform/disk.ts";
import { lookUpHost } from "../platform/host-lookup.ts";
import { createHttpClient } from "../platform/http-client.ts";
import { createHttpServer } from "../platform/http-server.ts";
import { createPasswordWorkers, createSecretDigest } from "../platform/password-workers.ts";
import { systemProcessFacts } from "../platform/process-facts.ts";
import { startProfiler } from "../platform/profiler.ts";
import { systemRandom } from "../platform/random.ts";
import { createSrvLookup } from "../platform/srv-lookup.ts";
import type { AuditSink } from "../ports/audit.ts";
import type { LogLevelControl, NamedLog } from "../ports/log.ts";
import type { ProcessFacts } from "../ports/process-facts.ts";
import type { ServerConfig } from "../server/config/config.ts";
import type { ServerEnvironment } from "../server/fronts.ts";
import { ServerMetrics } from "../server/metrics/server-metrics.ts";
import { MemberTls } from "../server/tls/member-tls.ts";
import { ETCD_VERSION } from "../server/version.ts";
import { openRegistry } from "./lazy-registry.ts";
import { spanTransportOf } from "./server-outlets.ts";

/** Milliseconds to dial a peer, beside an election timeout. Source: etcd server/config (PeerDialTimeout). */
const PEER_DIAL_BASE_MS = 1000;

/** All members of a process share them: they are about the process. */
let facts: ProcessFacts | undefined;

/** What a member of `config` runs on; nothing of it is shared with another one. */
export function memberEnvironment(
  config: ServerConfig,
  memberLog: NamedLog & { readonly control: LogLevelControl },
  audit: AuditSink | undefined,
): ServerEnvironment {
  const log = memberLog.named("cmd/member-environment.ts");
  const tls = new MemberTls(config, systemClock, memberLog);
  const metrics = new ServerMetrics();
  const network = new HttpPeerNetwork({
    http: createHttpClient(() => tls.dialer),
    clock: systemClock,
    log: memberLog.named("peer/http-network.ts"),
    metrics: metrics.peer,
    serverVersion: ETCD_VERSION,
    dialTimeoutMs: PEER_DIAL_BASE_MS + config.electionTimeoutMs,
    readTimeoutMs: config.raftReadTimeoutMs,
  });
  facts ??= systemProcessFacts();
  return {
    disk: new SystemDisk({
      warn: (message) => log.warn(message),
      isUnsynced: config.unsafeNoFsync,
    }),
    clock: systemClock,
    random: systemRandom,
    sha1,
    sha256,
    passwords: createPasswordWorkers(passwordScript(), (reason) =>
      log.warn("cannot hash passwords in a thread", { error: reason.message }),
    ),
    secretDigest: createSecretDigest(),
    lookUpHost,
    lookUpSrv: createSrvLookup(),
    openRegistry,
    log: memberLog,
    logLevel: memberLog.control,
    facts,
    startProfiler,
    audit,
    spans: spanTransportOf(config.tracing),
    tls,
    metrics,
    peers: network,
    peerServer: createHttpServer(
      {
        readTimeoutMs: config.raftReadTimeoutMs,
        writeTimeoutMs: config.raftWriteTimeoutMs,
        idleTimeoutMs: config.raftReadTimeoutMs,
      },
      (request) => network.serve(request),
    ),
  };
}

/** What threads for passwords run; `undefined` in a program that a bundler made of us, which has no other files. */
function passwordScript(): URL | undefined {
  return URL.canParse(import.meta.url)
    ? new URL("../platform/bcrypt-worker.js", import.meta.url)
    : undefined;
}
