/**
 * The Watch service: watchers of clients that watch the same share one watch on the servers. Each has to be
 * allowed by the servers, who are asked for a range in its name.
 *
 * Source: etcd server/proxy/grpcproxy (watch.go, watcher.go).
 */
import { Canceller } from "../../client/cancel-signal.ts";
import { type StreamOpener } from "../../client/watch-session.ts";
import { Watch } from "../../client/watch.ts";
import { Errors } from "../../errors/table.ts";
import type { EtcdError } from "../../errors/etcd-error.ts";
import { GrpcCode } from "../../errors/codes.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../../http2/grpc-server-types.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { decodeStreamed } from "../../api/status.ts";
import { EMPTY_BYTES, latin1FromBytes } from "../../stdx/bytes.ts";
import type { Event } from "../../wire/gen/kv.ts";
import {
  createRangeRequest,
  createWatchResponse,
  decodeRangeResponse,
  decodeWatchRequest,
  encodeRangeRequest,
  encodeWatchResponse,
  FilterType,
  type ResponseHeader,
  type WatchCreateRequest,
  type WatchResponse,
} from "../../wire/gen/rpc.ts";
import { EventType } from "../../wire/gen/kv.ts";
import { PROXIED_WATCHERS_MAX, WATCH_WAITING_BYTES_MAX } from "../limits.ts";
import { tokenOf } from "./callers.ts";
import type { ProxyMetrics } from "./metrics.ts";
import type { Namespace } from "./namespace.ts";
import { changed, type Upstream } from "./upstream.ts";
import { WatchGroup, type WatchReceiver } from "./watch-broadcast.ts";

const RANGE = "/etcdserverpb.KV/Range";

/** The id in an answer that is about every watcher of a stream, or about none. */
const NO_WATCH_ID = -1n;

const DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream";

const EVERY_KEY = { key: new Uint8Array(1), rangeEnd: new Uint8Array(1) };

export interface WatchParts {
  readonly upstream: Upstream;
  readonly namespace: Namespace;
  readonly metrics: ProxyMetrics;
  readonly clock: Clock;
  readonly log: Log;
}

export function watchMethods(parts: WatchParts): [string, GrpcMethodHandler][] {
  return [["/etcdserverpb.Watch/Watch", new WatchMethod(parts)]];
}

/** The watches of one caller on the servers. */
interface CallerWatches {
  readonly watch: Watch;
  readonly groups: Map<string, WatchGroup>;
}

class WatchMethod implements GrpcMethodHandler {
  readonly kind = "stream";
  readonly #parts: WatchParts;
  readonly #callers = new Map<string, CallerWatches>();

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  onCall(call: GrpcServerCall): void {
    call.context = new ProxiedStream(this.#parts, call, (request) => this.#groupOf(call, request));
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    const request = decodeStreamed(call, message.slice(), decodeWatchRequest);
    if (request === undefined || !(call.context instanceof ProxiedStream)) return;
    const { requestUnion } = request;
    if (requestUnion?.case === "createRequest") call.context.create(requestUnion.value);
    else if (requestUnion?.case === "cancelRequest")
      call.context.cancel(requestUnion.value.watchId);
    else if (requestUnion?.case === "progressRequest") call.context.tellProgress();
  }

  onHalfClose(call: GrpcServerCall): void {
    if (call.context instanceof ProxiedStream) call.context.close();
    call.sendStatus(GrpcCode.OK, "");
  }

  onCancel(call: GrpcServerCall): void {
    if (call.context instanceof ProxiedStream) call.context.close();
  }

  onWritable(call: GrpcServerCall): void {
    if (call.context instanceof ProxiedStream) call.context.hasRoom();
  }

  #groupOf(call: GrpcServerCall, request: WatchCreateRequest): WatchGroup {
    const token = tokenOf(call);
    const caller = this.#callers.get(token) ?? this.#open(token);
    const { key, rangeEnd, prevKv } = request;
    const requireLeader = call.get("hasleader") === "true";
    const name = `${prevKv ? 1 : 0}${requireLeader ? 1 : 0}${key.length}:${latin1FromBytes(key)}${latin1FromBytes(rangeEnd)}`;
    const known = caller.groups.get(name);
    if (known !== undefined) return known;
    const onEmpty = (): void => {
      caller.groups.delete(name);
      if (caller.groups.size === 0) this.#callers.delete(token);
    };
    const range = { key, rangeEnd, prevKv, requireLeader };
    const group = new WatchGroup(range, caller.watch, this.#parts.metrics, onEmpty);
    caller.groups.set(name, group);
    return group;
  }

  #open(token: string): CallerWatches {
    const { upstream, clock } = this.#parts;
    const opener: StreamOpener = {
      openStream: (method, options) =>
        upstream.channel.openStream(method, { ...options, metadata: upstream.metadataOf(token) }),
      noteLeaderless: (stream) => upstream.channel.noteLeaderless(stream),
    };
    const caller = { watch: new Watch(opener, clock), groups: new Map<string, WatchGroup>() };
    this.#callers.set(token, caller);
    return caller;
  }
}

