/**
 * A gRPC server in memory, and the way to it: the client's connector over pairs of byte streams, so that a
 * test sees real frames without a socket and decides what the server answers, and when it goes away.
 */
import type { Connector, ConnectTarget } from "../../src/client/connector.ts";
import { GrpcCode } from "../../src/errors/codes.ts";
import { GrpcServerConnection } from "../../src/http2/grpc-server.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../../src/http2/grpc-server-types.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { ByteStream, StreamHandler } from "../../src/ports/network.ts";

/** Answers one unary call, at once or later. `request` is the handler's own copy. */
export type Answer = (call: GrpcServerCall, request: Uint8Array) => void;

/** One end of a pair. What one end writes the other reads in a later turn. */
class MemoryStream implements ByteStream {
  readonly remoteAddress = "memory";
  readonly writtenWhole = false;
  other: MemoryStream | undefined;
  #handler: StreamHandler | undefined;
  readonly #arrived: Uint8Array[] = [];
  #isPaused = false;
  #isGone = false;

  setHandler(handler: StreamHandler): void {
    this.#handler = handler;
    this.#deliver();
  }

  write(bytes: Uint8Array): boolean {
    this.other?.arrived(bytes);
    return true;
  }

  arrived(bytes: Uint8Array): void {
    this.#arrived.push(bytes);
    this.#deliver();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#deliver();
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    this.closed("");
    this.other?.closed("");
  }

  closed(reason: string): void {
    if (this.#isGone) return;
    this.#later(() => {
      this.#isGone = true;
      this.#handler?.onClosed(reason);
    });
  }

  /** Hands over what has arrived, in later turns, as long as it is wanted. */
  #deliver(): void {
    this.#later(() => {
      while (!this.#isGone && !this.#isPaused && this.#handler !== undefined) {
        const bytes = this.#arrived.shift();
        if (bytes === undefined) return;
        this.#handler.onBytes(bytes);
      }
    });
  }

  #later(run: () => void): void {
    setImmediate(run);
  }
}

/** A server at one address. */
export class MemoryServer {
  /** Paths of the calls that arrived, in order. */
  readonly calls: string[] = [];
  connections = 0;
  readonly #clock: Clock;
  readonly #answers: Map<string, Answer>;
  readonly #streams: Map<string, GrpcMethodHandler>;
  readonly #open = new Set<{ stream: MemoryStream; connection: GrpcServerConnection }>();

  constructor(
    clock: Clock,
    answers: Readonly<Record<string, Answer>>,
    streams: Readonly<Record<string, GrpcMethodHandler>> = {},
  ) {
    this.#clock = clock;
    this.#answers = new Map(Object.entries(answers));
    this.#streams = new Map(Object.entries(streams));
  }

  /** Sends GOAWAY on every connection; open calls go on. */
  drain(): void {
    for (const { connection } of this.#open) connection.drain();
  }

  /** Cuts every connection. */
  cut(): void {
    for (const { stream } of this.#open) stream.destroy();
  }

  accept(): ByteStream {
    this.connections++;
    const ours = new MemoryStream();
    const theirs = new MemoryStream();
    ours.other = theirs;
    theirs.other = ours;
    const flush = (): void => {
      for (let out = connection.takeOutput(); out !== undefined; out = connection.takeOutput()) {
        ours.write(out);
      }
      if (connection.shouldClose) ours.end();
    };
    const connection: GrpcServerConnection = new GrpcServerConnection({
      config: { lookup: (path) => this.#handler(path) },
      events: { onOutput: () => void Promise.resolve().then(flush), onClosed: () => undefined },
    });
    const entry = { stream: ours, connection };
    this.#open.add(entry);
    ours.setHandler({
      onBytes: (bytes) => connection.receive(bytes, this.#clock.nowMs()),
      onWritable: flush,
      onClosed: (reason) => {
        this.#open.delete(entry);
        connection.socketClosed(reason);
      },
    });
    connection.start(this.#clock.nowMs());
    return theirs;
  }

  #handler(path: string): GrpcMethodHandler {
    const stream = this.#streams.get(path);
    if (stream !== undefined) {
      return {
        kind: stream.kind,
        onCall: (call) => {
          this.calls.push(path);
          stream.onCall?.(call);
        },
        onMessage: (call, message) => stream.onMessage(call, message),
        onHalfClose: (call) => stream.onHalfClose(call),
        onCancel: (call) => stream.onCancel(call),
        onWritable: (call) => stream.onWritable?.(call),
      };
    }
    return {
      kind: "unary",
      onMessage: (call, message) => {
        this.calls.push(path);
        const answer = this.#answers.get(path);
        if (answer === undefined) call.sendStatus(GrpcCode.Unimplemented, `unknown method ${path}`);
        else answer(call, message.slice());
      },
      onHalfClose: () => undefined,
      onCancel: () => undefined,
    };
  }
}

/** Servers by address; everything else refuses. */
export class MemoryNetwork implements Connector {
  readonly servers = new Map<string, MemoryServer>();
  /** Targets of all attempts to connect, in order. */
  readonly attempts: ConnectTarget[] = [];

  connect(target: ConnectTarget): Promise<ByteStream> {
    this.attempts.push(target);
    const server = this.servers.get(target.address);
    if (server !== undefined) return Promise.resolve(server.accept());
    const reason = `dial tcp ${target.address}: connect: connection refused`;
    return Promise.reject(new Error(`transport: Error while dialing: ${reason}`));
  }
}
