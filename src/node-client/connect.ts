/** Opens clients over sockets, from options in the words of programs. */
import { openClient } from "../client/client.ts";
import type { ReconnectPauses } from "../client/link.ts";
import type { Log } from "../ports/log.ts";
import { systemClock } from "../platform/clock.ts";
import { installPlatformBytes } from "../platform/native-bytes.ts";
import { systemRandom } from "../platform/random.ts";
import type { DialTls } from "../platform/socket-dial.ts";
import { type ClientTlsSources, readClientTls } from "../platform/tls/client-files.ts";
import { EtcdClient } from "./etcd-client.ts";
import { keepHostsInSync } from "./host-sync.ts";
import { type Bytes, KeySpace } from "./key-space.ts";
import {
  CALL_TIMEOUT_MS,
  CONNECTION_CHECK_MS,
  CONNECTION_CHECK_TIMEOUT_MS,
  HEDGE_MS,
  RECONNECT_FIRST_MS,
  RECONNECT_LONGEST_MS,
} from "./limits.ts";
import { socketConnector } from "./socket-connector.ts";

/** A user of a cluster with authentication. */
export interface Credentials {
  /** Of a user that `auth.addUser`, or etcdctl, has made. */
  readonly username: string;
  /** Sent to get a token, and kept in memory to renew it; use TLS. */
  readonly password: string;
}

/** How a client reaches a cluster. Only `hosts` must be given. */
export interface ConnectOptions {
  /**
   * Where members are: `host:port`, `http://host:port`, `https://host:port`, `unix://path`. Calls go to those
   * that can be reached, in turn.
   */
  readonly hosts: string | readonly string[];
  /** Who calls; nobody in particular when absent. */
  readonly credentials?: Credentials | undefined;
  /**
   * Reaches hosts without a scheme by TLS; `{}` trusts the system's authorities. Files are read for every connection, so
   * that certificates may be renewed.
   */
  readonly tls?: ClientTlsSources | undefined;
  /** Milliseconds that a call may take where it does not say, and getting a token; 30 s when absent. */
  readonly timeoutMs?: number | undefined;
  /** A prefix of all keys that the client neither shows nor wants; none when absent. */
  readonly namespace?: Bytes | undefined;
  /**
   * Milliseconds of silence before a connection with open calls is asked for a sign of life: 10 s when absent, and at
   * least, because servers take more for an attack; never when 0.
   */
  readonly connectionCheckMs?: number | undefined;
  /** Milliseconds that the sign of life may take before the connection counts as lost; 5 s when absent. */
  readonly connectionCheckTimeoutMs?: number | undefined;
  /** Whether that goes on while there are no calls; it does not when absent. */
  readonly connectionCheckIdle?: boolean | undefined;
  /** Milliseconds between attempts to connect to a host: 250 at first, growing to 10 s when absent. */
  readonly reconnect?: Partial<ReconnectPauses> | undefined;
  /**
   * Milliseconds behind which a read is asked of another host, too, when nothing at all is heard of the first: 2 s when
   * absent, `Infinity` for never.
   */
  readonly hedgeMs?: number | undefined;
  /** Milliseconds between questions for the members of the cluster, which become the hosts; none when absent or 0. */
  readonly syncHostsMs?: number | undefined;
  /** Most bytes of a request; 2 MiB when absent. A larger one is refused here, with the code `ResourceExhausted`. */
  readonly requestBytesMax?: number | undefined;
  /** Most bytes of an answer; 2 GiB when absent. A larger one ends its call with the code `ResourceExhausted`. */
  readonly responseBytesMax?: number | undefined;
  /** Takes what the client has to tell of its connections; nobody when absent. */
  readonly log?: Log | undefined;
}

const SILENT: Log = {
  enabled: () => false,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
};

/**
 * Opens a client; `close` it. Connections are made in the background, so that a client of a cluster that is
 * down opens, too; with credentials it waits for a token. Throws `NoEndpointsError`, `EtcdError` when the
 * user is refused, `TypeError` and errors of the file system when TLS cannot be used.
 */
export async function connect(options: ConnectOptions): Promise<EtcdClient> {
  installPlatformBytes();
  const { hosts, credentials, tls, namespace, log = SILENT } = options;
  const { timeoutMs = CALL_TIMEOUT_MS, hedgeMs = HEDGE_MS, connectionCheckIdle } = options;
  const { requestBytesMax, responseBytesMax } = options;
  const client = await openClient({
    endpoints: typeof hosts === "string" ? [hosts] : hosts,
    connector: socketConnector(tls === undefined ? undefined : await tlsOf(tls)),
    clock: systemClock,
    random: systemRandom,
    log,
    secure: tls !== undefined,
    keepaliveTimeMs: options.connectionCheckMs ?? CONNECTION_CHECK_MS,
    keepaliveTimeoutMs: options.connectionCheckTimeoutMs ?? CONNECTION_CHECK_TIMEOUT_MS,
    ...(Number.isFinite(timeoutMs) ? { dialTimeoutMs: timeoutMs } : {}),
    reconnect: {
      firstMs: RECONNECT_FIRST_MS,
      longestMs: RECONNECT_LONGEST_MS,
      ...options.reconnect,
    },
    ...(connectionCheckIdle === undefined
      ? {}
      : { keepalivePermitWithoutStream: connectionCheckIdle }),
    ...(Number.isFinite(hedgeMs) ? { hedgeMs } : {}),
    ...(requestBytesMax === undefined ? {} : { requestBytesMax }),
    ...(responseBytesMax === undefined ? {} : { responseBytesMax }),
    ...credentials,
  });
  const closing = new AbortController();
  const parts = { client, clock: systemClock, timeoutMs };
  const opened = new EtcdClient(parts, new KeySpace(namespace), closing);
  const { syncHostsMs = 0 } = options;
  if (syncHostsMs > 0) {
    const settings = { clock: systemClock, log, everyMs: syncHostsMs, closing: closing.signal };
    keepHostsInSync(opened, settings);
  }
  return opened;
}

/** Reads the files now, and again for each connection; what was read last counts where they cannot be used. */
async function tlsOf(tls: ClientTlsSources): Promise<() => Promise<DialTls>> {
  let last = await readClientTls(tls);
  const { caFile, certFile, keyFile } = tls;
  if ([caFile, certFile, keyFile].every((file) => file === undefined)) {
    return () => Promise.resolve(last);
  }
  return async () => {
    // Files that are being replaced may not go together for a moment.
    last = await readClientTls(tls).catch(() => last);
    return last;
  };
}
