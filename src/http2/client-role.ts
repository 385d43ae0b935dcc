/**
 * What a client does as one side of a connection: which call gets a stream when, and what GOAWAY means for
 * the calls that are open.
 */
import { GrpcCode } from "../errors/codes.ts";
import type { Clock } from "../ports/clock.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionRole } from "./connection-role.ts";
import type { ClientCall, ClientCallScope } from "./grpc-client-call.ts";
import { EMPTY_METADATA, type GrpcMetadata, metadataFault } from "./grpc-metadata.ts";
import {
  CLIENT_STREAMS_BEFORE_SETTINGS,
  CLIENT_WAITING_CALLS_MAX,
  STREAM_ID_MAX,
} from "./limits.ts";
import type { RequestBlocks } from "./request-blocks.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** grpc-go's text for calls that a draining server did not take. */
const REJECTED = "the stream is rejected because server is draining the connection";

/** Started calls at the front of the queue before it is moved up. */
const WAITING_COMPACT = 1024;

export class ClientRole implements ConnectionRole, ClientCallScope {
  readonly isServer = false;
  acceptsCalls = true;
  /** Set right after construction, by `attach`: connection and role know each other. */
  connection!: Connection;
  blocks!: RequestBlocks;
  readonly #clock: Pick<Clock, "nowMs">;
  /** Calls without a stream, in order, from `#waitingFirst`; ended ones are skipped. */
  #waiting: ClientCall[] = [];
  #waitingFirst = 0;
  #earliestWaitingMs = NEVER;
  #borrower: ClientCall | undefined = undefined;
  /** The last stream of the last GOAWAY; -1 before the first. */
  #goAwayId = -1;
  #goAwayDetail = "";
  #settled = false;
  /** The metadata last found in order. */
  #checked: GrpcMetadata = EMPTY_METADATA;

  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  attach(connection: Connection, blocks: RequestBlocks): void {
    this.connection = connection;
    this.blocks = blocks;
  }

  get waitingCalls(): number {
    return this.#waiting.length - this.#waitingFirst;
  }

