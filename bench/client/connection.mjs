/**
 * A connection of a load: this project's own HTTP/2 client on a socket, without a promise or a closure per
 * call, so that the load side costs less than any server that it drives.
 */
import { GrpcClientConnection } from "../../dist/http2/grpc-client.js";
import { installPlatformBytes } from "../../dist/platform/native-bytes.js";
import { dial } from "../../dist/platform/socket-dial.js";

installPlatformBytes();

const NO_METADATA = [];
const NO_OPTIONS = {};

export class Connection {
  #stream;
  #engine;
  #writable = true;
  #flushScheduled = false;
  #closing = false;
  /** Sent with every call. */
  metadata = NO_METADATA;

  /** @param {(reason: string) => void} onLost told when it ends without `close` */
  constructor(stream, authority, onLost) {
    this.#stream = stream;
    const flush = () => this.#flush();
    this.#engine = new GrpcClientConnection({
      authority,
      events: {
        // All calls of one turn go out with one write.
        onOutput: () => {
          if (this.#flushScheduled) return;
          this.#flushScheduled = true;
          setImmediate(flush);
        },
        onClosed: (reason) => {
          if (!this.#closing) onLost(reason);
        },
        onInputWanted(wanted) {
          if (wanted) stream.resume();
          else stream.pause();
        },
      },
    });
    this.#engine.start(performance.now());
    stream.setHandler({
      onBytes: (bytes) => this.#engine.receive(bytes, performance.now()),
      onWritable: () => {
        this.#writable = true;
        this.#flush();
      },
      onClosed: (reason) => this.#engine.socketClosed(reason),
    });
  }

  /** `done(status, message, call)`; the call's `context` is `context`. */
  unary(path, body, done, context) {
    this.#engine.unary(path, this.metadata, body, NO_OPTIONS, done).context = context;
  }

  /** Opens a stream; `handlers` may be shared by many. */
  stream(path, handlers, context) {
    const call = this.#engine.stream(path, this.metadata, handlers);
    call.context = context;
    return call;
  }

  /** A unary call outside of any hot path: resolves with a copy of the answer. */
  ask(path, body) {
    return new Promise((resolve, reject) => {
      this.unary(path, body, (status, message) => {
        if (status.code === 0) resolve(Uint8Array.from(message));
        else reject(new Error(`${path}: ${describeStatus(status)}`));
      });
    });
  }

  close() {
    this.#closing = true;
    this.#stream.destroy();
  }

  #flush() {
    this.#flushScheduled = false;
    while (this.#writable) {
      const output = this.#engine.takeOutput();
      if (output === undefined) return;
      this.#writable = this.#stream.write(output);
      if (this.#stream.writtenWhole) this.#engine.outputWritten();
    }
  }
}

export function describeStatus(status) {
  return `code ${status.code}: ${status.message}`;
}

/** @param {(reason: string) => void} onLost @param {object} [tls] as `dial` takes it */
export async function openConnection(port, onLost, tls) {
  const address = `127.0.0.1:${port}`;
  return new Connection(await dial(address, tls), address, onLost);
}

/** `ports`: one, or several that have their turn. */
export function openConnections(ports, count, onLost, tls) {
  const all = [ports].flat();
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      openConnection(all[index % all.length], onLost, tls),
    ),
  );
}
