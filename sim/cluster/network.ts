/**
 * The network between simulated members: the port `PeerNetwork` over wires that lose, delay and repeat.
 * Messages are encoded and decoded on their way, so members share no memory, and the codec is exercised.
 *
 * Like the real protocol it tells a sender that a peer is unreachable when nobody listens there, and, a while
 * after a wire was cut, that the connection is gone; what is lost before that is lost without a word. A
 * member that the receiver knows as removed is told so.
 */
import { formatId } from "../../src/membership/member-info.ts";
import type {
  LocalPeer,
  PeerNetwork,
  PeerReceiver,
  PeerRequest,
  PeerResponse,
  SnapshotSource,
  Transport,
} from "../../src/peer/network.ts";
import {
  decodeMessage,
  encodeMessage,
  type Message,
  MessageType,
} from "../../src/wire/gen/raft.ts";
import type { EventLoop } from "./event-loop.ts";
import type { Links } from "./links.ts";
import type { Process } from "./process.ts";
import { SnapshotTransfer } from "./snapshot-transfer.ts";

/** Microseconds between two reports about the same peer. */
const UNREACHABLE_INTERVAL_US = 50_000;

const PROBE_US = 1_000_000;

/** Microseconds until a connection to nobody is refused. */
const REFUSED_US = 300;

export class SimulatedNetwork {
  readonly loop: EventLoop;
  readonly links: Links;
  /** Who listens on which peer URL. */
  readonly #listening = new Map<string, PeerEnd>();
  /** Which machine a URL belongs to. */
  readonly #places = new Map<string, number>();
  /** Sees every message of Raft when it is sent. */
  onSend: ((message: Message) => void) | undefined;
  readonly counts = { snapshotsSent: 0, snapshotsDelivered: 0, snapshotBytes: 0, calls: 0 };

  constructor(loop: EventLoop, links: Links) {
    this.loop = loop;
    this.links = links;
  }

  /** Members dial each other again and again: who was removed is told, also if it has nothing to say. */
  probe(): void {
    for (const end of this.#listening.values()) if (end.isOpen) end.dialPeers();
    this.loop.after(PROBE_US, () => this.probe());
  }

  /** A machine is reached by this URL from now on. */
  place(url: string, machine: number): void {
    this.#places.set(url, machine);
  }

  /** The network as a process on a machine sees it. */
  seenFrom(machine: number, process: Process): PeerNetwork {
    return {
      join: (self, receiver) => {
        const end = new PeerEnd(this, machine, process, self, receiver);
        for (const url of self.peerUrls) this.#listening.set(url, end);
        return end;
      },
      call: (url, request, timeoutMs, done) =>
        this.#call({ machine, process }, url, request, timeoutMs, done),
    };
  }

  /** Who answers on one of the URLs; `undefined` when nobody does. */
  listener(urls: readonly string[]): PeerEnd | undefined {
    for (const url of urls) {
      const end = this.#listening.get(url);
      if (end?.isOpen === true) return end;
    }
    return undefined;
  }

  #call(
    caller: { readonly machine: number; readonly process: Process },
    url: string,
    request: PeerRequest,
    timeoutMs: number,
    done: (answer: PeerResponse | Error) => void,
  ): void {
    const { loop, links } = this;
    this.counts.calls++;
    let isOver = false;
    const finish = (answer: PeerResponse | Error): void => {
      if (isOver || caller.process.state === "dead") return;
      isOver = true;
      done(answer);
    };
    caller.process.after(timeoutMs, () =>
      finish(new Error(`Get "${url}": context deadline exceeded`)),
    );
    const place = this.#places.get(url);
    const target = this.listener([url]);
    if (place === undefined || target === undefined) {
      const refused = (): void => finish(new Error(`Get "${url}": connect: connection refused`));
      loop.after(REFUSED_US, refused, caller.process);
      return;
    }
    const ask = (): void => {
      const answer = (): void =>
        target.receiver.onRequest(request, (response) => {
          const headers = {
            ...response.headers,
            "X-Etcd-Cluster-ID": formatId(target.self.clusterId),
          };
          const arrive = (): void => {
            loop.after(0, () => finish({ ...response, headers }), caller.process);
          };
          links.carry(place, caller.machine, arrive, false);
        });
      if (target.isOpen) loop.after(0, answer, target.process);
    };
    links.carry(caller.machine, place, ask, false);
  }
}

export class PeerEnd implements Transport {
  readonly network: SimulatedNetwork;
  readonly machine: number;
  readonly process: Process;
  readonly self: LocalPeer;
  readonly receiver: PeerReceiver;
  readonly #peers = new Map<bigint, readonly string[]>();
  readonly #reportedUs = new Map<bigint, number>();
  readonly #startedUs: number;
  #isStopped = false;

