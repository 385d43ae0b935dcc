/**
 * A member's end of the network over HTTP.
 *
 * Source: etcd server/etcdserver/api/rafthttp (transport.go).
 */
import type { HttpServerRequest } from "../ports/http.ts";
import type { Message } from "../wire/gen/raft.ts";
import { EntriesFrames } from "./append-stream.ts";
import { Inbox } from "./inbox.ts";
import { formatId } from "./member-id.ts";
import { messageTypeName } from "./message-name.ts";
import type { LocalPeer, PeerReceiver, SnapshotSource, Transport } from "./network.ts";
import type { PeerOptions } from "./options.ts";
import { Peer } from "./peer.ts";
import { RaftRoutes } from "./raft-routes.ts";
import { Remotes } from "./remotes.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";

export class HttpTransport implements Transport {
  readonly #self: LocalPeer;
  readonly #options: PeerOptions;
  readonly #receiver: PeerReceiver;
  readonly #inbox: Inbox;
  readonly #remotes: Remotes;
  readonly #snapshots: SnapshotReceiver;
  readonly #routes: RaftRoutes;
  readonly #frames = new EntriesFrames();
  readonly #peers = new Map<bigint, Peer>();
  /** Peers for whom messages were dropped, of which Raft is told a moment later. */
  readonly #unreachable = new Set<bigint>();
  #stopped = false;

  constructor(self: LocalPeer, receiver: PeerReceiver, options: PeerOptions) {
    const { clock, log, metrics } = options;
    const told = whileRunning(receiver, () => !this.#stopped);
    this.#self = self;
    this.#options = options;
    this.#receiver = told;
    this.#inbox = new Inbox(self, told, options);
    this.#remotes = new Remotes(self, options, told);
    this.#snapshots = new SnapshotReceiver({
      self,
      receiver: told,
      inbox: this.#inbox,
      clock,
      log,
      metrics,
    });
    this.#routes = new RaftRoutes({
      self,
      receiver: told,
      options,
      inbox: this.#inbox,
      remotes: this.#remotes,
      snapshots: this.#snapshots,
      peers: this.#peers,
    });
  }

  /** Answers a request that came in for this member; false when it was stopped. */
  serve(request: HttpServerRequest): boolean {
    if (this.#stopped) return false;
    this.#routes.serve(request);
    return true;
  }

  setPeer(id: bigint, peerUrls: readonly string[]): void {
    if (this.#stopped) return;
    const known = this.#peers.get(id);
    if (known !== undefined) {
      if (!known.update(peerUrls)) return;
      this.#options.log.info("updated remote peer", {
        "local-member-id": formatId(this.#self.id),
        "updated-remote-peer-id": formatId(id),
        "updated-remote-peer-urls": [...peerUrls],
      });
      return;
    }
    this.#remotes.forget(id);
    const peer = new Peer({
      self: this.#self,
      peerId: id,
      urls: peerUrls,
      options: this.#options,
      receiver: this.#receiver,
      inbox: this.#inbox,
      frames: this.#frames,
    });
    this.#peers.set(id, peer);
    this.#options.log.info("added remote peer", {
      "local-member-id": formatId(this.#self.id),
      "remote-peer-id": formatId(id),
      "remote-peer-urls": [...peerUrls],
    });
  }

  removePeer(id: bigint): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    peer.stop();
    this.#peers.delete(id);
    this.#options.log.info("removed remote peer", {
      "local-member-id": formatId(this.#self.id),
      "removed-remote-peer-id": formatId(id),
    });
  }

  send(messages: readonly Message[]): void {
    if (this.#stopped) return;
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i];
      const peer = this.#peers.get(message.to);
      if (peer !== undefined) {
        if (!peer.send(message)) this.#reportUnreachable(message.to);
      } else if (!this.#remotes.send(message)) {
        this.#options.log.debug("ignored message send request; unknown remote peer target", {
          type: messageTypeName(message.type),
          "unknown-target-peer-id": formatId(message.to),
        });
      }
    }
    for (const peer of this.#peers.values()) peer.flush();
  }

  sendSnapshot(message: Message, database: SnapshotSource): void {
    const peer = this.#peers.get(message.to);
    if (peer !== undefined && !this.#stopped) {
      peer.sendSnapshot(message, database);
      return;
    }
    database.close();
    this.#options.clock.defer(() => this.#receiver.onSnapshotSent(message.to, false));
  }

  activeSinceMs(id: bigint): number | undefined {
    return this.#peers.get(id)?.activeSinceMs;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#remotes.stop();
    this.#snapshots.stop();
    for (const peer of this.#peers.values()) peer.stop();
    this.#peers.clear();
  }

  #reportUnreachable(id: bigint): void {
    if (this.#unreachable.size === 0) {
      this.#options.clock.defer(() => {
        for (const lost of this.#unreachable) this.#receiver.onUnreachable(lost);
        this.#unreachable.clear();
      });
    }
    this.#unreachable.add(id);
  }
}

/** `receiver`, which is told nothing any more once `isRunning` says no. */
function whileRunning(receiver: PeerReceiver, isRunning: () => boolean): PeerReceiver {
  return {
    onMessage(message) {
      if (isRunning()) receiver.onMessage(message);
    },
    onSnapshot: (message) => receiver.onSnapshot(message),
    onUnreachable(id) {
      if (isRunning()) receiver.onUnreachable(id);
    },
    onSnapshotSent(id, delivered) {
      if (isRunning()) receiver.onSnapshotSent(id, delivered);
    },
    onRemoved() {
      if (isRunning()) receiver.onRemoved();
    },
    isRemoved: (id) => receiver.isRemoved(id),
    onRequest: (request, respond) => receiver.onRequest(request, respond),
  };
}
