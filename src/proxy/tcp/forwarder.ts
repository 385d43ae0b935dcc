/**
 * Carries bytes between clients and servers, whatever they are; TLS passes through. A server that cannot be
 * reached is left out until it can be again.
 *
 * Source: etcd server/proxy/tcpproxy/userspace.go (TCPProxy).
 */
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { ByteStream } from "../../ports/network.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { GATEWAY_CONNECTIONS_MAX, GATEWAY_DIAL_TIMEOUT_MS } from "../limits.ts";
import type { Remote, Remotes } from "./remotes.ts";

export interface ForwarderParts {
  readonly remotes: Remotes;
  /** Connects to "host:port". */
  readonly connect: (address: string) => Promise<ByteStream>;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a server that failed is left out. */
  readonly retryDelayMs: number;
}

export class TcpForwarder {
  readonly #parts: ForwarderParts;
  readonly #carried = new Set<ByteStream>();
  #monitor: Timer | undefined;
  #isClosed = false;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    const endpoints = parts.remotes.all.map(({ text }) => text);
    parts.log.info("ready to proxy client requests", { endpoints });
    this.#scheduleMonitor();
  }

  /** Takes over a connection of a client. */
  accept(client: ByteStream): void {
    if (this.#isClosed || this.#carried.size >= GATEWAY_CONNECTIONS_MAX) {
      client.destroy();
      return;
    }
    this.#carried.add(client);
    void this.#carry(client);
  }

  /** Cuts all connections. */
  close(): void {
    this.#isClosed = true;
    this.#monitor?.cancel();
    for (const client of this.#carried) client.destroy();
  }

  async #carry(client: ByteStream): Promise<void> {
    // What arrives before there is a server waits in the kernel.
    const waiting = new WaitingClient();
    client.pause();
    client.setHandler(waiting);
    client.pause();
    const server = await this.#reach(waiting);
    if (server === undefined || waiting.isGone || this.#isClosed) {
      this.#carried.delete(client);
      server?.destroy();
      client.destroy();
      return;
    }
    const done = (): void => {
      this.#carried.delete(client);
    };
    client.setHandler(new Pipe(client, server, done));
    server.setHandler(new Pipe(server, client, done));
    waiting.flushTo(server);
    client.resume();
    server.resume();
  }

  async #reach(waiting: WaitingClient): Promise<ByteStream | undefined> {
    const { remotes, log, retryDelayMs } = this.#parts;
    for (let remote = remotes.pick(); remote !== undefined; remote = remotes.pick()) {
      const result = await this.#connect(remote);
      if (!(result instanceof Error)) return result;
      remote.isActive = false;
      log.warn("deactivated endpoint", {
        address: remote.text,
        interval: goDurationOfMs(retryDelayMs),
        error: result.message,
      });
      if (waiting.isGone) return undefined;
    }
    return undefined;
  }

  async #connect(remote: Remote): Promise<ByteStream | Error> {
    const { connect, clock } = this.#parts;
    let isLate = false;
    const dialling = connect(remote.text).then(
      (stream) => {
        if (isLate) stream.destroy();
        return stream;
      },
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
    const late = new Promise<Error>((resolve) => {
      const timer = clock.after(GATEWAY_DIAL_TIMEOUT_MS, () => {
        isLate = true;
        resolve(new Error(`dial tcp ${remote.text}: i/o timeout`));
      });
      void dialling.then(() => timer.cancel());
    });
    return Promise.race([dialling, late]);
  }

  #scheduleMonitor(): void {
    const { clock, remotes, retryDelayMs } = this.#parts;
    this.#monitor = clock.after(retryDelayMs, () => {
      for (const remote of remotes.all) if (!remote.isActive) void this.#tryAgain(remote);
      this.#scheduleMonitor();
    });
  }

  async #tryAgain(remote: Remote): Promise<void> {
    const { log, retryDelayMs } = this.#parts;
    const result = await this.#connect(remote);
    if (result instanceof Error) {
      log.warn("failed to activate endpoint (stay inactive for another interval)", {
        address: remote.text,
        interval: goDurationOfMs(retryDelayMs),
        error: result.message,
      });
      return;
    }
    result.destroy();
    remote.isActive = true;
    log.info("activated", { address: remote.text });
  }
}

/** A client whose server is being looked for. */
class WaitingClient {
  isGone = false;
  readonly #early: Uint8Array[] = [];

  /** One read may have been under way. */
  onBytes(bytes: Uint8Array): void {
    this.#early.push(bytes.slice());
  }

  onWritable(): void {}

  onClosed(): void {
    this.isGone = true;
  }

  flushTo(server: ByteStream): void {
    for (const bytes of this.#early) server.write(bytes);
  }
}

/** Takes bytes from one stream and gives them to the other, as fast as that one takes them. */
class Pipe {
  readonly #from: ByteStream;
  readonly #to: ByteStream;
  readonly #done: () => void;

  constructor(from: ByteStream, to: ByteStream, done: () => void) {
    this.#from = from;
    this.#to = to;
    this.#done = done;
  }

  onBytes(bytes: Uint8Array): void {
    if (!this.#to.write(bytes.slice())) this.#from.pause();
  }

  /** There is room on this side again: the other one may go on. */
  onWritable(): void {
    this.#to.resume();
  }

  /** What is on its way to the other side still arrives. */
  onClosed(): void {
    this.#done();
    this.#to.end();
  }
}