  constructor(
    network: SimulatedNetwork,
    machine: number,
    process: Process,
    self: LocalPeer,
    receiver: PeerReceiver,
  ) {
    this.network = network;
    this.machine = machine;
    this.process = process;
    this.self = self;
    this.receiver = receiver;
    this.#startedUs = network.loop.nowUs;
  }

  get isOpen(): boolean {
    return !this.#isStopped && this.process.state !== "dead";
  }

  setPeer(id: bigint, peerUrls: readonly string[]): void {
    this.#peers.set(id, peerUrls);
  }

  removePeer(id: bigint): void {
    this.#peers.delete(id);
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) this.#send(message);
  }

  sendSnapshot(message: Message, database: SnapshotSource): void {
    const target = this.#targetOf(message.to);
    this.network.onSend?.(message);
    this.network.counts.snapshotsSent++;
    if (target === undefined) {
      database.close();
      this.network.loop.after(REFUSED_US, () => this.snapshotSent(message.to, false), this.process);
      return;
    }
    new SnapshotTransfer(this, target, message, database).start();
  }

  activeSinceMs(id: bigint): number | undefined {
    const target = this.#targetOf(id);
    const { links, loop } = this.network;
    if (target === undefined || links.isKnownCut(this.machine, target.machine)) return undefined;
    const sinceUs = Math.max(
      this.#startedUs,
      target.#startedUs,
      links.wholeSinceUs(this.machine, target.machine),
    );
    return this.process.nowMs() - (loop.nowUs - sinceUs) / 1000;
  }

  dialPeers(): void {
    const { links } = this.network;
    for (const id of this.#peers.keys()) {
      const target = this.#targetOf(id);
      if (target?.process.state === "running" && !links.isCut(this.machine, target.machine)) {
        target.refuses(this);
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Tells the member, in an event of its own. */
  snapshotSent(id: bigint, delivered: boolean): void {
    if (delivered) this.network.counts.snapshotsDelivered++;
    if (this.isOpen) this.receiver.onSnapshotSent(id, delivered);
  }

  /** Whether this end refuses what `sender` sends; tells the sender when it was removed. */
  refuses(sender: PeerEnd): boolean {
    const { id, clusterId, peerUrls } = sender.self;
    if (this.self.clusterId !== clusterId) return true;
    if (!this.receiver.isRemoved(id)) {
      // Who joined after what this member knows says itself where it is to be answered.
      if (!this.#peers.has(id)) this.#peers.set(id, peerUrls);
      return false;
    }
    this.network.loop.after(
      REFUSED_US,
      () => {
        if (sender.isOpen) sender.receiver.onRemoved();
      },
      sender.process,
    );
    return true;
  }

  #send(message: Message): void {
    const { loop, links } = this.network;
    this.network.onSend?.(message);
    const target = this.#targetOf(message.to);
    if (target === undefined || links.isKnownCut(this.machine, target.machine)) {
      this.#reportUnreachable(message.to);
      return;
    }
    const bytes = encodeMessage(message);
    // A forwarded proposal that came twice would be applied twice. The real protocol writes each message once,
    // and a connection repeats nothing; all others Raft takes as often as they come.
    const mayRepeat = message.type !== MessageType.MsgProp;
    const arrive = (): void => {
      if (!target.isOpen) {
        this.#reportUnreachable(message.to);
        return;
      }
      // Decoded when it is taken: a repeated message is a message of its own.
      const take = (): void => {
        if (target.isOpen && !target.refuses(this)) target.receiver.onMessage(decodeMessage(bytes));
      };
      loop.after(0, take, target.process);
    };
    links.carry(this.machine, target.machine, arrive, mayRepeat);
  }

  /** The member `id` as it runs now. */
  #targetOf(id: bigint): PeerEnd | undefined {
    const urls = this.#peers.get(id);
    const end = urls === undefined ? undefined : this.network.listener(urls);
    return end?.self.id === id ? end : undefined;
  }

  #reportUnreachable(id: bigint): void {
    const { loop } = this.network;
    const lastUs = this.#reportedUs.get(id) ?? Number.NEGATIVE_INFINITY;
    if (loop.nowUs - lastUs < UNREACHABLE_INTERVAL_US) return;
    this.#reportedUs.set(id, loop.nowUs);
    const report = (): void => {
      if (this.isOpen) this.receiver.onUnreachable(id);
    };
    loop.after(REFUSED_US, report, this.process);
  }
}