/** One stream of a client. */
class ProxiedStream {
  readonly #parts: WatchParts;
  readonly #call: GrpcServerCall;
  readonly #groupOf: (request: WatchCreateRequest) => WatchGroup;
  readonly #watchers = new Map<bigint, ProxiedWatcher>();
  readonly #canceller = new Canceller();
  #nextId = 0n;
  /** Settles when all watchers that were asked for are there. */
  #created: Promise<void> = Promise.resolve();
  #waitingCreates = 0;
  /** Sent since the client stopped reading; 0 while it reads. */
  #waitingBytes = 0;

  constructor(
    parts: WatchParts,
    call: GrpcServerCall,
    groupOf: (request: WatchCreateRequest) => WatchGroup,
  ) {
    this.#parts = parts;
    this.#call = call;
    this.#groupOf = groupOf;
  }

  /**
   * Creates a watcher, after those that were asked for before: clients take answers for those of their requests in
   * the order of these.
   */
  create(request: WatchCreateRequest): void {
    if (this.#watchers.size + this.#waitingCreates >= PROXIED_WATCHERS_MAX) {
      this.end(Errors.TooManyRequests.code, Errors.TooManyRequests.message);
      return;
    }
    this.#waitingCreates++;
    this.#created = this.#created.then(async () => {
      this.#waitingCreates--;
      if (this.#call.open) await this.#create(request);
    });
  }

  async #create(request: WatchCreateRequest): Promise<void> {
    const { namespace } = this.#parts;
    if (request.startRevision < 0) {
      this.#refuse(Errors.Compacted.message);
      return;
    }
    if (request.key.length === 0) {
      request.key = EVERY_KEY.key;
      if (request.rangeEnd.length === 0) request.rangeEnd = EVERY_KEY.rangeEnd;
    }
    if (!namespace.isEmpty) {
      if (request.key.length === 1 && request.key[0] === 0) request.key = EMPTY_BYTES;
      namespace.enter(request);
    }
    const checked = await this.#check(request);
    if (!this.#call.open) return;
    if (typeof checked === "string") {
      this.#refuse(checked);
      return;
    }
    const id = this.#idFor(request.watchId);
    if (id === undefined) {
      this.#refuse(DUPLICATE_ID);
      return;
    }
    const group = this.#groupOf(request);
    const watcher = new ProxiedWatcher(
      this,
      namespace,
      group,
      { ...request, watchId: id },
      checked,
    );
    this.#watchers.set(id, watcher);
    this.send(createWatchResponse({ header: checked, watchId: id, created: true }));
    group.join(watcher);
  }

  cancel(id: bigint): void {
    const watcher = this.#watchers.get(id);
    if (watcher === undefined) return;
    this.forget(watcher);
    this.send(createWatchResponse({ header: watcher.header, watchId: id, canceled: true }));
  }

  /** Everybody has been told at least this much. */
  tellProgress(): void {
    let oldest: ProxiedWatcher | undefined;
    for (const watcher of this.#watchers.values()) {
      if (oldest === undefined || watcher.nextRevision < oldest.nextRevision) oldest = watcher;
    }
    if (oldest === undefined) return;
    const header = { ...oldest.header, revision: oldest.nextRevision - 1 };
    this.send(createWatchResponse({ header, watchId: NO_WATCH_ID }));
  }

  send(response: WatchResponse): void {
    const bytes = encodeWatchResponse(response);
    const hasRoom = this.#call.sendMessage(bytes);
    if (hasRoom) return;
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes <= WATCH_WAITING_BYTES_MAX) return;
    this.#parts.log.error("failed to put a watch response on the watcher's proxy stream channel", {
      "remote-addr": this.#call.peer.address,
    });
    this.end(GrpcCode.Canceled, "context canceled");
  }

  hasRoom(): void {
    this.#waitingBytes = 0;
  }

  forget(watcher: ProxiedWatcher): void {
    if (this.#watchers.delete(watcher.id)) watcher.group.leave(watcher);
  }

  end(code: number, message: string): void {
    this.close();
    this.#call.sendStatus(code, message);
  }

  close(): void {
    this.#canceller.abort();
    for (const watcher of [...this.#watchers.values()]) this.forget(watcher);
  }

  /** A header with the newest revision, or why the caller may not watch this. */
  async #check({ key, rangeEnd }: WatchCreateRequest): Promise<ResponseHeader | string> {
    const { upstream } = this.#parts;
    const asked = { key, rangeEnd, serializable: true, countOnly: true, limit: 1 };
    const answer = await upstream.channel.forward(
      RANGE,
      encodeRangeRequest(createRangeRequest(asked)),
      {
        metadata: upstream.metadataOf(tokenOf(this.#call)),
        repeatability: "repeatable",
        signal: this.#canceller,
      },
    );
    if (answer.body === undefined) return answer.message;
    const checked = changed(answer, (body) => {
      decodeRangeResponse(body);
      return body;
    });
    if (checked.body === undefined) return checked.message;
    return (
      decodeRangeResponse(answer.body).header ?? {
        clusterId: 0n,
        memberId: 0n,
        revision: 0,
        raftTerm: 0,
      }
    );
  }

  /** The client's choice if it made one; `undefined` when it has such a watcher already. */
  #idFor(chosen: bigint): bigint | undefined {
    if (chosen !== 0n) return this.#watchers.has(chosen) ? undefined : chosen;
    while (this.#watchers.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  #refuse(cancelReason: string): void {
    const header = { clusterId: 0n, memberId: 0n, revision: 0, raftTerm: 0 };
    const about = { header, watchId: NO_WATCH_ID, created: true, canceled: true, cancelReason };
    this.send(createWatchResponse(about));
  }
}

/** One watcher of a client. */
class ProxiedWatcher implements WatchReceiver {
  readonly group: WatchGroup;
  readonly #stream: ProxiedStream;
  readonly #namespace: Namespace;
  readonly #request: WatchCreateRequest;
  nextRevision: number;
  /** Of the last answer. */
  header: ResponseHeader;

  constructor(
    stream: ProxiedStream,
    namespace: Namespace,
    group: WatchGroup,
    request: WatchCreateRequest,
    header: ResponseHeader,
  ) {
    this.#stream = stream;
    this.#namespace = namespace;
    this.group = group;
    this.#request = request;
    this.header = header;
    this.nextRevision = request.startRevision === 0 ? header.revision + 1 : request.startRevision;
  }

  get id(): bigint {
    return this.#request.watchId;
  }

  onResponse({ header, events: all }: WatchResponse): void {
    if (header === undefined) return;
    const events = all.filter((event) => this.#isWanted(event));
    const last = all.at(-1)?.kv?.modRevision;
    const isProgress = all.length === 0;
    if (isProgress && header.revision + 1 < this.nextRevision) return;
    this.nextRevision = Math.max(this.nextRevision, (last ?? header.revision) + 1);
    if (isProgress ? !this.#request.progressNotify : events.length === 0) return;
    this.header = header;
    this.#stream.send(
      createWatchResponse({
        header,
        watchId: this.id,
        events: events.map((each) => this.#outside(each)),
      }),
    );
  }

  onCanceled({ header, compactRevision, cancelReason }: WatchResponse): void {
    this.#stream.forget(this);
    this.#stream.send(
      createWatchResponse({
        header: header ?? this.header,
        watchId: this.id,
        canceled: true,
        compactRevision,
        cancelReason,
      }),
    );
  }

  onFailed({ code, message }: EtcdError): void {
    this.#stream.end(code, message);
  }

  #isWanted({ type, kv }: Event): boolean {
    if (kv === undefined || kv.modRevision < this.nextRevision) return false;
    const filter = type === EventType.PUT ? FilterType.NOPUT : FilterType.NODELETE;
    return !this.#request.filters.includes(filter);
  }

  #outside(event: Event): Event {
    if (this.#namespace.isEmpty) return event;
    const strip = <T extends { key: Uint8Array }>(kv: T | undefined): T | undefined =>
      kv === undefined ? undefined : { ...kv, key: this.#namespace.outside(kv.key) };
    return { ...event, kv: strip(event.kv), prevKv: strip(event.prevKv) };
  }
}
