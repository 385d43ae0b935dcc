/** A client on a network in memory under a clock that stands still: a test lets time and events go by. */
import { ManualClock } from "../../sim/manual-clock.ts";
import { MemoryLog } from "../../sim/memory-log.ts";
import { type Client, type ClientOptions, openClient } from "../../src/client/client.ts";
import type { GrpcMethodHandler } from "../../src/http2/grpc-server-types.ts";
import { Prng } from "../../src/stdx/prng.ts";
import { type Answer, MemoryNetwork, MemoryServer } from "./memory-grpc.ts";

/** Everything that one test of a client needs; `close` at its end. */
export class MemoryClients {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork();
  readonly log = new MemoryLog();
  readonly #opened: Client[] = [];

  close(): void {
    for (const client of this.#opened) client.close();
  }

  /** A server at `address`; unary calls are answered by `answers`, streams handled by `streams`. */
  serve(
    address: string,
    answers: Readonly<Record<string, Answer>>,
    streams: Readonly<Record<string, GrpcMethodHandler>> = {},
  ): MemoryServer {
    const server = new MemoryServer(this.clock, answers, streams);
    this.network.servers.set(address, server);
    return server;
  }

  /** A client of `one:1`, unless `options` say otherwise. */
  async open(options: Partial<ClientOptions> = {}): Promise<Client> {
    const opening = openClient({
      endpoints: ["one:1"],
      connector: this.network,
      clock: this.clock,
      random: new Prng(1),
      log: this.log,
      ...options,
    });
    const client = await this.untilSettled(opening);
    this.#opened.push(client);
    return client;
  }

  /** Lets everything that is under way happen; `stepMs` of the clock pass per turn. */
  async turns(count: number, stepMs = 0): Promise<void> {
    for (let i = 0; i < count; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      this.clock.runDeferred();
      if (stepMs > 0) this.clock.advance(stepMs);
    }
  }

  /** Waits for `promise` while turns go by; fails when it takes more time than the clock is given. */
  async untilSettled<T>(promise: Promise<T>, stepMs = 1): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    for (let i = 0; i < 1000 && !isSettled; i++) await this.turns(1, stepMs);
    if (!isSettled) throw new Error("The promise is still pending");
    return promise;
  }
}
