/**
 * The sockets a member listens on, for its peers and for clients. They are bound before anything else, so
 * that an address in use ends the start early; who connects before the member is ready waits, unread, as in
 * the backlog of the kernel.
 *
 * Source: etcd server/embed/etcd.go (configurePeerListeners, configureClientListeners).
 */
import { listenOn, type ListenOptions, NetworkError, type SocketStream } from "../platform/tcp.ts";
import type { Log } from "../ports/log.ts";
import type { StreamListener } from "../ports/network.ts";
import type { ServerConfig } from "./config.ts";
import { EARLY_CONNECTIONS_MAX } from "./limits.ts";
import { listenAddressOf } from "./listen-address.ts";
import type { ServerUrl } from "./server-url.ts";
import { StartError } from "./start-error.ts";

/** Listeners whose connections go to one place. */
export class Listeners {
  readonly #listeners: StreamListener[] = [];
  #waiting: SocketStream[] = [];
  #target: ((stream: SocketStream) => void) | undefined;
  readonly #options: ListenOptions;

  constructor(options: ListenOptions = {}) {
    this.#options = options;
  }

  /** Listens on all `urls`, which `flag` names. Rejects with a `StartError`, and nothing listens then. */
  async bind(flag: string, urls: readonly ServerUrl[]): Promise<void> {
    for (const url of urls) {
      try {
        const accept = (stream: SocketStream): void => this.#accept(stream);
        const listener = await listenOn(listenAddressOf(url), accept, this.#options);
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
    for (const stream of this.#waiting) target(stream);
    this.#waiting = [];
  }

  /** Listens no more, and cuts the connections that wait; those that were handed over go on. */
  close(): void {
    for (const listener of this.#listeners) listener.close();
    for (const stream of this.#waiting) stream.destroy();
    this.#waiting = [];
  }

  #accept(stream: SocketStream): void {
    if (this.#target !== undefined) this.#target(stream);
    else if (this.#waiting.length < EARLY_CONNECTIONS_MAX) this.#waiting.push(stream);
    else stream.destroy();
  }
}

export interface MemberListeners {
  readonly peers: Listeners;
  readonly clients: Listeners;
  /** For HTTP alone. */
  readonly http: Listeners;
  readonly metrics: Listeners;
}

/** Listens on everything that `config` names. Rejects with a `StartError`. */
export async function bindListeners(config: ServerConfig, log: Log): Promise<MemberListeners> {
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
    await listeners.peers.bind("--listen-peer-urls", listenPeerUrls);
    log.info("configuring client listeners", { "listen-client-urls": textsOf(listenClientUrls) });
    refuseShared(listenClientUrls, http.clientHttpUrls);
    await listeners.clients.bind("--listen-client-urls", listenClientUrls);
    await listeners.http.bind("--listen-client-http-urls", http.clientHttpUrls);
    await listeners.metrics.bind("--listen-metrics-urls", http.metricsUrls);
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
