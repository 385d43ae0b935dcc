/**
 * One other member of the cluster, as this one reaches it: two streams that the peer opens to us and that we
 * send on, two that we open to it and read, and requests for when a stream is missing.
 *
 * Source: etcd server/etcdserver/api/rafthttp (peer.go).
 */
import type { HttpResponseStream, HttpStreamHandler } from "../ports/http.ts";
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { AppendDecoder, AppendEncoder, type EntriesFrames } from "./append-stream.ts";
import type { Inbox } from "./inbox.ts";
import { formatId } from "./member-id.ts";
import { MessageDecoder, messageEncoder } from "./message-stream.ts";
import { messageTypeName } from "./message-name.ts";
import type { LocalPeer, PeerReceiver, SnapshotSource } from "./network.ts";
import type { PeerOptions } from "./options.ts";
import { PeerStatus } from "./peer-status.ts";
import { Pipeline } from "./pipeline.ts";
import { Prober } from "./prober.ts";
import { SilenceWatch } from "./silence-watch.ts";
import { SnapshotSender } from "./snapshot-sender.ts";
import type { StreamKind } from "./stream-kind.ts";
import { StreamReader } from "./stream-reader.ts";
import { StreamWriter } from "./stream-writer.ts";
import { UnansweredVotes } from "./unanswered-votes.ts";
import { UrlPicker } from "./url-picker.ts";

export interface PeerParts {
  readonly self: LocalPeer;
  readonly peerId: bigint;
  readonly urls: readonly string[];
  readonly options: PeerOptions;
  readonly receiver: PeerReceiver;
  readonly inbox: Inbox;
  readonly frames: EntriesFrames;
}

export class Peer {
  readonly #parts: PeerParts;
  readonly #picker: UrlPicker;
  readonly #status: PeerStatus;
  readonly #pipeline: Pipeline;
  readonly #snapshots: SnapshotSender;
  readonly #writers: Readonly<Record<StreamKind, StreamWriter>>;
  readonly #readers: Readonly<Record<StreamKind, StreamReader>>;
  readonly #silence: SilenceWatch;
  readonly #votes = new UnansweredVotes();
  #urls: readonly string[];
  #probers: readonly Prober[];

  constructor(parts: PeerParts) {
    const { self, peerId, urls, options, receiver, inbox, frames } = parts;
    const { log, clock } = options;
    log.info("starting remote peer", { "remote-peer-id": formatId(peerId) });
    this.#parts = parts;
    this.#urls = urls;
    const picker = new UrlPicker(urls);
    const status = new PeerStatus(self.id, peerId, options);
    this.#picker = picker;
    this.#status = status;
    const ways = { self, peerId, options, picker, status, receiver };
    this.#pipeline = new Pipeline(ways);
    const writer = {
      localId: self.id,
      peerId,
      status,
      clock,
      log,
      heartbeatMs: options.readTimeoutMs / 3,
      sentBytes: options.metrics.sentBytes.child(formatId(peerId)),
      onLost: () => receiver.onUnreachable(peerId),
    };
    this.#writers = {
      append: new StreamWriter({
        ...writer,
        kind: "append",
        createEncoder: () => new AppendEncoder(frames),
      }),
      message: new StreamWriter({
        ...writer,
        kind: "message",
        createEncoder: () => messageEncoder,
      }),
    };
    this.#snapshots = new SnapshotSender(ways);
    const onHeard = (): void => this.#silence.heard();
    const receivedBytes = options.metrics.receivedBytes.child(formatId(peerId));
    this.#readers = {
      append: new StreamReader({
        ...ways,
        kind: "append",
        ...{ inbox, onHeard, receivedBytes },
        createDecoder: () => new AppendDecoder(self.id, peerId),
      }),
      message: new StreamReader({
        ...ways,
        kind: "message",
        ...{ inbox, onHeard, receivedBytes },
        createDecoder: () => new MessageDecoder(),
      }),
    };
    this.#silence = new SilenceWatch(clock, writer.heartbeatMs, () => {
      this.#readers.append.silent();
      this.#readers.message.silent();
    });
    this.#readers.append.start();
    this.#readers.message.start();
    this.#probers = this.#createProbers(urls);
    log.info("started remote peer", { "remote-peer-id": formatId(peerId) });
  }

  get activeSinceMs(): number | undefined {
    return this.#status.activeSinceMs;
  }

  /** Reports whether the URLs are other ones. */
  update(urls: readonly string[]): boolean {
    if (urls.join() === this.#urls.join()) return false;
    this.#urls = urls;
    this.#picker.update(urls);
    for (const prober of this.#probers) prober.stop();
    this.#probers = this.#createProbers(urls);
    return true;
  }

  /** Sends what `send` has taken. */
  flush(): void {
    this.#writers.append.flush();
    this.#writers.message.flush();
  }

  /** Takes a message that is no MsgSnap, to be sent by `flush`. False when there is no room for it. */
  send(message: Message): boolean {
    this.#votes.sent(message);
    const { append, message: others } = this.#writers;
    const [way, name] =
      append.isAttached && message.type === MessageType.MsgApp
        ? [append, "streamMsgAppV2"]
        : others.isAttached
          ? [others, "streamMsg"]
          : [this.#pipeline, "pipeline"];
    if (way.send(message)) return true;
    this.#parts.options.metrics.sentFailures.child(formatId(message.to)).inc();
    this.#logDropped(message, name);
    return false;
  }

  sendSnapshot(message: Message, database: SnapshotSource): void {
    this.#snapshots.send(message, database);
  }

  /** Who is told of what happens on a stream that the peer opened. */
  handlerOf(kind: StreamKind): HttpStreamHandler {
    return this.#writers[kind];
  }

  /** The peer opened a stream. */
  attach(kind: StreamKind, stream: HttpResponseStream): void {
    const writer = this.#writers[kind];
    writer.attach(stream);
    if (kind === "append") return;
    for (const message of this.#votes.messages()) writer.send(message);
    writer.flush();
  }

  /** For good. */
  stop(): void {
    const { options, peerId } = this.#parts;
    options.log.info("stopping remote peer", { "remote-peer-id": formatId(peerId) });
    this.#silence.stop();
    for (const prober of this.#probers) prober.stop();
    this.#writers.append.stop();
    this.#writers.message.stop();
    this.#pipeline.stop();
    this.#snapshots.stop();
    this.#readers.append.stop();
    this.#readers.message.stop();
    this.#status.stop();
    options.log.info("stopped remote peer", { "remote-peer-id": formatId(peerId) });
  }

  #createProbers(urls: readonly string[]): readonly Prober[] {
    const { peerId, options } = this.#parts;
    return [new Prober("kept", peerId, urls, options), new Prober("fresh", peerId, urls, options)];
  }

  #logDropped({ type, from }: Message, way: string): void {
    const { self, peerId, options } = this.#parts;
    options.log.warn(
      "dropped internal Raft message since sending buffer is full (overloaded network)",
      {
        "message-type": messageTypeName(type),
        "local-member-id": formatId(self.id),
        from: formatId(from),
        "remote-peer-id": formatId(peerId),
        "remote-peer-name": way,
        "remote-peer-active": this.#status.isActive,
      },
    );
  }
}
