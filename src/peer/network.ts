/**
 * How the members of a cluster reach each other, as types. Two implementations: this folder's, etcd's peer
 * protocol over HTTP, and the simulator's network, which loses, delays and repeats.
 *
 * Nothing here waits: what cannot be sent is dropped, and the receiver of reports is told; Raft sends it
 * again. No callback is ever called from inside the method that was given it, nor after `stop`.
 */
import type { Message } from "../wire/gen/raft.ts";

/** Who a member is to its peers. */
export interface LocalPeer {
  readonly id: bigint;
  readonly clusterId: bigint;
  /** Advertised peer URLs: for those that do not know this member yet. */
  readonly peerUrls: readonly string[];
}

/** One member's end of the network. */
export interface Transport {
  /** Begins to reach a member, or takes over its new URLs. Several URLs are tried in turn. */
  setPeer(id: bigint, peerUrls: readonly string[]): void;
  /** Gives up a member: closes what is open to it, drops what waits for it. */
  removePeer(id: bigint): void;
  /**
   * Sends messages of Raft, each to its `to`; none of them is a MsgSnap. Keeps them, they must not change
   * afterwards. What cannot be sent now is dropped and reported by `onUnreachable`.
   */
  send(messages: readonly Message[]): void;
  /**
   * Sends a MsgSnap together with the database that it stands for. `onSnapshotSent` is called once.
   * Takes over `database` and closes it in the end.
   */
  sendSnapshot(message: Message, database: SnapshotSource): void;
  /** When the peer began to answer, on the monotonic clock; `undefined` while it does not. */
  activeSinceMs(id: bigint): number | undefined;
  /** Ends all that is open or under way. */
  stop(): void;
}

/** A database that is read from front to back. */
export interface SnapshotSource {
  /** Bytes in all. */
  readonly bytes: number;
  /** Hands the next bytes, borrowed until the next call; `undefined` at the end. One call at a time. */
  next(done: (chunk: Uint8Array | undefined | Error) => void): void;
  close(): void;
}

/** Where a database that arrives goes. One call at a time; after `finish` or `abort` none. */
export interface SnapshotSink {
  /** Writes bytes, borrowed until `done`. */
  write(chunk: Uint8Array, done: (failure: Error | undefined) => void): void;
  /** All bytes are there: makes them durable and hands the message to Raft. */
  finish(done: (failure: Error | undefined) => void): void;
  /** The rest will not come: forgets what was written. */
  abort(reason: string): void;
}

/** What a member's end of the network tells it. */
export interface PeerReceiver {
  /** A message of Raft arrived. It is the receiver's from now on. */
  onMessage(message: Message): void;
  /** A MsgSnap arrives together with its database. */
  onSnapshot(message: Message): SnapshotSink;
  /** Messages for this member are being dropped. */
  onUnreachable(id: bigint): void;
  /** The snapshot for this member was taken over by it, or not. */
  onSnapshotSent(id: bigint, delivered: boolean): void;
  /** A peer says that this member was removed from the cluster for good. */
  onRemoved(): void;
  /** Whether this member was removed from the cluster for good: nothing is taken from it. */
  isRemoved(id: bigint): boolean;
  /** A request that is not Raft's. `respond` is called once. */
  onRequest(request: PeerRequest, respond: (response: PeerResponse) => void): void;
}

/** A request between members beside Raft, such as "GET /members": see docs on the peer URLs. */
export interface PeerRequest {
  readonly method: "GET" | "POST";
  /** Such as "/members/hashkv"; there are no queries. */
  readonly path: string;
  /** Empty for none. */
  readonly contentType: string;
  readonly body: Uint8Array;
  /** That of the user in whose name it is asked; absent for none. */
  readonly token?: string;
  /** The cluster that is meant: a member of another one answers 412. Whoever listens when absent. */
  readonly clusterId?: bigint;
}

export interface PeerResponse {
  readonly status: number;
  /** Beside the cluster id and the length, which are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Asks whoever listens on a peer URL; possible before this member belongs to a cluster. */
export interface PeerCaller {
  /**
   * Sends a request to the member behind `url`; `done` is called once, after `timeoutMs` at the latest, with
   * the response, whatever its status, or with why there is none. Responses are bounded (`limits.ts`).
   */
  call(
    url: string,
    request: PeerRequest,
    timeoutMs: number,
    done: (answer: PeerResponse | Error) => void,
  ): void;
}

/** The network as a member finds it at start. */
export interface PeerNetwork extends PeerCaller {
  /** Takes part as `self`: from here on `receiver` is told. Once per member. */
  join(self: LocalPeer, receiver: PeerReceiver): Transport;
}
