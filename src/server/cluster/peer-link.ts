/**
 * A member and its peers: what Raft wants sent goes to the transport, what arrives goes to Raft.
 *
 * Messages arrive in the middle of a turn of the event loop and are taken at once; what follows from all of
 * them is done together in the next turn of the run loop.
 */
import type { Member } from "../../member/member.ts";
import type { Cluster } from "../../membership/cluster.ts";
import type { MembershipChange } from "../../membership/conf-change.ts";
import type { MemberInfo } from "../../membership/member-info.ts";
import type {
  LocalPeer,
  PeerNetwork,
  PeerReceiver,
  PeerRequest,
  PeerResponse,
  SnapshotSink,
  Transport,
} from "../../peer/network.ts";
import type { Message } from "../../wire/gen/raft.ts";
import { answerPeer, type PeerEndpoints } from "./peer-endpoints.ts";
import type { SnapshotReceiver } from "../storage/snapshot-receiver.ts";
import type { SnapshotSender } from "../storage/snapshot-sender.ts";

export interface PeerLinkParts {
  readonly member: Member;
  readonly network: PeerNetwork;
  readonly self: LocalPeer;
  readonly endpoints: PeerEndpoints;
  readonly snapshots: SnapshotSender;
  readonly receiver: SnapshotReceiver;
  /** Called after the member was given something. */
  readonly poke: () => void;
  /** A peer says that this member was removed from the cluster for good. */
  readonly onRemoved: () => void;
  /** This member has applied its own removal: it should stop soon, once the others can know of it. */
  readonly onRemovalApplied: () => void;
}

export class PeerLink implements PeerReceiver {
  readonly #parts: PeerLinkParts;
  readonly transport: Transport;
  #isStarted = false;

  constructor(parts: PeerLinkParts) {
    this.#parts = parts;
    this.transport = parts.network.join(parts.self, this);
  }

  /**
   * Begins to reach the members that this one knows of at its start, and `remotes`, of which it was told while
   * its log does not name anybody yet.
   */
  start(remotes: readonly MemberInfo[]): void {
    this.#isStarted = true;
    const known = this.#parts.member.applier.cluster.members();
    for (const { id, peerUrls } of [...remotes, ...known]) {
      if (id !== this.#parts.self.id) this.transport.setPeer(id, peerUrls);
    }
  }

  /** The membership has changed: from here on these members are reached differently, or not at all. */
  follow(changes: readonly MembershipChange[]): void {
    for (const change of changes) {
      const id = "id" in change ? change.id : change.member.id;
      if (change.kind === "remove") {
        if (id === this.#parts.self.id) this.#parts.onRemovalApplied();
        else this.transport.removePeer(id);
      } else if (change.kind !== "promote" && id !== this.#parts.self.id) {
        this.transport.setPeer(id, change.member.peerUrls);
      }
    }
  }

  /** The membership was replaced as a whole. */
  replaceMembers(previous: Cluster, next: Cluster): void {
    for (const { id } of previous.members()) {
      if (next.member(id) === undefined) this.transport.removePeer(id);
    }
    for (const { id, peerUrls } of next.members()) {
      if (id !== this.#parts.self.id) this.transport.setPeer(id, peerUrls);
    }
  }

  /** Sends what Raft has for other members. */
  send(messages: readonly Message[]): void {
    if (messages.length > 0) this.transport.send(messages);
  }

  /** Answers Raft's requests for snapshots. */
  sendSnapshots(requests: readonly Message[]): void {
    if (requests.length > 0) this.#parts.snapshots.send(requests);
  }

  /**
   * Before the start it is dropped: a member whose time does not pass yet would take the leader of a message for
   * alive, and refuse its vote to others until it has started.
   */
  onMessage(message: Message): void {
    if (!this.#isStarted) return;
    this.#parts.member.step(message);
    this.#parts.poke();
  }

  onSnapshot(message: Message): SnapshotSink {
    return this.#parts.receiver.receive(message);
  }

  onUnreachable(id: bigint): void {
    this.#parts.member.reportUnreachable(id);
    this.#parts.poke();
  }

  onSnapshotSent(id: bigint, delivered: boolean): void {
    this.#parts.snapshots.sent(id, delivered);
  }

  onRemoved(): void {
    this.#parts.onRemoved();
  }

  isRemoved(id: bigint): boolean {
    return this.#parts.member.applier.cluster.isRemoved(id);
  }

  onRequest(request: PeerRequest, respond: (response: PeerResponse) => void): void {
    answerPeer(this.#parts.endpoints, request, respond);
    this.#parts.poke();
  }

  stop(): void {
    this.transport.stop();
  }
}
