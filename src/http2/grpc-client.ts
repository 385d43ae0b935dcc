/**
 * A client's connection: gRPC calls to one server, over bytes. The turn of the shell is that of
 * `GrpcServerConnection`.
 *
 * Calls that find no free stream (the server's MAX_CONCURRENT_STREAMS) wait in order. After GOAWAY the
 * connection serves what the server will still answer and then ends; the others are told that they were not
 * processed.
 *
 * Source: gRPC over HTTP/2; grpc-go internal/transport/http2_client.go.
 */
import { ClientRole } from "./client-role.ts";
import { Connection } from "./connection.ts";
import { clientLimits } from "./connection-limits.ts";
import { ConnectionTimers } from "./connection-timers.ts";
import type { Http2Endpoint } from "./endpoint.ts";
import { FrameReader } from "./frame-reader.ts";
import { writeSettings } from "./frame-writer.ts";
import { ClientCall } from "./grpc-client-call.ts";
import type {
  GrpcCallOptions,
  GrpcClient,
  GrpcClientCall,
  GrpcStreamHandlers,
  UnaryDone,
} from "./grpc-client-types.ts";
import { EMPTY_METADATA, type GrpcMetadata } from "./grpc-metadata.ts";
import { Keepalive } from "./keepalive.ts";
import type { GrpcClientArguments } from "./options.ts";
import { CLIENT_PREFACE, SettingId } from "./protocol.ts";
import { RequestBlocks } from "./request-blocks.ts";

const DEFAULT_USER_AGENT = "grpc-etcd-ts";
const NEVER = Number.POSITIVE_INFINITY;

export class GrpcClientConnection implements Http2Endpoint, GrpcClient {
  readonly #connection: Connection;
  readonly #role: ClientRole;
  readonly #reader: FrameReader;
  readonly #timers: ConnectionTimers;

  constructor(options: GrpcClientArguments) {
    const limits = clientLimits(options.limits ?? {});
    const keepalive = new Keepalive(limits);
    this.#role = new ClientRole(options.clock);
    this.#connection = new Connection(this.#role, limits, options.events);
    this.#reader = new FrameReader(this.#connection, keepalive);
    this.#timers = new ConnectionTimers(this.#connection, this.#reader, keepalive);
    const blocks = new RequestBlocks(
      this.#connection.encoder,
      options.scheme ?? "http",
      options.authority,
      options.userAgent ?? DEFAULT_USER_AGENT,
    );
    this.#role.attach(this.#connection, blocks);
  }

  get acceptsCalls(): boolean {
    return this.#role.acceptsCalls;
  }

  get waitingCalls(): number {
    return this.#role.waitingCalls;
  }

  get openCalls(): number {
    return this.#connection.streams.size;
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  get wantsInput(): boolean {
    return this.#connection.wantsInput;
  }

  get shouldClose(): boolean {
    return this.#connection.ended;
  }

  get closeReason(): string {
    return this.#connection.endReason;
  }

  unary(
    path: string,
    metadata: GrpcMetadata,
    body: Uint8Array,
    options: GrpcCallOptions,
    done: UnaryDone,
  ): GrpcClientCall {
    const deadlineMs = options.deadlineMs ?? NEVER;
    const known = metadata.length === 0 ? EMPTY_METADATA : metadata;
    const call = new ClientCall(this.#role, path, known, deadlineMs, done, undefined);
    this.#role.begin(call, body);
    return call;
  }

  stream(
    path: string,
    metadata: GrpcMetadata,
    handlers: GrpcStreamHandlers,
    options: GrpcCallOptions = {},
  ): GrpcClientCall {
    const deadlineMs = options.deadlineMs ?? NEVER;
    const known = metadata.length === 0 ? EMPTY_METADATA : metadata;
    const call = new ClientCall(this.#role, path, known, deadlineMs, undefined, handlers);
    this.#role.begin(call, undefined);
    return call;
  }

  start(nowMs: number): void {
    const connection = this.#connection;
    const { limits, out } = connection;
    connection.nowMs = nowMs;
    this.#timers.start(nowMs);
    out.append(CLIENT_PREFACE, 0, CLIENT_PREFACE.length);
    writeSettings(out, [
      [SettingId.ENABLE_PUSH, 0],
      [SettingId.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
      [SettingId.MAX_HEADER_LIST_SIZE, limits.headerListBytesMax],
    ]);
    this.#reader.sentSettings();
    connection.grantInitialWindow();
    connection.signalOutput();
  }

  receive(chunk: Uint8Array, nowMs: number): void {
    this.#reader.receive(chunk, nowMs);
  }

  takeOutput(): Uint8Array | undefined {
    return this.#connection.takeOutput();
  }

  outputWritten(): void {
    this.#connection.out.reuse();
  }

  tick(nowMs: number): void {
    this.#timers.tick(nowMs);
  }

  nextTickMs(): number {
    return this.#timers.nextTickMs();
  }

  drain(): void {
    this.#role.acceptsCalls = false;
    this.#connection.drain();
  }

  close(reason: string): void {
    this.#connection.close(reason);
  }

  socketClosed(reason: string): void {
    this.#connection.socketClosed(reason);
  }
}
