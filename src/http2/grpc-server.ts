/**
 * A server's connection: gRPC calls (and plain requests) of one client, over bytes.
 *
 * ```ts
 * const connection = new GrpcServerConnection({ config, events, peer: unprovenPeer(remoteAddress) });
 * connection.start(now);
 * socket.on("data", (chunk) => connection.receive(chunk, clock.nowMs()));
 * // events.onOutput: at the end of the turn, while the socket accepts bytes:
 * for (let bytes; (bytes = connection.takeOutput()) !== undefined; ) socket.write(bytes);
 * ```
 *
 * Source: gRPC over HTTP/2; grpc-go internal/transport/http2_server.go for what clients are used to.
 */
import { type ClientPeer, unprovenPeer } from "../ports/client-peer.ts";
import { Counter } from "../stdx/metrics/counter.ts";
import { Connection } from "./connection.ts";
import { serverLimits } from "./connection-limits.ts";
import type { ConnectionRole } from "./connection-role.ts";
import { ConnectionTimers } from "./connection-timers.ts";
import type { Http2Endpoint } from "./endpoint.ts";
import { FrameReader } from "./frame-reader.ts";
import { writeHeaderBlock, writeSettings } from "./frame-writer.ts";
import { ServerCall, type ServerCallScope } from "./grpc-server-call.ts";
import type { HeaderBlock } from "./header-block.ts";
import { Keepalive } from "./keepalive.ts";
import { CONCURRENT_STREAMS_UNLIMITED } from "./limits.ts";
import type { GrpcServerArguments, GrpcServerConfig } from "./options.ts";
import { PlainExchange } from "./plain-exchange.ts";
import { ErrorCode, SettingId } from "./protocol.ts";
import type { Refusal, RequestHead } from "./request-head.ts";
import { RequestHeads } from "./request-heads.ts";
import { ResponseBlocks } from "./response-blocks.ts";
import type { Http2Stream } from "./stream.ts";

/** The other end of a connection that nobody described. */
const NOBODY: ClientPeer = unprovenPeer("");

export class GrpcServerConnection implements Http2Endpoint {
  readonly #connection: Connection;
  readonly #reader: FrameReader;
  readonly #timers: ConnectionTimers;

  constructor({ config, events, peer = NOBODY }: GrpcServerArguments) {
    const limits = serverLimits(config.limits ?? {});
    const keepalive = new Keepalive(limits);
    const role = new ServerRole(config);
    const connection = new Connection(role, limits, events, config.sharedMemory);
    const blocks = new ResponseBlocks(connection.encoder);
    const traffic = config.traffic ?? { receivedBytes: new Counter(), sentBytes: new Counter() };
    role.scope = { connection, blocks, inflate: config.inflate, peer, traffic };
    this.#connection = connection;
    this.#reader = new FrameReader(connection, keepalive);
    this.#timers = new ConnectionTimers(connection, this.#reader, keepalive);
  }

  /** Calls and plain requests that are open. */
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

  start(nowMs: number): void {
    const connection = this.#connection;
    const { limits } = connection;
    connection.nowMs = nowMs;
    this.#timers.start(nowMs);
    const unlimited = limits.maxConcurrentStreams >= CONCURRENT_STREAMS_UNLIMITED;
    writeSettings(connection.out, [
      [SettingId.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
      [SettingId.MAX_HEADER_LIST_SIZE, limits.headerListBytesMax],
      ...(unlimited
        ? []
        : [[SettingId.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams] as const]),
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
    this.#connection.drain();
  }

  /** Ends the calls that may have no end of their own, with a status. */
  endStreams(code: number, message: string): void {
    for (const { owner } of [...this.#connection.streams.values()]) {
      if (owner instanceof ServerCall) owner.onServerStop(code, message);
    }
  }

  close(reason: string): void {
    this.#connection.close(reason);
  }

  socketClosed(reason: string): void {
    this.#connection.socketClosed(reason);
  }
}

/** What a server does with new streams. */
class ServerRole implements ConnectionRole {
  readonly isServer = true;
  readonly waitingCalls = 0;
  /** Set right after construction: connection and role know each other. */
  scope!: ServerCallScope;
  readonly #config: GrpcServerConfig;
  readonly #heads: RequestHeads;

  constructor(config: GrpcServerConfig) {
    this.#config = config;
    this.#heads = new RequestHeads(config);
  }

  onRequest(stream: Http2Stream, block: HeaderBlock): void {
    const { scope } = this;
    const { connection } = scope;
    if (block.truncated) {
      const text = "header list larger than SETTINGS_MAX_HEADER_LIST_SIZE";
      connection.streamError(stream.id, stream, ErrorCode.FRAME_SIZE_ERROR, text);
      return;
    }
    const head = this.#heads.of(block);
    switch (head.kind) {
      case "call":
        return beginCall(scope, stream, head, this.#heads.timeoutMs);
      case "plain":
        return this.#beginPlain(scope, stream, head);
      case "refusal":
        if (head.refusal !== undefined) refuse(scope, stream, head, head.refusal);
        return;
      case "violation":
        connection.streamError(stream.id, stream, ErrorCode.PROTOCOL_ERROR, head.violation);
        return;
    }
  }

  #beginPlain(scope: ServerCallScope, stream: Http2Stream, head: RequestHead): void {
    const exchange = new PlainExchange(scope, stream, head, this.#config.dateOf);
    stream.owner = exchange;
    if (expectBody(scope, stream, head)) this.#config.onPlainRequest?.(exchange);
  }

  onPeerSettings(): void {}

  /** A client goes away: it opens no more streams, the open ones go on. */
  onGoAway(): void {
    this.scope.connection.drain();
  }

  onStreamClosed(): void {}
  onReceiveEnd(): void {}
  onTick(): void {}

  nextTickMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  onEnded(): void {}
}

function beginCall(
  scope: ServerCallScope,
  stream: Http2Stream,
  head: RequestHead,
  timeoutMs: number,
): void {
  const { handler } = head;
  if (handler === undefined) return;
  const call = new ServerCall(scope, stream, head, handler, timeoutMs);
  stream.owner = call;
  if (timeoutMs < Number.POSITIVE_INFINITY) scope.connection.noteDeadline(call.deadlineMs);
  if (head.bodyBytes >= 0 && !expectBody(scope, stream, head)) return;
  call.begin();
}

/** Notes the announced length of the body; false when the end of the stream already belies it. */
function expectBody(scope: ServerCallScope, stream: Http2Stream, head: RequestHead): boolean {
  stream.bodyBytesLeft = head.bodyBytes;
  if (!stream.remoteClosed || head.bodyBytes <= 0) return true;
  const text = "body differs from content-length";
  scope.connection.streamError(stream.id, stream, ErrorCode.PROTOCOL_ERROR, text);
  return false;
}

/** Answers a call that no handler will see. */
function refuse(
  scope: ServerCallScope,
  stream: Http2Stream,
  head: RequestHead,
  refusal: Refusal,
): void {
  const { connection, blocks } = scope;
  const { headerListBytesMax } = connection.peerSettings;
  if (blocks.statusListBytes(head.responseType, refusal.message, []) > headerListBytesMax) {
    connection.resetStream(stream, ErrorCode.INTERNAL_ERROR);
    return;
  }
  const block = blocks.refusal(head.responseType, refusal);
  writeHeaderBlock(connection.out, stream.id, block, true, connection.scheduler.frameBytesMax);
  if (stream.remoteClosed) connection.closeStream(stream);
  else connection.resetStream(stream, ErrorCode.NO_ERROR);
  connection.wroteMessage();
}
