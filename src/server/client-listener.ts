/**
 * Accepts connections: looks at the first bytes, gives HTTP/2 to the gRPC engine and HTTP/1.1 to
 * the HTTP server, and moves bytes between sockets and engines.
 *
 * Writes are gathered: whatever a turn of the event loop answers on one connection leaves in one write.
 * The run loop calls `flush` at the end of its turn; what arises outside of one is flushed a moment later.
 */
import { Errors } from "../errors/table.ts";
import { goAwayFrame } from "../http2/frame-writer.ts";
import { GrpcServerConnection } from "../http2/grpc-server.ts";
import type { GrpcServerConfig } from "../http2/options.ts";
import { ErrorCode, looksLikeHttp2Preface } from "../http2/protocol.ts";
import type { HttpServer } from "../platform/http-server.ts";
import type { SocketStream } from "../platform/tcp.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { ClientPeer } from "../ports/client-peer.ts";
import type { ByteStream, StreamHandler } from "../ports/network.ts";
import { concatBytes, EMPTY_BYTES } from "../stdx/bytes.ts";
import { TLS_HANDSHAKE } from "./first-bytes.ts";
import { CLOSE_TIMEOUT_MS, CONNECTION_TICK_MS, FIRST_BYTES_TIMEOUT_MS } from "./limits.ts";

/** A connection over which gRPC is served: a socket, or a stream inside the process. */
export interface GrpcStream extends ByteStream {
  readonly peer: ClientPeer;
  /** Whether it is encrypted. */
  readonly secure: boolean;
  /** It is encrypted in a way that HTTP/2 does not allow, and yet HTTP/2 was agreed on. */
  readonly prohibitsHttp2: boolean;
}

export interface ClientConnectionParts {
  /** HTTP/2 without TLS: gRPC alone, as in etcd. Absent: it is not spoken. */
  readonly grpc: GrpcServerConfig | undefined;
  /** HTTP/2 over TLS, which may also take plain requests. */
  readonly secureGrpc: GrpcServerConfig;
  /** HTTP/1.1. Absent: whoever comes has to speak HTTP/2. */
  readonly http: HttpServer | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when requests may have arrived. */
  readonly onInput: () => void;
}

export class ClientConnections {
  readonly #parts: ClientConnectionParts;
  readonly #open = new Set<ServedConnection>();
  #dirty: ServedConnection[] = [];
  #flushScheduled = false;
  #ticking: Timer | undefined;
  #draining = false;
  /** Whether HTTP/1.1 has requests under way. */
  #httpIsBusy = true;
  #drained: (() => void) | undefined;

  constructor(parts: ClientConnectionParts) {
    this.#parts = parts;
  }

  /** Takes over a connection that was just accepted. */
  accept(stream: SocketStream): void {
    const { http } = this.#parts;
    if (http === undefined) {
      this.acceptGrpc(stream);
      return;
    }
    const timeout = this.#parts.clock.after(FIRST_BYTES_TIMEOUT_MS, () => stream.destroy());
    let head: Uint8Array = EMPTY_BYTES;
    stream.setHandler({
      onBytes: (bytes) => {
        head = head.length === 0 ? bytes.slice() : concatBytes([head, bytes]);
        const protocol = looksLikeHttp2Preface(head);
        if (protocol === "more") return;
        timeout.cancel();
        if (head[0] === TLS_HANDSHAKE) {
          // Where there is no TLS, an answer in plain text would only be misread.
          stream.end();
          return;
        }
        if (protocol === "yes") this.#serveGrpc(stream, head);
        else http.serve(stream, head);
      },
      onWritable: () => {},
      onClosed: () => timeout.cancel(),
    });
  }

  /** Takes over a connection on which nothing but gRPC is spoken, from its first byte. */
  acceptGrpc(stream: GrpcStream): void {
    this.#serveGrpc(stream, EMPTY_BYTES);
  }

