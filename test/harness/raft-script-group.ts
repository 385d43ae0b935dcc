/**
 * A scripted raft group: its nodes, the messages on their way between them, and the steps that scripts
 * take. Nothing happens by itself; everything that happens is printed.
 */
import { describeMessage, describeReady } from "../../src/raft/describe.ts";
import { isLocalTarget } from "../../src/raft/node-id.ts";
import type { NodeId } from "../../src/raft/node-id.ts";
import { MessageType } from "../../src/wire/gen/raft.ts";
import type { HardState, Message, Snapshot } from "../../src/wire/gen/raft.ts";
import { ScriptNode } from "./raft-script-node.ts";
import type { NodeOptions } from "./raft-script-node.ts";
import { ScriptOutput } from "./raft-script-output.ts";

/** A node to deliver messages to, or whose messages get lost. */
export interface Recipient {
  readonly id: NodeId;
  readonly drop: boolean;
}

export class ScriptGroup {
  readonly nodes: ScriptNode[] = [];
  readonly output = new ScriptOutput();
  /** Messages on their way. */
  messages: Message[] = [];

  /** Adds nodes that start from `snapshot`; ids go on from the last one. */
  addNodes(count: number, options: NodeOptions, snapshot: Snapshot): void {
    for (let i = 0; i < count; i++) {
      const id = BigInt(this.nodes.length + 1);
      this.nodes.push(new ScriptNode(id, options, snapshot, this.output));
    }
  }

  node(id: NodeId): ScriptNode {
    const node = this.nodes[Number(id) - 1];
    if (node === undefined) throw new Error(`Cannot find node ${id}`);
    return node;
  }

  /** Handles one `Ready` of the node. */
  processReady(node: ScriptNode): string | undefined {
    const ready = node.takeReady();
    this.output.write(describeReady(ready));
    if (!node.options.asyncStorageWrites) {
      const error = node.store(ready.hardState, ready.entries, ready.snapshot);
      if (error !== undefined) return error.message;
      node.apply(ready.committedEntries);
    }
    for (const message of ready.messages) {
      if (!isLocalTarget(message.to)) this.messages.push(message);
      else if (message.type === MessageType.MsgStorageAppend) node.appendWork.push(message);
      else node.applyWork.push(message);
    }
    node.advance();
    return undefined;
  }

  /** Does one write that the node asked for. */
  processAppend(node: ScriptNode): string | undefined {
    const message = node.appendWork.shift();
    if (message === undefined) {
      this.output.write("no append work to perform");
      return undefined;
    }
    this.#printWork(message);
    const { term, vote, commit, entries, snapshot } = message;
    const hardState: HardState = { term, vote: vote ?? 0n, commit };
    const error = node.store(hardState, entries, snapshot);
    if (error !== undefined) return error.message;
    this.#answer(message);
    return undefined;
  }

  /** Applies one batch of entries that the node asked for. */
  processApply(node: ScriptNode): string | undefined {
    const message = node.applyWork.shift();
    if (message === undefined) {
      this.output.write("no apply work to perform");
      return undefined;
    }
    this.#printWork(message);
    node.apply(message.entries);
    this.#answer(message);
    return undefined;
  }

  #printWork(message: Message): void {
    this.output.write(`Processing:\n${describeMessage({ ...message, responses: [] })}\n`);
  }

  #answer(message: Message): void {
    this.output.write("Responses:\n");
    for (const response of message.responses) {
      this.output.write(`${describeMessage(response)}\n`);
      this.messages.push(response);
    }
  }

  /** Delivers, or drops, what is on its way to the recipients; returns how many messages that were. */
  deliver(recipients: readonly Recipient[], type?: MessageType): number {
    let count = 0;
    for (const recipient of recipients) {
      const taken = this.#take(recipient, type);
      count += taken.length;
      for (const message of taken) this.#deliverOne(message, recipient.drop);
    }
    return count;
  }

  #deliverOne(message: Message, drop: boolean): void {
    this.output.write(`${drop ? "dropped: " : ""}${describeMessage(message)}\n`);
    if (drop) return;
    const error = this.node(message.to).raft.step(message);
    if (error !== undefined) this.output.write(`${error.message}\n`);
  }

  #take(recipient: Recipient, type: MessageType | undefined): Message[] {
    const taken: Message[] = [];
    const kept: Message[] = [];
    for (const message of this.messages) {
      const matches =
        message.to === recipient.id &&
        !(recipient.drop && isLocal(message)) &&
        (type === undefined || message.type === type);
      (matches ? taken : kept).push(message);
    }
    this.messages = kept;
    return taken;
  }

  /** Handles `Ready`s, delivers messages and does storage work until nothing is left. */
  stabilize(nodes: readonly ScriptNode[]): string | undefined {
    for (;;) {
      let done = true;
      for (const node of nodes) {
        if (!node.raft.hasReady()) continue;
        done = false;
        const error = this.#titled(`${node.id} handling Ready`, () => this.processReady(node));
        if (error !== undefined) return error;
      }
      for (const node of nodes) {
        if (!this.messages.some((message) => message.to === node.id)) continue;
        done = false;
        const recipient = { id: node.id, drop: false };
        this.#titled(`${node.id} receiving messages`, () => this.deliver([recipient]));
      }
      for (const node of nodes) {
        if (node.appendWork.length === 0) continue;
        done = false;
        this.output.write(`> ${node.id} processing append thread\n`);
        while (node.appendWork.length > 0) {
          const error = this.output.indented(() => this.processAppend(node));
          if (error !== undefined) return error;
        }
      }
      for (const node of nodes) {
        if (node.applyWork.length === 0) continue;
        done = false;
        this.output.write(`> ${node.id} processing apply thread\n`);
        while (node.applyWork.length > 0) this.output.indented(() => this.processApply(node));
      }
      if (done) return undefined;
    }
  }

  /** Runs a step for several nodes, each under a title; for one node without. */
  forEach(
    nodes: readonly ScriptNode[],
    title: string,
    step: (node: ScriptNode) => string | undefined,
  ): string | undefined {
    if (nodes.length === 1) return step(nodes[0]);
    for (const node of nodes) {
      const error = this.#titled(`${node.id} ${title}`, () => step(node));
      if (error !== undefined) return error;
    }
    return undefined;
  }

  #titled<T>(title: string, run: () => T): T {
    this.output.write(`> ${title}\n`);
    return this.output.indented(run);
  }
}

/** Messages between a node and its own storage never get lost. */
function isLocal(message: Message): boolean {
  return message.from === message.to || isLocalTarget(message.from) || isLocalTarget(message.to);
}
