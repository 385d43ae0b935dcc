/**
 * One server for all cases of a `describe`, and the npm package `etcd3` on it.
 */
import { Etcd3, type IOptions } from "etcd3";
import { afterAll, beforeAll } from "vitest";
import { type EtcdProcess, type EtcdProcessOptions, startEtcd } from "./etcd-process.ts";
import { freePorts } from "./processes.ts";
import { sleep } from "./sleep.ts";

const START_MS = 60_000;

/** Milliseconds between tries of what fails. */
const PAUSE_MS = 100;

export class SharedEtcd {
  #server: EtcdProcess | undefined;
  #client: Etcd3 | undefined;
  #options: EtcdProcessOptions;
  readonly #opened: Etcd3[] = [];

  private constructor(options: EtcdProcessOptions) {
    this.#options = options;
  }

  /** Starts it before the first case of this `describe`, and ends it behind the last one. */
  static use(options: EtcdProcessOptions): SharedEtcd {
    const shared = new SharedEtcd(options);
    beforeAll(() => shared.#start(), START_MS);
    afterAll(async () => {
      for (const client of shared.#opened) client.close();
      await shared.#server?.remove();
    });
    return shared;
  }

  get server(): EtcdProcess {
    if (this.#server === undefined) throw new Error("Cannot be asked before the first case");
    return this.#server;
  }

  get port(): number {
    return Number(this.server.endpoint.split(":")[1]);
  }

  /** The client that all cases share. */
  get client(): Etcd3 {
    this.#client ??= this.connect();
    return this.#client;
  }

  /** Another client; it is closed behind the last case. */
  connect(options: Partial<IOptions> = {}): Etcd3 {
    const client = new Etcd3({ hosts: this.server.endpoint, ...options });
    this.#opened.push(client);
    return client;
  }

  /** Kills it; `revive` starts it again on what it left. */
  kill(): Promise<void> {
    return this.server.stop("SIGKILL");
  }

  async revive(): Promise<void> {
    this.#server = await startEtcd({ ...this.#options, dataDir: this.server.dataDir });
  }

  async #start(): Promise<void> {
    const [clientPort, peerPort] = this.#options.ports ?? (await freePorts(2));
    this.#options = { ...this.#options, ports: [clientPort, peerPort] };
    this.#server = await startEtcd(this.#options);
  }
}

/** What an emitter says with `event`, the next time. */
export function nextEvent<Said>(
  emitter: { once(event: string, handler: (said: Said) => void): unknown },
  event: string,
): Promise<Said> {
  return new Promise((resolve) => {
    emitter.once(event, resolve);
  });
}

/** What happens to calls of a client, as its options take it. */
export type FaultPolicy = NonNullable<NonNullable<IOptions["faultHandling"]>["global"]>;

/** Each call is made, once: the client neither tries again nor rests for five seconds behind failures. */
export const ONCE = {
  execute: async (run: Parameters<FaultPolicy["execute"]>[0]) => {
    const answer = await run({ signal: new AbortController().signal });
    return answer;
  },
} as FaultPolicy;

/** Calls until it works. */
export async function persist<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch {
      await sleep(PAUSE_MS);
    }
  }
}
