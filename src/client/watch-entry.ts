/**
 * One watch, whatever stream it is on: what it watches, how far it has come, and what waits for its reader.
 *
 * Its position is the revision from which it would have to be created again to miss nothing and to repeat
 * nothing. Source: etcd client/v3/watch.go (serveSubstream).
 */
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { KeyValue } from "../wire/gen/kv.ts";
import {
  createWatchCreateRequest,
  type WatchCreateRequest,
  type WatchResponse,
} from "../wire/gen/rpc.ts";
import { Inbox } from "./inbox.ts";
import { WATCH_TOKEN_REFUSALS_MAX } from "./limits.ts";
import { knownError } from "./rpc-status.ts";

/** A server has ended a watch: its revision is compacted, or it may not or cannot be served. */
export class WatchCanceledError extends EtcdError {
  /** The answer that said so. */
  readonly response: WatchResponse;

  constructor(response: WatchResponse) {
    const { code, message } = cancelReason(response);
    super(code, message);
    this.name = "WatchCanceledError";
    this.response = response;
  }
}

function cancelReason({ compactRevision, cancelReason }: WatchResponse): EtcdError {
  if (compactRevision !== 0) return Errors.Compacted;
  if (cancelReason === "") return Errors.FutureRevision;
  const status = { code: GrpcCode.FailedPrecondition, message: cancelReason };
  return knownError(status) ?? new EtcdError(status.code, status.message);
}

/** What whoever opened a watch is told. */
export interface WatchEntryEvents {
  /** The server has accepted the watch. At most once, before `onEnded`. */
  onCreated(): void;
  /** The watch is over, for the reason of `error` or at the reader's wish. Once. */
  onEnded(error: Error | undefined): void;
}

/** What is said to a watch on a stream whose token is known no longer; servers put codes around it. */
const TOKEN_REFUSALS: readonly string[] = [
  Errors.InvalidAuthToken.message,
  Errors.AuthOldRevision.message,
];

/** Bytes that an event takes beside its keys and values, roughly. */
const EVENT_OVERHEAD_BYTES = 256;

/** One watch between its session and its reader. */
export class WatchEntry {
  /** Id on the present stream; `undefined` while the watch is not on it. */
  watchId: bigint | undefined;
  /** Given up on the server until the reader has caught up. */
  isParked = false;
  readonly #request: WatchCreateRequest;
  readonly #events: WatchEntryEvents;
  readonly #inbox = new Inbox<WatchResponse>();
  #nextRevision: number;
  #waitingBytes = 0;
  #isCreated = false;
  /** Times in a row that its creation was refused because of the token of the stream. */
  #tokenRefusals = 0;
  #isEnded = false;

  constructor(request: Partial<WatchCreateRequest>, events: WatchEntryEvents) {
    this.#request = createWatchCreateRequest(request);
    this.#nextRevision = this.#request.startRevision;
    this.#events = events;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Estimate of what waits for the reader. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** The revision from which it would have to be created again; 0 while it was not created from now on. */
  get position(): number {
    return this.#nextRevision;
  }

  /** The request that creates the watch where it stands. */
  createRequest(): WatchCreateRequest {
    return { ...this.#request, watchId: 0n, startRevision: this.#nextRevision };
  }

  /** The server has created the watch, for the first time or again. */
  created({ header }: WatchResponse): void {
    // A watch from now on starts behind this revision, wherever it is created next.
    if (this.#nextRevision === 0 && header !== undefined) this.#nextRevision = header.revision + 1;
    this.#tokenRefusals = 0;
    if (this.#isCreated) return;
    this.#isCreated = true;
    this.#events.onCreated();
  }

  /** Whether its creation was refused because of an old token, and another stream with a new one may help. */
  mayTryNewToken({ cancelReason }: WatchResponse): boolean {
    const isOld = TOKEN_REFUSALS.some((text) => cancelReason.includes(text));
    return isOld && this.#tokenRefusals++ < WATCH_TOKEN_REFUSALS_MAX;
  }

  /** Takes a whole answer for the reader. */
  accept(response: WatchResponse): void {
    if (this.#isEnded) return;
    const { header, events } = response;
    const lastRevision = events.at(-1)?.kv?.modRevision ?? header?.revision ?? 0;
    this.#nextRevision = Math.max(this.#nextRevision, lastRevision + 1);
    this.#waitingBytes += responseBytes(response);
    this.#inbox.push(response);
  }

  /** Nothing more will come; the reader gets `error` behind what waits. */
  end(error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#inbox.end(error);
    this.#events.onEnded(error);
  }

  /** Ends at the reader's wish: what waits is dropped. */
  drop(): void {
    this.#inbox.clear();
    this.#waitingBytes = 0;
    this.end();
  }

  async next(): Promise<WatchResponse | undefined> {
    const response = await this.#inbox.next();
    if (response !== undefined) this.#waitingBytes -= responseBytes(response);
    return response;
  }
}

/** Estimate of the memory that an answer takes. */
export function responseBytes({ events }: WatchResponse): number {
  let bytes = EVENT_OVERHEAD_BYTES;
  for (const { kv, prevKv } of events) {
    bytes += EVENT_OVERHEAD_BYTES + keyValueBytes(kv) + keyValueBytes(prevKv);
  }
  return bytes;
}

function keyValueBytes(kv: KeyValue | undefined): number {
  return kv === undefined ? 0 : kv.key.length + kv.value.length;
}
