/**
 * The sockets a member listens on, for its peers and for clients. They are bound before anything else, so
 * that an address in use ends the start early; who connects before the member is ready waits, unread, as in
 * the backlog of the kernel.
 *
 * Source: etcd server/embed/etcd.go (configurePeerListeners, configureClientListeners).
 */
import type { TlsAcceptor } from "../platform/tls/acceptor.ts";
import { listenOn, type ListenOptions, NetworkError, type SocketStream } from "../platform/tcp.ts";
import type { Log } from "../ports/log.ts";
import type { StreamListener } from "../ports/network.ts";
import type { ServerConfig } from "./config/config.ts";
import { TLS_HANDSHAKE } from "./first-bytes.ts";
import { EARLY_CONNECTIONS_MAX, FIRST_BYTES_TIMEOUT_MS } from "./limits.ts";
import { type ListenPlace, listenPlacesOf } from "./listen-address.ts";
import type { ServerUrl } from "./config/server-url.ts";
import { StartError } from "./start/start-error.ts";
import type { MemberTls } from "./tls/member-tls.ts";

/** Listeners whose connections go to one place. */
export class Listeners {
  readonly #listeners: StreamListener[] = [];
  #waiting: EarlyConnection[] = [];
  #target: ((stream: SocketStream) => void) | undefined;
  #tls: TlsAcceptor | undefined;
  readonly #options: ListenOptions;

  constructor(options: ListenOptions = {}) {
    this.#options = options;
  }

  /**
   * Listens on all `urls`, which `flag` names; `tls` is for those that are encrypted. Rejects with a
   * `StartError`, and nothing listens then.
   */
  async bind(
    flag: string,
    urls: readonly ServerUrl[],
    tls: TlsAcceptor | undefined,
  ): Promise<void> {
    this.#tls = tls;
    for (const { address, encryption } of listenPlacesOf(urls)) {
      try {
        const accept = (stream: SocketStream): void => this.#accept({ stream, encryption });
        const listener = await listenOn(address, accept, this.#options);
        this.#listeners.push(listener);
      } catch (error) {
        this.close();
        if (!(error instanceof NetworkError)) throw error;
        const other = `name another address with ${flag}`;
        const wayOut =
          error.code === "EADDRINUSE" ? `stop the program that has it, or ${other}` : other;
        throw new StartError(`${error.message}; ${wayOut}`, error);
      }
    }
  }

  /** Ports that are really listened on. */
  get ports(): readonly number[] {
    return this.#listeners.map(({ port }) => port);
  }

  /** Gives `target` the connections that wait, and all that come. */
  handTo(target: (stream: SocketStream) => void): void {
    this.#target = target;
    for (const connection of this.#waiting) this.#hand(connection, target);
    this.#waiting = [];
  }

  /** Listens no more, and cuts the connections that wait; those that were handed over go on. */
  close(): void {
    for (const listener of this.#listeners) listener.close();
    for (const { stream } of this.#waiting) stream.destroy();
    this.#waiting = [];
    this.#tls?.close();
  }

  #accept(connection: EarlyConnection): void {
    if (this.#target !== undefined) this.#hand(connection, this.#target);
    else if (this.#waiting.length < EARLY_CONNECTIONS_MAX) this.#waiting.push(connection);
    else connection.stream.destroy();
  }

  #hand({ stream, encryption }: EarlyConnection, target: (stream: SocketStream) => void): void {
    const tls = this.#tls;
    if (encryption === "none" || tls === undefined) target(stream);
    else if (encryption === "tls") tls.accept(stream, target);
    else {
      lookAtFirstByte(stream, (first) => {
        if (first === TLS_HANDSHAKE) tls.accept(stream, target);
        else target(stream);
      });
    }
  }
}

/** A connection, and whether it is encrypted. */
interface EarlyConnection {
  readonly stream: SocketStream;
  readonly encryption: ListenPlace["encryption"];
}

/** Waits for what the client sends first, and leaves it to be read again. */
function lookAtFirstByte(stream: SocketStream, done: (first: number) => void): void {
  const timeout = setTimeout(() => stream.destroy(), FIRST_BYTES_TIMEOUT_MS);
  stream.setHandler({
    onBytes(bytes) {
      clearTimeout(timeout);
      const [first] = bytes;
      stream.putBack(bytes);
      done(first);
    },
    onWritable: () => undefined,
    onClosed: () => clearTimeout(timeout),
  });
}

export interface MemberListeners {
  readonly peers: Listeners;
  readonly clients: Listeners;
  /** For HTTP alone. */
  readonly http: Listeners;
  readonly metrics: Listeners;
}

/** Listens on everything that `config` names. Rejects with a `StartError`. */
export async function bindListeners(
  config: ServerConfig,
  tls: MemberTls,
  log: Log,
): Promise<MemberListeners> {
  const reusePort = config.socketReusePort;
  if (reusePort) {
    log.info("configuring socket options", { "reuse-address": true, "reuse-port": true });
  }
  const listeners: MemberListeners = {
    peers: new Listeners({ reusePort }),
    clients: new Listeners({ reusePort }),
    http: new Listeners({ reusePort }),
    metrics: new Listeners({ reusePort }),
  };
  const { listenPeerUrls, listenClientUrls, http } = config;
  const textsOf = (urls: readonly ServerUrl[]): string[] => urls.map(({ text }) => text);
  try {
    log.info("configuring peer listeners", { "listen-peer-urls": textsOf(listenPeerUrls) });
    await listeners.peers.bind("--listen-peer-urls", listenPeerUrls, tls.openPeers());
    log.info("configuring client listeners", { "listen-client-urls": textsOf(listenClientUrls) });
    refuseShared(listenClientUrls, http.clientHttpUrls);
    const acceptor = tls.openClients();
    await listeners.clients.bind("--listen-client-urls", listenClientUrls, acceptor);
    await listeners.http.bind("--listen-client-http-urls", http.clientHttpUrls, acceptor);
    await listeners.metrics.bind("--listen-metrics-urls", http.metricsUrls, acceptor);
  } catch (error) {
    closeListeners(listeners);
    throw error;
  }
  return listeners;
}

/** Listens on nothing any more. */
export function closeListeners({ peers, clients, http, metrics }: MemberListeners): void {
  for (const each of [peers, clients, http, metrics]) each.close();
}

/** One address cannot serve gRPC with HTTP, and HTTP alone. */
function refuseShared(clients: readonly ServerUrl[], http: readonly ServerUrl[]): void {
  const taken = new Set(clients.map(({ host, path }) => `${host}${path}`));
  for (const { host, path, text } of http) {
    if (!taken.has(`${host}${path}`)) continue;
    throw new StartError(
      `cannot bind both --client-listen-urls and --client-listen-http-urls on the same url ${text}`,
    );
  }
}
