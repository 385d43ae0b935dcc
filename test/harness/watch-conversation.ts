/**
 * A conversation with one server about watches: requests on watch streams and writes beside them, and
 * everything that came back, in a form that compares well.
 */
import {
  NO_DEADLINE,
  openRawConnection,
  type RawConnection,
} from "../../src/client/raw-connection.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import type { Connector } from "../../src/client/connector.ts";
import type { GrpcClient, GrpcClientCall } from "../../src/http2/grpc-client-types.ts";
import type { GrpcMetadata } from "../../src/http2/grpc-metadata.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { bytesFromLatin1, latin1FromBytes } from "../../src/stdx/bytes.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";
import { type Event, EventType, type KeyValue } from "../../src/wire/gen/kv.ts";
import {
  createWatchCancelRequest,
  createWatchCreateRequest,
  createWatchProgressRequest,
  createWatchRequest,
  decodeWatchResponse,
  encodeWatchRequest,
  type WatchCreateRequest,
  type WatchRequestRequestUnion,
  type WatchResponse,
} from "../../src/wire/gen/rpc.ts";
import { KVService } from "../../src/wire/gen/services.ts";

const WAIT_MS = 4000;

/** How long nothing more must come before a stream counts as silent. */
const SILENCE_MS = 150;

/** What is compared of a response. */
export interface SeenResponse {
  readonly revision: number;
  readonly id: string;
  /** Everything else that is not at its default. */
  readonly more: string;
  readonly events: readonly string[];
}

/** One watch stream. */
export class WatchTalk {
  readonly responses: WatchResponse[] = [];
  status: string | undefined;
  readonly #call: GrpcClientCall;
  #seen = 0;
  #onChange: (() => void) | undefined;

  constructor(grpc: GrpcClient, metadata: GrpcMetadata) {
    this.#call = grpc.stream("/etcdserverpb.Watch/Watch", metadata, {
      onMessage: (_, message) => {
        this.responses.push(decodeWatchResponse(message.slice()));
        this.#onChange?.();
      },
      onStatus: (_, { code, message }) => {
        this.status = `${code} ${message}`;
        this.#onChange?.();
      },
    });
  }

  create(
    partial: Partial<WatchCreateRequest> & { readonly on?: string; readonly to?: string },
  ): void {
    const { on = "", to = "", ...rest } = partial;
    const key = bytesFromLatin1(on);
    const value = createWatchCreateRequest({ key, rangeEnd: bytesFromLatin1(to), ...rest });
    this.#send({ case: "createRequest", value });
  }

  cancel(watchId: bigint): void {
    this.#send({ case: "cancelRequest", value: createWatchCancelRequest({ watchId }) });
  }

  progress(): void {
    this.#send({ case: "progressRequest", value: createWatchProgressRequest() });
  }

  sendBytes(bytes: Uint8Array): void {
    this.#call.sendMessage(bytes);
  }

  halfClose(): void {
    this.#call.halfClose();
  }

  end(): void {
    this.#call.cancel();
  }

  setReceiving(receiving: boolean): void {
    this.#call.setReceiving(receiving);
  }

  /** The next `count` responses; fewer when the call ends or time runs out. */
  async next(count: number): Promise<SeenResponse[]> {
    const wanted = this.#seen + count;
    await this.#until(() => this.responses.length >= wanted || this.status !== undefined, WAIT_MS);
    return this.#take(Math.min(wanted, this.responses.length));
  }

  /** What came since the last look, once nothing more comes. */
  async rest(): Promise<SeenResponse[]> {
    for (let known = -1; known !== this.responses.length; ) {
      known = this.responses.length;
      await this.#until(() => this.responses.length > known, SILENCE_MS);
    }
    return this.#take(this.responses.length);
  }

  #take(end: number): SeenResponse[] {
    const from = this.#seen;
    this.#seen = end;
    return this.responses.slice(from, end).map(describeResponse);
  }

  async #until(done: () => boolean, timeoutMs: number): Promise<void> {
    if (done()) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#onChange = undefined;
        resolve();
      };
      const timer = setTimeout(finish, timeoutMs);
      this.#onChange = () => {
        if (done()) finish();
      };
    });
  }

  #send(requestUnion: WatchRequestRequestUnion): void {
    this.#call.sendMessage(encodeWatchRequest(createWatchRequest({ requestUnion })));
  }
}

/** One server to talk to: watch streams, and writes that wait for their answers. */
export class WatchPeer {
  readonly #connection: RawConnection;

  private constructor(connection: RawConnection) {
    this.#connection = connection;
  }

  static async open(
    endpoint: string,
    connector: Connector = socketConnector(undefined),
  ): Promise<WatchPeer> {
    const connection = await openRawConnection({
      endpoint,
      connector,
      clock: systemClock,
      onClosed: () => undefined,
    });
    return new WatchPeer(connection);
  }

  close(): void {
    this.#connection.close();
  }

  /** Opens a watch stream; `metadata` goes with it. */
  talk(metadata: GrpcMetadata = this.#connection.metadata): WatchTalk {
    return new WatchTalk(this.#connection.grpc, metadata);
  }

  async put(key: string, value: string, lease = 0n): Promise<void> {
    await this.call(KVService.put, {
      key: bytesFromLatin1(key),
      value: bytesFromLatin1(value),
      lease,
    });
  }

  async delete(key: string, end = ""): Promise<void> {
    await this.call(KVService.deleteRange, {
      key: bytesFromLatin1(key),
      rangeEnd: bytesFromLatin1(end),
    });
  }

  async compact(revision: number): Promise<void> {
    await this.call(KVService.compact, { revision });
  }

  /** Fails when the server does. */
  call(method: MethodInfo<object, object>, partial: object): Promise<object> {
    const { grpc, metadata } = this.#connection;
    const bytes = method.request.encode(method.request.create(partial));
    return new Promise((resolve, reject) => {
      grpc.unary(method.path, metadata, bytes, NO_DEADLINE, ({ message }, body) => {
        if (body === undefined) reject(new Error(message));
        else resolve(method.response.decode(body.slice()));
      });
    });
  }
}

function describeResponse(response: WatchResponse): SeenResponse {
  const { header, watchId, events, ...rest } = response;
  const more: string[] = [];
  for (const [name, value] of Object.entries(rest)) {
    if (value !== false && value !== 0 && value !== "") more.push(`${name}=${value}`);
  }
  if (header?.clusterId === 0n || header?.memberId === 0n) more.push("header incomplete");
  return {
    revision: header?.revision ?? -1,
    id: watchId.toString(),
    more: more.join(" "),
    events: events.map(describeEvent),
  };
}

function describeEvent({ type, kv, prevKv }: Event): string {
  const name = type === EventType.DELETE ? "DELETE" : "PUT";
  return `${name} ${describeKeyValue(kv)}${prevKv === undefined ? "" : ` was ${describeKeyValue(prevKv)}`}`;
}

function describeKeyValue(kv: KeyValue | undefined): string {
  if (kv === undefined) return "none";
  const { key, value, createRevision, modRevision, version, lease } = kv;
  const shown = value.length > 40 ? `${value.length} bytes` : latin1FromBytes(value);
  return `${latin1FromBytes(key)}=${shown} [${createRevision} ${modRevision} ${version} ${lease}]`;
}