  /** Writes what all connections have to say. */
  flush(): void {
    this.#flushScheduled = false;
    if (this.#dirty.length === 0) return;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) connection.flush();
  }

  /** Lets calls under way finish on every connection, for `graceMs` at most, then closes them all. */
  drain(graceMs: number): Promise<void> {
    this.#draining = true;
    const onHttpDrained = (): void => {
      this.#httpIsBusy = false;
      this.#checkDrained();
    };
    if (this.#parts.http === undefined) onHttpDrained();
    else this.#parts.http.drain(onHttpDrained);
    for (const connection of this.#open) connection.drain();
    this.flush();
    return new Promise((resolve) => {
      const finish = (): void => {
        deadline.cancel();
        this.#drained = undefined;
        this.#ticking?.cancel();
        for (const connection of this.#open) connection.destroy();
        this.#parts.http?.destroy();
        resolve();
      };
      const deadline = this.#parts.clock.after(graceMs, finish);
      this.#drained = finish;
      this.#checkDrained();
    });
  }

  /** Called by a connection that has received something. */
  received(): void {
    this.#parts.onInput();
  }

  /** Called by a connection that has output for the first time since its last flush. */
  markDirty(connection: ServedConnection): void {
    this.#dirty.push(connection);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#parts.clock.defer(() => this.flush());
  }

  forget(connection: ServedConnection, reason: string): void {
    if (!this.#open.delete(connection)) return;
    if (reason !== "") {
      this.#parts.log.debug("closed client connection", {
        "remote-addr": connection.remoteAddress,
        reason,
      });
    }
    if (this.#open.size === 0) this.#ticking?.cancel();
    this.#checkDrained();
  }

  #serveGrpc(stream: GrpcStream, head: Uint8Array): void {
    const { grpc, secureGrpc, clock } = this.#parts;
    const config = stream.secure ? secureGrpc : grpc;
    if (config === undefined) {
      stream.destroy();
      return;
    }
    if (stream.prohibitsHttp2) {
      stream.write(INADEQUATE_SECURITY);
      stream.end();
      return;
    }
    const connection = new ServedConnection(this, stream, config, clock);
    this.#open.add(connection);
    if (this.#open.size === 1) this.#scheduleTick();
    connection.begin(head);
    if (this.#draining) connection.drain();
  }

  #scheduleTick(): void {
    const { clock } = this.#parts;
    this.#ticking = clock.after(CONNECTION_TICK_MS, () => {
      const now = clock.nowMs();
      for (const connection of this.#open) connection.tick(now);
      if (this.#open.size > 0) this.#scheduleTick();
    });
  }

  #checkDrained(): void {
    if (this.#open.size === 0 && !this.#httpIsBusy) this.#drained?.();
  }
}

/** Says why HTTP/2 is not spoken: the cipher is one that RFC 9113 prohibits. As Go does. */
const INADEQUATE_SECURITY = goAwayFrame(
  ErrorCode.INADEQUATE_SECURITY,
  "Prohibited TLS 1.2 Cipher Suite",
);

/** One gRPC connection: its socket and its engine. */
class ServedConnection implements StreamHandler {
  readonly #owner: ClientConnections;
  readonly #stream: GrpcStream;
  readonly #engine: GrpcServerConnection;
  readonly #clock: Clock;
  #writable = true;
  #endingSince: number | undefined;

  constructor(
    owner: ClientConnections,
    stream: GrpcStream,
    config: GrpcServerConfig,
    clock: Clock,
  ) {
    this.#owner = owner;
    this.#stream = stream;
    this.#clock = clock;
    this.#engine = new GrpcServerConnection({
      config,
      events: {
        onOutput: () => this.#owner.markDirty(this),
        onClosed: () => {},
        onInputWanted: (wanted) => (wanted ? stream.resume() : stream.pause()),
      },
      peer: stream.peer,
    });
  }

  get remoteAddress(): string {
    return this.#stream.remoteAddress;
  }

  begin(head: Uint8Array): void {
    this.#engine.start(this.#clock.nowMs());
    this.#stream.setHandler(this);
    if (head.length > 0) this.onBytes(head);
    else this.flush();
  }

  onBytes(bytes: Uint8Array): void {
    this.#engine.receive(bytes, this.#clock.nowMs());
    this.#owner.received();
    if (this.#engine.shouldClose) this.flush();
  }

  onWritable(): void {
    this.#writable = true;
    this.flush();
  }

  onClosed(reason: string): void {
    const why = this.#engine.closeReason === "" ? reason : this.#engine.closeReason;
    this.#engine.socketClosed(reason);
    this.#owner.forget(this, why);
  }

  flush(): void {
    while (this.#writable) {
      const output = this.#engine.takeOutput();
      if (output === undefined) break;
      this.#writable = this.#stream.write(output);
      if (this.#stream.writtenWhole) this.#engine.outputWritten();
    }
    if (this.#engine.shouldClose && this.#writable && this.#endingSince === undefined) {
      this.#endingSince = this.#clock.nowMs();
      this.#stream.end();
    }
  }

  tick(nowMs: number): void {
    if (this.#endingSince !== undefined) {
      if (nowMs - this.#endingSince > CLOSE_TIMEOUT_MS) this.destroy();
      return;
    }
    if (this.#engine.nextTickMs() > nowMs) return;
    this.#engine.tick(nowMs);
    if (!this.#engine.shouldClose) return;
    this.flush();
    if (!this.#writable) this.destroy();
  }

  /**
   * Differs from etcd: streams end with a status, of the code that clients make of the connection that etcd
   * cuts instead. So they do not hold the end up, and nobody has to guess.
   */
  drain(): void {
    this.#engine.drain();
    this.#engine.endStreams(Errors.Stopped.code, Errors.Stopped.message);
    if (this.#engine.shouldClose) this.flush();
  }

  destroy(): void {
    this.#stream.destroy();
  }
}
