/**
 * One TCP connection that goes through a proxy: two flows of bytes, each of which may be held or delayed.
 * Bytes are never lost or changed, as TCP promises; a connection may be broken off.
 */
import type net from "node:net";

/** What happens to the bytes of one direction, asked anew for every piece. */
export interface FlowRule {
  /** Nothing moves until `changed`. */
  readonly isHeld: boolean;
  readonly delayMs: number;
}

/** One direction. Delays keep the order, also when they become shorter. */
class Flow {
  readonly #source: net.Socket;
  readonly #sink: net.Socket;
  readonly #rule: () => FlowRule;
  readonly #waiting: { readonly chunk: Buffer; readonly dueMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(source: net.Socket, sink: net.Socket, rule: () => FlowRule) {
    this.#source = source;
    this.#sink = sink;
    this.#rule = rule;
    source.on("data", (chunk: Buffer) => {
      this.#waiting.push({ chunk, dueMs: performance.now() + rule().delayMs });
      this.move();
    });
    source.on("end", () => {
      this.#hasEnded = true;
      this.move();
    });
    sink.on("drain", () => this.move());
  }

  /** Moves what may be moved, and comes back when more may. */
  move(): void {
    clearTimeout(this.#timer);
    if (this.#rule().isHeld) {
      this.#source.pause();
      return;
    }
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.move(), waitMs);
        break;
      }
      this.#waiting.shift();
      if (!this.#sink.write(next.chunk)) {
        this.#source.pause();
        return;
      }
    }
    this.#source.resume();
    if (this.#hasEnded && this.#waiting.length === 0) this.#sink.end();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }
}

export class Relay {
  readonly #near: net.Socket;
  readonly #far: net.Socket;
  readonly #flows: readonly [Flow, Flow];

  /** `near` was accepted from the dialer, `far` was dialed for it. */
  constructor(
    near: net.Socket,
    far: net.Socket,
    rules: { readonly forth: () => FlowRule; readonly back: () => FlowRule },
    onClosed: (relay: Relay) => void,
  ) {
    this.#near = near;
    this.#far = far;
    this.#flows = [new Flow(near, far, rules.forth), new Flow(far, near, rules.back)];
    for (const socket of [near, far]) {
      socket.setNoDelay();
      // The close that follows says as much.
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.break();
        onClosed(this);
      });
    }
  }

  /** A rule has changed. */
  changed(): void {
    for (const flow of this.#flows) flow.move();
  }

  /** Breaks the connection off on both sides, with a reset. */
  break(): void {
    for (const flow of this.#flows) flow.stop();
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }
}
