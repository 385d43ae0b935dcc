/**
 * Sends snapshots to members that are too far behind for the log: for each request of Raft the next commit of
 * the database, held while it is streamed, with the membership as of the same entry.
 *
 * While one is on its way, and for a while after it arrived, the log must not be cut behind it: the follower
 * has to find there what came since.
 *
 * Source: etcd server/etcdserver/snapshot_merge.go, server.go (sendMergedSnap), raft.go (processMessages) (3.5).
 */
import type { Backend, Position } from "../../backend/backend.ts";
import type { PinnedState } from "../../backend/pinned-state.ts";
import type { Member } from "../../member/member.ts";
import type { Transport } from "../../peer/network.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { humanBytes } from "../../stdx/humanize.ts";
import { encodeMessage, type Message, type Snapshot } from "../../wire/gen/raft.ts";
import type { BackgroundWork } from "./background-work.ts";
import type { CommitSchedule } from "./commit-schedule.ts";
import { SNAPSHOT_LOG_HOLD_MS, SNAPSHOTS_SENT_MAX } from "../limits.ts";
import { PinnedSource } from "./pinned-source.ts";

/** Where a database to be sent comes from. */
export interface SentDatabase {
  readonly backend: Backend;
  readonly commits: CommitSchedule;
}

export interface SnapshotSenderParts {
  readonly member: Member;
  /** The database in use; may be another one with every call. */
  readonly database: () => SentDatabase;
  readonly transport: () => Transport;
  readonly work: BackgroundWork;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after the member was given something. */
  readonly poke: () => void;
}

interface Sending {
  readonly startedMs: number;
  /** Its database is not there yet. */
  waits: boolean;
  fields: LogFields;
}

export class SnapshotSender {
  readonly #parts: SnapshotSenderParts;
  /** By receiver. */
  readonly #sending = new Map<bigint, Sending>();
  readonly #holds = new Set<Timer>();
  #stopped = false;

  constructor(parts: SnapshotSenderParts) {
    this.#parts = parts;
  }

  /** Whether the log has to be kept as it is. */
  get holdsLog(): boolean {
    return this.#sending.size > 0 || this.#holds.size > 0;
  }

  /** Answers Raft's requests. `Member.reportSnapshot` is called for each, now or when it is over. */
  send(requests: readonly Message[]): void {
    for (const request of requests) {
      // One to a member at a time: Raft asks again once that has come to its end.
      if (this.#mayBegin(request.to)) this.#begin(request);
      else this.#report(request.to, false);
    }
  }

  /** The transport has done with a snapshot. */
  sent(id: bigint, delivered: boolean): void {
    const { clock, log } = this.#parts;
    const sending = this.#sending.get(id);
    if (sending === undefined) return;
    this.#sending.delete(id);
    if (this.#stopped) return;
    if (delivered) {
      const hold = clock.after(SNAPSHOT_LOG_HOLD_MS, () => this.#holds.delete(hold));
      this.#holds.add(hold);
    }
    const took = goDurationOfMs(clock.nowMs() - sending.startedMs);
    log.info("sent merged snapshot", { ...sending.fields, took });
    this.#report(id, delivered);
  }

  /** Another database takes the place of the one in use: gives up what waits for its commit. */
  databaseReplaced(): void {
    for (const [id, { waits }] of this.#sending) if (waits) this.#giveUp(id);
  }

  /** Forgets what is on its way; the transport ends it. */
  stop(): void {
    const { log } = this.#parts;
    this.#stopped = true;
    for (const hold of this.#holds) hold.cancel();
    this.#holds.clear();
    for (const { fields } of this.#sending.values()) {
      log.warn("canceled sending merged snapshot; server stopping", fields);
    }
  }

  #mayBegin(id: bigint): boolean {
    if (this.#stopped || this.#parts.database().commits.isFrozen) return false;
    return !this.#sending.has(id) && this.#sending.size < SNAPSHOTS_SENT_MAX;
  }

  #begin(request: Message): void {
    const { clock, member, database } = this.#parts;
    const { to } = request;
    this.#sending.set(to, {
      startedMs: clock.nowMs(),
      waits: true,
      fields: idFields(member.id, to),
    });
    const { backend, commits } = database();
    let snapshot: Snapshot | undefined;
    commits.forceFor({
      onBegun: ({ index }: Position) => {
        snapshot = member.snapshotAt(index);
      },
      onDurable: () => {
        if (this.#stopped || this.#sending.get(to)?.waits !== true) return;
        if (snapshot === undefined) this.#giveUp(to);
        else this.#hand({ ...request, snapshot }, backend.pinToSend());
      },
    });
  }

  #hand(message: Message, state: PinnedState): void {
    const { member, work, log, transport } = this.#parts;
    const bytes = encodeMessage(message).length + state.bytes;
    const fields = { ...idFields(member.id, message.to), bytes, size: humanBytes(bytes) };
    const sending = this.#sending.get(message.to);
    if (sending !== undefined) {
      sending.fields = fields;
      sending.waits = false;
    }
    transport().sendSnapshot(message, new PinnedSource(state, work, log));
    log.info("sending merged snapshot", fields);
  }

  /** Nothing was sent. */
  #giveUp(id: bigint): void {
    this.#sending.delete(id);
    this.#report(id, false);
  }

  #report(id: bigint, delivered: boolean): void {
    this.#parts.member.reportSnapshot(id, delivered);
    this.#parts.poke();
  }
}

function idFields(from: bigint, to: bigint): LogFields {
  return { from: from.toString(16), to: to.toString(16) };
}
