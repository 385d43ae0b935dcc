/**
 * A client that watches a range and goes on where it was, through another member, whenever its stream ends,
 * and now and then without a reason.
 */
import { EventType } from "../../src/wire/gen/kv.ts";
import {
  createWatchCreateRequest,
  createWatchProgressRequest,
  createWatchRequest,
  decodeWatchResponse,
  encodeWatchRequest,
  type WatchResponse,
} from "../../src/wire/gen/rpc.ts";
import type { KeyRange, WatchEvent } from "../history.ts";
import type { ClientCall } from "./channel.ts";
import type { Client } from "./client.ts";
import type { OpenWatch } from "./recorder.ts";
import { keyValue, rangeBytes } from "../history-wire.ts";

/** Milliseconds without "created" after which another member is asked. */
const CREATED_TIMEOUT_MS = 2_000;

/** Milliseconds that a stream lives at most, before the client looks elsewhere. */
const STREAM_MS_MAX = 15_000;

export class WatchTraffic {
  readonly #client: Client;
  readonly #range: KeyRange;
  readonly #prevKv: boolean;
  #call: ClientCall | undefined;
  #record: OpenWatch | undefined;
  /** What it has to see next; 0: whatever comes. */
  #nextRevision: number;
  /** Counts streams, so that what belongs to an old one is passed over. */
  #stream = 0;
  #stopped = false;

  constructor(client: Client, range: KeyRange) {
    this.#client = client;
    this.#range = range;
    this.#prevKv = client.random.chance(0.5);
    this.#nextRevision = client.random.chance(0.5) ? 1 : 0;
  }

  /** The revision that it has seen everything before; 0 before it has begun. */
  get nextRevision(): number {
    return this.#nextRevision;
  }

  start(): void {
    this.#client.pause(1000, () => this.#open());
  }

  stop(): void {
    this.#stopped = true;
    this.#call?.cancel();
  }

  #open(): void {
    if (this.#stopped) return;
    const { channel, cluster } = this.#client.parts;
    const stream = ++this.#stream;
    this.#record = undefined;
    const call = channel.call(this.#client.machine, "/etcdserverpb.Watch/Watch", undefined, {
      onMessage: (bytes) => {
        if (stream === this.#stream) this.#received(decodeWatchResponse(bytes));
      },
      onEnd: (_code, message) => {
        if (stream === this.#stream) this.#again(message);
      },
    });
    this.#call = call;
    call.send(this.#createRequest());
    cluster.loop.after(CREATED_TIMEOUT_MS * 1000, () => {
      if (stream === this.#stream && this.#record === undefined) this.#again("not created");
    });
    cluster.loop.after(this.#client.random.below(STREAM_MS_MAX) * 1000, () => {
      if (stream === this.#stream) this.#again("looks elsewhere");
    });
    const progress = this.#client.random.below(STREAM_MS_MAX) * 1000;
    cluster.loop.after(progress, () => {
      if (stream === this.#stream) call.send(PROGRESS_REQUEST);
    });
  }

  #createRequest(): Uint8Array {
    const request = createWatchCreateRequest({
      ...rangeBytes(this.#range),
      startRevision: this.#nextRevision,
      prevKv: this.#prevKv,
    });
    return encodeWatchRequest(
      createWatchRequest({ requestUnion: { case: "createRequest", value: request } }),
    );
  }

  #received(response: WatchResponse): void {
    const { recorder } = this.#client.parts;
    const revision = response.header?.revision ?? 0;
    if (response.canceled) {
      this.#canceled(response);
    } else if (response.created) {
      const start = this.#nextRevision === 0 ? revision + 1 : this.#nextRevision;
      this.#nextRevision = start;
      const { id: client, machine } = this.#client;
      const prevKv = this.#prevKv;
      this.#record = { client, member: machine.name, ...this.#range, start, prevKv, responses: [] };
      recorder.watches.push(this.#record);
    } else {
      const events = response.events.map(watchEventOf);
      this.#record?.responses.push({ time: recorder.nowMs, revision, events });
      const last = events.at(-1);
      if (last !== undefined) this.#nextRevision = last.kv.mod + 1;
      else this.#nextRevision = Math.max(this.#nextRevision, revision + 1);
    }
  }

  #canceled({ compactRevision, cancelReason }: WatchResponse): void {
    if (compactRevision > 0) {
      if (this.#record !== undefined) this.#record.compacted = compactRevision;
      // What is gone is gone: it goes on behind it.
      this.#nextRevision = Math.max(this.#nextRevision, compactRevision);
    }
    this.#again(`canceled ${cancelReason}`);
  }

  #again(reason: string): void {
    const { cluster } = this.#client.parts;
    cluster.trace.note(`c${this.#client.id}`, () => `watch ends: ${reason}`);
    this.#stream++;
    this.#call?.cancel();
    this.#client.switchMember();
    this.#client.pause(300, () => this.#open());
  }
}

const PROGRESS_REQUEST = encodeWatchRequest(
  createWatchRequest({
    requestUnion: { case: "progressRequest", value: createWatchProgressRequest() },
  }),
);

function watchEventOf({ type, kv, prevKv }: WatchResponse["events"][number]): WatchEvent {
  if (kv === undefined) throw new Error("An event has no key-value");
  const event = {
    type: type === EventType.DELETE ? "delete" : "put",
    kv: keyValue(kv),
  } as const;
  return prevKv === undefined ? event : { ...event, prev: keyValue(prevKv) };
}
