/**
 * The synchronous way to drive a node: take a `Ready`, store and apply everything in it, send its
 * messages, then `advance`. Made from the asynchronous form: answers that storage owes to others become
 * ordinary messages, those to the node itself are delivered by `advance`.
 */
import { assert } from "../../src/stdx/assert.ts";
import type { Message } from "../../src/wire/gen/raft.ts";
import { isLocalTarget } from "../../src/raft/node-id.ts";
import type { RawNode } from "../../src/raft/raw-node.ts";
import type { Ready } from "../../src/raft/ready.ts";

export class ReadyAdvance {
  readonly #node: RawNode;
  #onAdvance: Message[] = [];

  /** `node` must apply unstable entries: here they are stored before anything is applied. */
  constructor(node: RawNode) {
    this.#node = node;
  }

  /** The work there is; its messages may be sent when its writes are durable. */
  ready(): Ready {
    assert(this.#onAdvance.length === 0, "Cannot take two Readys without advancing between them");
    const ready = this.#node.ready();
    const messages: Message[] = [];
    const answers: Message[] = [];
    for (const message of ready.messages) {
      if (!isLocalTarget(message.to)) {
        messages.push(message);
        continue;
      }
      for (const response of message.responses) {
        if (response.to === this.#node.id) this.#onAdvance.push(response);
        else answers.push(response);
      }
    }
    return { ...ready, messages: [...messages, ...answers] };
  }

  /** Everything in the last `Ready` is done. */
  advance(): void {
    const responses = this.#onAdvance;
    this.#onAdvance = [];
    for (const response of responses) this.#node.step(response);
  }
}
