/** A TCP proxy between a client and a server, whose packets can get lost: nothing breaks, nothing arrives. */
import net from "node:net";
import { Relay } from "./relay.ts";

export class ClientProxy {
  readonly #server: net.Server;
  readonly #relays = new Set<Relay>();
  #isHeld = false;

  private constructor(server: net.Server) {
    this.#server = server;
  }

  /** Listens in front of `127.0.0.1:port`. */
  static async open(port: number): Promise<ClientProxy> {
    const server = net.createServer({ allowHalfOpen: true });
    const proxy = new ClientProxy(server);
    const rule = () => ({ isHeld: proxy.#isHeld, delayMs: 0 });
    server.on("connection", (near) => {
      const far = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      const rules = { forth: rule, back: rule };
      const relay = new Relay(near, far, rules, (closed) => proxy.#relays.delete(closed));
      proxy.#relays.add(relay);
      relay.changed();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get endpoint(): string {
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }

  /** From now on every packet is lost. */
  hold(): void {
    this.#isHeld = true;
    for (const relay of this.#relays) relay.changed();
  }

  /** New connections work; those that were held stay dead. */
  heal(): void {
    this.#isHeld = false;
  }

  /** Breaks every connection off. */
  break(): void {
    for (const relay of [...this.#relays]) relay.break();
  }

  async close(): Promise<void> {
    this.break();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
