/**
 * Takes in a database that another member sends, as fast as the disk takes it: the message that it stands for
 * comes first, Raft is told when all of it is durable.
 *
 * Source: etcd server/etcdserver/api/rafthttp (snapshotHandler in http.go).
 */
import type { Clock } from "../ports/clock.ts";
import type { HttpBodyHandler, HttpServerRequest } from "../ports/http.ts";
import type { Log, LogFields } from "../ports/log.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import { goDurationOfMs } from "../stdx/go-duration.ts";
import { humanBytes } from "../stdx/humanize.ts";
import { encodeMessage, MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { WireError } from "../wire/wire-error.ts";
import { clusterHeader } from "./headers.ts";
import type { Inbox } from "./inbox.ts";
import { SNAPSHOTS_RECEIVED_MAX } from "./limits.ts";
import { formatId } from "./member-id.ts";
import { LeadingMessage } from "./message-stream.ts";
import type { PeerMetrics } from "./metrics.ts";
import type { LocalPeer, PeerReceiver, SnapshotSink } from "./network.ts";
import { answerFailure, answerRefusal } from "./responses.ts";
import { StreamError } from "./stream-codec.ts";
import { TransferCounts } from "./transfer-counts.ts";

export interface SnapshotReceiverParts {
  readonly self: LocalPeer;
  readonly receiver: PeerReceiver;
  readonly inbox: Inbox;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: PeerMetrics;
}

/** All databases that come in at this member. */
export class SnapshotReceiver {
  readonly #parts: SnapshotReceiverParts;
  readonly #underWay = new Set<IncomingSnapshot>();

  constructor(parts: SnapshotReceiverParts) {
    this.#parts = parts;
  }

  receive(request: HttpServerRequest): void {
    if (this.#underWay.size >= SNAPSHOTS_RECEIVED_MAX) {
      this.#parts.log.warn("refused database snapshot: others are being received", {
        "local-member-id": formatId(this.#parts.self.id),
        "remote-address": request.peer.address,
      });
      answerFailure(
        request,
        503,
        "too many snapshots are being received",
        clusterHeader(this.#parts.self),
      );
      return;
    }
    const incoming = new IncomingSnapshot(this.#parts, request, () =>
      this.#underWay.delete(incoming),
    );
    this.#underWay.add(incoming);
    request.readBody(incoming);
  }

  stop(): void {
    for (const incoming of this.#underWay) incoming.stop();
    this.#underWay.clear();
  }
}

class IncomingSnapshot implements HttpBodyHandler {
  readonly #parts: SnapshotReceiverParts;
  readonly #request: HttpServerRequest;
  readonly #onOver: () => void;
  readonly #startMs: number;
  readonly #head = new LeadingMessage();
  /** From the moment when it is known whose it is. */
  #counts: TransferCounts | undefined;
  #from = "";
  #sink: SnapshotSink | undefined;
  #fields: LogFields;
  #bytes = 0;
  /** A chunk is being written, and no other comes meanwhile. */
  #isWriting = false;
  /** Chunks that were on their way when reading was paused. */
  readonly #arrived: Uint8Array[] = [];
  #isComplete = false;
  #isOver = false;
  /** Why the sink is to forget what it has, once the call of it that is under way has ended. */
  #abortReason: string | undefined;

  constructor(parts: SnapshotReceiverParts, request: HttpServerRequest, onOver: () => void) {
    this.#parts = parts;
    this.#request = request;
    this.#onOver = onOver;
    this.#startMs = parts.clock.nowMs();
    this.#fields = { "local-member-id": formatId(parts.self.id) };
  }

  stop(): void {
    if (this.#isOver) return;
    this.#over();
    this.#abort("the member stops");
    this.#request.destroy();
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#sink !== undefined) {
      this.#arrived.push(bytes);
      this.#write();
      return;
    }
    try {
      const head = this.#head.decode(bytes);
      if (head !== undefined) this.#begin(head.message, head.rest);
    } catch (error) {
      if (!(error instanceof StreamError || error instanceof WireError)) throw error;
      this.#refuseHead(error.message);
    }
  }

  onEnd(): void {
    this.#isComplete = true;
    if (this.#isOver) return;
    if (this.#sink === undefined) this.#refuseHead("unexpected EOF");
    else this.#write();
  }

  onFailed(reason: Error): void {
    if (this.#isOver || this.#isComplete) return;
    if (this.#sink === undefined) this.#refuseHead(reason.message);
    else this.#failedToSave(reason.message);
  }

  #begin(message: Message, rest: Uint8Array): void {
    const { log, self, inbox, receiver } = this.#parts;
    const { snapshot } = message;
    const who = {
      "local-member-id": formatId(self.id),
      "remote-snapshot-sender-id": formatId(message.from),
    };
    this.#fields = who;
    if (message.type !== MessageType.MsgSnap || snapshot === undefined) {
      log.warn("unexpected Raft message type", { ...who, "message-type": message.type });
      this.#end(400, "wrong raft message type");
      return;
    }
    const refusal = inbox.check(message);
    if (refusal !== undefined) {
      this.#over();
      answerRefusal(this.#request, refusal, clusterHeader(self));
      return;
    }
    const size = encodeMessage(message).length;
    this.#fields = { ...who, "incoming-snapshot-index": snapshot.metadata.index };
    log.info("receiving database snapshot", {
      ...this.#fields,
      "incoming-snapshot-message-size-bytes": size,
      "incoming-snapshot-message-size": humanBytes(size),
    });
    const { metrics, clock } = this.#parts;
    this.#from = formatId(message.from);
    metrics.receivedBytes.child(this.#from).add(size);
    this.#counts = new TransferCounts(metrics.snapshotsReceived, this.#from, clock);
    this.#sink = receiver.onSnapshot(message);
    if (rest.length > 0) this.#arrived.push(rest);
    this.#write();
  }

  /** Writes what has arrived, one chunk at a time; nothing is read meanwhile. */
  #write(): void {
    if (this.#isWriting) return;
    const chunk = this.#arrived.shift();
    if (chunk === undefined) {
      if (this.#isComplete) this.#finish();
      else this.#request.resume();
      return;
    }
    this.#isWriting = true;
    this.#request.pause();
    this.#bytes += chunk.length;
    this.#sink?.write(chunk, (failure) => {
      this.#isWriting = false;
      if (this.#abortReason !== undefined) this.#abort(this.#abortReason);
      if (this.#isOver) return;
      if (failure === undefined) this.#write();
      else this.#failedToSave(failure.message);
    });
  }

  #finish(): void {
    const { log, clock } = this.#parts;
    const sink = this.#sink;
    this.#sink = undefined;
    this.#isWriting = true;
    sink?.finish((failure) => {
      if (this.#isOver) return;
      if (failure !== undefined) {
        const error = failure.message;
        log.warn("failed to process Raft message", { ...this.#fields, error });
        this.#end(500, `failed to process raft message (${error})`);
        return;
      }
      log.info("received and saved database snapshot", {
        ...this.#fields,
        "incoming-snapshot-size-bytes": this.#bytes,
        "incoming-snapshot-size": humanBytes(this.#bytes),
        "download-took": goDurationOfMs(clock.nowMs() - this.#startMs),
      });
      this.#parts.metrics.receivedBytes.child(this.#from).add(this.#bytes);
      this.#counts?.succeeded();
      this.#over();
      this.#request.respond(204, clusterHeader(this.#parts.self), EMPTY_BYTES);
    });
  }

  #refuseHead(error: string): void {
    this.#parts.log.warn("failed to decode Raft message", { ...this.#fields, error });
    this.#end(400, `failed to decode raft message (${error})`);
  }

  #failedToSave(error: string): void {
    this.#parts.log.warn("failed to save incoming database snapshot", { ...this.#fields, error });
    this.#abort(error);
    this.#end(500, `failed to save KV snapshot (${error})`);
  }

  #abort(reason: string): void {
    if (this.#isWriting) {
      this.#abortReason = reason;
      return;
    }
    this.#abortReason = undefined;
    this.#sink?.abort(reason);
    this.#sink = undefined;
  }

  #end(status: number, text: string): void {
    this.#counts?.failed();
    this.#over();
    answerFailure(this.#request, status, text, clusterHeader(this.#parts.self));
  }

  #over(): void {
    this.#isOver = true;
    this.#counts?.ended();
    this.#onOver();
  }
}
