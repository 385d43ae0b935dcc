/**
 * A member whose options are read and whose sockets are bound: its ports are known, and nothing else has
 * happened yet. Members of one cluster tell each other their ports before any of them starts.
 */
import { memberEnvironment } from "../cmd/member-environment.ts";
import { openAudit } from "../cmd/server-outlets.ts";
import type { AuditFile } from "../platform/audit-file.ts";
import { defaultHost } from "../platform/default-host.ts";
import { installPlatformBytes } from "../platform/native-bytes.ts";
import type { ServerConfig } from "../server/config/config.ts";
import type { ServerEnvironment } from "../server/fronts.ts";
import { DEFAULT_PEER_URL } from "../server/flags/defaults.ts";
import { url } from "../server/flags/flag.ts";
import { bindListeners, closeListeners, type MemberListeners } from "../server/listeners.ts";
import { replayRecords } from "../server/observe/log-record.ts";
import type { ServerUrl } from "../server/config/server-url.ts";
import { atExit } from "./exit-tasks.ts";
import { openMemberLog } from "./member-log.ts";
import type { EtcdOptions } from "./options.ts";
import { completeOptions, configOf, type ReadOptions, readOptions } from "./read-options.ts";
import { reachableUrls, realUrls } from "./real-urls.ts";
import { TemporaryDir } from "./temporary-dir.ts";

/** URLs that are listened on, with their real ports. */
export interface BoundUrls {
  /** For clients: gRPC, and HTTP unless `http` has URLs. */
  readonly client: readonly string[];
  /** For the other members. */
  readonly peer: readonly string[];
  /** For HTTP alone. */
  readonly http: readonly string[];
  /** For `/metrics` and `/health` alone. */
  readonly metrics: readonly string[];
}

export interface BoundMember {
  readonly read: ReadOptions;
  readonly listeners: MemberListeners;
  readonly environment: ServerEnvironment;
  readonly urls: BoundUrls;
  /** Closes the audit log and removes the folder of a temporary member. */
  readonly clear: () => Promise<void>;
}

/**
 * Reads `options` and binds. Rejects with `EtcdConfigError`, with `StartError` when an address cannot be had, or
 * with `LogOutputError`; nothing is left behind then.
 */
export async function bindMember(options: EtcdOptions): Promise<BoundMember> {
  installPlatformBytes();
  const read = readOptions(options);
  const temporary = options.temporary === true ? useTemporaryDir(read) : undefined;
  let audit: AuditFile | undefined;
  const forget = atExit(() => audit?.flushAtExit());
  const clear = async (): Promise<void> => {
    try {
      await audit?.close();
    } finally {
      forget();
      temporary?.remove();
    }
  };
  try {
    const records = completeOptions(read);
    const config = configOf(read);
    const log = openMemberLog(options.log, config.log, read.given.has("log-outputs"));
    replayRecords(records, (caller) => log.named(caller));
    audit = openAudit(config.audit, log);
    const environment = memberEnvironment(config, log, audit);
    const listeners = await bindListeners(
      config,
      environment.tls,
      log.named("embed/bound-member.ts"),
    );
    const urls = advertise(read, config, listeners);
    const bound = { read, listeners, environment, urls, clear };
    if (options.signal?.aborted !== true) return bound;
    closeListeners(listeners);
    throw options.signal.reason;
  } catch (error) {
    await clear();
    throw error;
  }
}

/** Gives up what was bound, when the member is not to be started after all. */
export async function releaseMember({ listeners, clear }: BoundMember): Promise<void> {
  closeListeners(listeners);
  await clear();
}

/** "name=URL,name=URL" of a member, as it stands in the list of the members of a new cluster. */
export function initialClusterOf({ values }: ReadOptions): string {
  const urls = values["initial-advertise-peer-urls"];
  return urls.map(({ text }) => `${values.name}=${text}`).join(",");
}

function useTemporaryDir({ values, given }: ReadOptions): TemporaryDir {
  const directory = new TemporaryDir();
  values["data-dir"] = directory.path;
  if (!given.has("unsafe-no-fsync")) values["unsafe-no-fsync"] = true;
  return directory;
}

/** Fills in what is advertised where nobody said it, with real ports. Returns what is listened on. */
function advertise(
  { values, given }: ReadOptions,
  config: ServerConfig,
  listeners: MemberListeners,
): BoundUrls {
  const host = defaultHost() ?? "127.0.0.1";
  const client = realUrls(config.listenClientUrls, listeners.clients.ports);
  const peer = realUrls(config.listenPeerUrls, listeners.peers.ports);
  if (!given.has("advertise-client-urls")) {
    values["advertise-client-urls"] = reachableUrls(client, host);
  }
  if (!given.has("initial-advertise-peer-urls")) {
    const urls = reachableUrls(peer, host);
    values["initial-advertise-peer-urls"] = urls.length === 0 ? url(DEFAULT_PEER_URL) : urls;
  }
  return {
    client: textsOf(client),
    peer: textsOf(peer),
    http: textsOf(realUrls(config.http.clientHttpUrls, listeners.http.ports)),
    metrics: textsOf(realUrls(config.http.metricsUrls, listeners.metrics.ports)),
  };
}

function textsOf(urls: readonly ServerUrl[]): readonly string[] {
  return urls.map(({ text }) => text);
}