  /** Takes a new call: starts it, lets it wait, or ends it at once. `body` of a unary call. */
  begin(call: ClientCall, body: Uint8Array | undefined): void {
    const { metadata } = call;
    if (metadata !== this.#checked) {
      const fault = metadataFault(metadata);
      if (fault !== undefined) {
        call.abort(GrpcCode.Internal, fault);
        return;
      }
      this.#checked = metadata;
    }
    if (!this.acceptsCalls) {
      call.onLost(this.#goAwayId < 0 ? "the connection is closing" : REJECTED, true);
      return;
    }
    if (this.waitingCalls === 0 && this.#hasFreeStream()) {
      this.#start(call, body);
      return;
    }
    if (this.waitingCalls >= CLIENT_WAITING_CALLS_MAX) {
      call.abort(GrpcCode.ResourceExhausted, "too many calls wait for a free stream");
      return;
    }
    if (body !== undefined) call.keepBody(body);
    this.#waiting.push(call);
    if (call.deadlineMs < this.#earliestWaitingMs) this.#earliestWaitingMs = call.deadlineMs;
  }

  borrow(call: ClientCall): void {
    this.#borrower?.keepMessage();
    this.#borrower = call;
  }

  abandoned(): void {
    this.#startWaiting();
    this.connection.maybeFinishDrain();
  }

  lostText(reason: string): string {
    if (this.#goAwayDetail === "" || reason === REJECTED) return reason;
    return `closing transport due to: ${reason}, received prior goaway: ${this.#goAwayDetail}`;
  }

  onRequest(): void {}

  onPeerSettings(): void {
    this.#settled = true;
    this.#startWaiting();
  }

  onGoAway(lastStreamId: number, detail: string): void {
    const { connection } = this;
    if (lastStreamId > 0 && lastStreamId % 2 === 0) {
      connection.close(
        `received goaway with non-zero even-numbered numbered stream id: ${lastStreamId}`,
      );
      return;
    }
    if (this.#goAwayId >= 0 && lastStreamId > this.#goAwayId) {
      connection.close(
        `received goaway with stream id: ${lastStreamId}, ` +
          `which exceeds stream id of previous goaway: ${this.#goAwayId}`,
      );
      return;
    }
    this.#goAwayId = lastStreamId;
    this.#goAwayDetail = detail;
    this.acceptsCalls = false;
    this.#dropWaiting(REJECTED);
    for (const stream of [...connection.streams.values()]) {
      if (stream.id <= lastStreamId || stream.closed) continue;
      connection.closeStream(stream);
      stream.owner.onLost(REJECTED, true);
    }
    connection.drain();
  }

  onStreamClosed(): void {
    if (this.#waiting.length > 0) this.#startWaiting();
  }

  onReceiveEnd(): void {
    if (this.#borrower === undefined) return;
    this.#borrower.keepMessage();
    this.#borrower = undefined;
  }

  /** O(waiting calls), only when the deadline of one may have passed. */
  onTick(nowMs: number): void {
    if (nowMs < this.#earliestWaitingMs) return;
    this.#earliestWaitingMs = NEVER;
    for (const call of this.#waiting.slice(this.#waitingFirst)) {
      if (call.deadlineMs <= nowMs) call.onDeadline();
      else if (call.open && call.deadlineMs < this.#earliestWaitingMs) {
        this.#earliestWaitingMs = call.deadlineMs;
      }
    }
  }

  nextTickMs(): number {
    return this.#earliestWaitingMs;
  }

  onEnded(reason: string): void {
    this.acceptsCalls = false;
    this.#dropWaiting(reason);
  }

  #hasFreeStream(): boolean {
    const announced = this.connection.peerSettings.maxConcurrentStreams ?? NEVER;
    const limit = this.#settled ? announced : CLIENT_STREAMS_BEFORE_SETTINGS;
    return this.connection.streams.size < limit;
  }

  #start(call: ClientCall, body: Uint8Array | undefined): void {
    const { connection, blocks } = this;
    const { path, metadata, deadlineMs } = call;
    const listBytesMax = connection.peerSettings.headerListBytesMax;
    if (listBytesMax < NEVER && blocks.listBytes(path, metadata) > listBytesMax) {
      const text = `header list size to send violates the maximum size (${listBytesMax} bytes) set by server`;
      call.abort(GrpcCode.Internal, text);
      return;
    }
    const timeoutMs = deadlineMs === NEVER ? NEVER : deadlineMs - this.#clock.nowMs();
    if (timeoutMs <= 0) {
      call.onDeadline();
      return;
    }
    const id = connection.nextStreamId;
    connection.nextStreamId += 2;
    const block = blocks.request(path, metadata, timeoutMs);
    call.start(connection.openStream(id, call), block, body);
    if (connection.nextStreamId <= STREAM_ID_MAX) return;
    this.acceptsCalls = false;
    this.#dropWaiting("the connection has used up its stream numbers");
  }

  #startWaiting(): void {
    while (this.waitingCalls > 0) {
      const call = this.#waiting[this.#waitingFirst];
      if (call.open && !this.#hasFreeStream()) return;
      this.#waitingFirst++;
      if (this.#waitingFirst >= WAITING_COMPACT || this.waitingCalls === 0) {
        this.#waiting = this.#waiting.slice(this.#waitingFirst);
        this.#waitingFirst = 0;
      }
      if (call.open) this.#start(call, undefined);
    }
  }

  #dropWaiting(reason: string): void {
    const waiting = this.#waiting.slice(this.#waitingFirst);
    this.#waiting = [];
    this.#waitingFirst = 0;
    this.#earliestWaitingMs = NEVER;
    for (const call of waiting) call.onLost(reason, true);
  }
}
