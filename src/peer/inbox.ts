/**
 * Where messages of Raft from other members come in, whichever way they took.
 *
 * Source: etcd server/etcdserver/server.go (Process).
 */
import type { Log } from "../ports/log.ts";
import type { Counter } from "../stdx/metrics/counter.ts";
import type { Family } from "../stdx/metrics/family.ts";
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { formatId } from "./member-id.ts";
import type { LocalPeer, PeerReceiver } from "./network.ts";
import type { PeerOptions } from "./options.ts";

/** Why a message is not taken, and the status of HTTP that says it. */
export interface Refusal {
  readonly status: 403 | 500;
  readonly text: string;
}

const FROM_REMOVED: Refusal = {
  status: 403,
  text: "cannot process message from removed member",
};
/** The message is for somebody else. */
export const TO_ANOTHER: Refusal = {
  status: 403,
  text: "cannot process message to mismatch member",
};
const FROM_NOBODY: Refusal = { status: 500, text: "message from an id that no member has" };
const WITHOUT_DATABASE: Refusal = { status: 500, text: "snapshot without its database" };

/** From here on ids stand for a member's own disk and state machine, whose word Raft takes without a check. */
const RESERVED_IDS = 0xffff_ffff_ffff_fffen;

export class Inbox {
  readonly #self: LocalPeer;
  readonly #receiver: PeerReceiver;
  readonly #log: Log;
  readonly #receivedFailures: Family<Counter>;

  constructor(
    self: LocalPeer,
    receiver: PeerReceiver,
    { log, metrics }: Pick<PeerOptions, "log" | "metrics">,
  ) {
    this.#receivedFailures = metrics.receivedFailures;
    this.#self = self;
    this.#receiver = receiver;
    this.#log = log;
  }

  /** Looks whether the sender and the receiver of a message are right. */
  check({ from, to, type }: Message): Refusal | undefined {
    const localId = formatId(this.#self.id);
    // What it has sent to a leader that does not lead any more may come back, if it leads itself now.
    const comesBack = type === MessageType.MsgProp || type === MessageType.MsgReadIndex;
    if (from >= RESERVED_IDS || (from === this.#self.id && !comesBack)) return FROM_NOBODY;
    if (this.#receiver.isRemoved(from)) {
      this.#log.warn("rejected Raft message from removed member", {
        "local-member-id": localId,
        "removed-member-id": formatId(from),
      });
      return FROM_REMOVED;
    }
    if (to === this.#self.id) return undefined;
    this.#log.warn("rejected Raft message to mismatch member", {
      "local-member-id": localId,
      "mismatch-member-id": formatId(to),
    });
    return TO_ANOTHER;
  }

  /** Hands a message to Raft. A snapshot has its own way, together with the database. */
  deliver(message: Message): Refusal | undefined {
    const refusal = this.check(message);
    if (refusal !== undefined) return refusal;
    if (message.type === MessageType.MsgSnap) return WITHOUT_DATABASE;
    this.#receiver.onMessage(message);
    return undefined;
  }

  /** As `deliver`, for messages to which nobody waits for an answer. */
  take = (message: Message): void => {
    const refusal = this.deliver(message);
    if (refusal === undefined) return;
    this.#receivedFailures.child(formatId(message.from)).inc();
    this.#log.warn("failed to process Raft message", { error: refusal.text });
  };
}
