/**
 * A client and a server joined by memory, for tests: bytes of one are the input of the other, in pieces of
 * any size, and time moves only when it is told to.
 */
import type { EndpointEvents, Http2Endpoint } from "../endpoint.ts";
import { GrpcClientConnection } from "../grpc-client.ts";
import { GrpcServerConnection } from "../grpc-server.ts";
import type { ClientConnectionOptions, GrpcServerConfig } from "../options.ts";

/** Events of one side, remembered. */
export class RecordedEvents implements EndpointEvents {
  outputs = 0;
  closed: string[] = [];
  inputWanted: boolean[] = [];
  goAways: string[] = [];
  ready = 0;

  onOutput(): void {
    this.outputs++;
  }

  onClosed(reason: string): void {
    this.closed.push(reason);
  }

  onReady(): void {
    this.ready++;
  }

  onGoAway(detail: string): void {
    this.goAways.push(detail);
  }

  onInputWanted(wanted: boolean): void {
    this.inputWanted.push(wanted);
  }
}

/** Cuts of a byte stream: given how many bytes there are, how many to pass on next (at least one). */
export type Cut = (available: number) => number;

const WHOLE: Cut = (available) => available;

export class MemoryLink {
  readonly server: GrpcServerConnection;
  readonly client: GrpcClientConnection;
  readonly serverEvents = new RecordedEvents();
  readonly clientEvents = new RecordedEvents();
  nowMs = 1000;
  readonly #cut: Cut;

  constructor(config: GrpcServerConfig, limits: ClientConnectionOptions = {}, cut: Cut = WHOLE) {
    this.#cut = cut;
    this.server = new GrpcServerConnection({ config, events: this.serverEvents });
    this.client = new GrpcClientConnection({
      authority: "member:2379",
      events: this.clientEvents,
      clock: { nowMs: () => this.nowMs },
      limits,
    });
    this.server.start(this.nowMs);
    this.client.start(this.nowMs);
  }

  /** Carries bytes both ways until nothing moves. */
  settle(): void {
    for (;;) {
      const toServer = this.#carry(this.client, this.server);
      const toClient = this.#carry(this.server, this.client);
      if (!toServer && !toClient) return;
    }
  }

  /** Lets time pass on both sides, then carries bytes. */
  advance(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.server.tick(this.nowMs);
    this.client.tick(this.nowMs);
    this.settle();
  }

  /** Carries everything that waits in `from`; false when nothing did. */
  #carry(from: Http2Endpoint, to: Http2Endpoint): boolean {
    let moved = false;
    for (let bytes = from.takeOutput(); bytes !== undefined; bytes = from.takeOutput()) {
      moved = true;
      for (let at = 0; at < bytes.length; ) {
        const count = this.#cut(bytes.length - at);
        // A copy that is overwritten afterwards, so that nobody can rely on borrowed bytes.
        const chunk = bytes.slice(at, at + count);
        to.receive(chunk, this.nowMs);
        chunk.fill(0xee);
        at += count;
      }
    }
    return moved;
  }
}
