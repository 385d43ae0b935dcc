/** A response that node:http has begun, as the port `HttpResponseStream`. */
import type http from "node:http";
import type { Socket } from "node:net";
import type { HttpResponseStream, HttpStreamHandler } from "../ports/http.ts";
import { timedOut } from "./socket-failure.ts";
import { WriteStall } from "./write-stall.ts";

/** Larger pieces are sent from where they are instead of being copied behind the head of their chunk. */
const COPIED_BYTES_MAX = 16 * 1024;

const CHUNK_END = Buffer.from("\r\n");

/**
 * Chunks are written to the socket itself: node:http would make each into four writes, and hold them back
 * until the end of the turn. A client that does not know chunks is sent the bytes as they are. Where the
 * response of another request comes first, node:http holds them.
 */
export class ServedStream implements HttpResponseStream {
  readonly #socket: Socket;
  readonly #message: http.IncomingMessage;
  readonly #response: http.ServerResponse;
  readonly #handler: HttpStreamHandler;
  readonly #stall: WriteStall;
  readonly #form: "chunks" | "bytes" | "held" | "nothing";
  readonly #onDrain = (): void => {
    this.#stall.end();
    if (!this.#closed) this.#handler.onWritable();
  };
  readonly #onGone = (): void => this.#close(new Error("EOF"));
  #closed = false;

  constructor(
    message: http.IncomingMessage,
    response: http.ServerResponse,
    writeTimeoutMs: number,
    handler: HttpStreamHandler,
  ) {
    const { socket } = message;
    this.#socket = socket;
    this.#message = message;
    this.#response = response;
    this.#handler = handler;
    if (message.method === "HEAD") this.#form = "nothing";
    else if (response.socket !== socket) this.#form = "held";
    else this.#form = message.httpVersion === "1.0" ? "bytes" : "chunks";
    this.#stall = new WriteStall(socket, writeTimeoutMs, () =>
      this.#close(timedOut("write", socket)),
    );
    socket.on("drain", this.#onDrain);
    if (this.#form === "held") response.on("drain", this.#onDrain);
    socket.on("close", this.#onGone);
  }

  write(pieces: readonly Uint8Array[]): boolean {
    if (this.#closed || this.#form === "nothing") return true;
    let length = 0;
    for (const piece of pieces) length += piece.length;
    if (length === 0) return true;
    if (this.#form === "held") return this.#response.write(Buffer.concat(pieces));
    const head = this.#form === "chunks" ? `${length.toString(16)}\r\n` : "";
    const end = this.#form === "chunks" ? CHUNK_END : NOTHING;
    const hasRoom =
      length <= COPIED_BYTES_MAX
        ? this.#socket.write(joined(head, pieces, length, end))
        : this.#writeLarge(head, pieces, end);
    if (!hasRoom) this.#stall.begin();
    return hasRoom;
  }

  end(): void {
    if (this.#closed) return;
    this.#leave();
    if (this.#message.complete) {
      this.#response.end();
      return;
    }
    // Nobody reads the rest of the request: the connection cannot be used for another one.
    this.#response.end(() => this.#socket.destroySoon());
  }

  destroy(): void {
    if (this.#closed) return;
    this.#leave();
    this.#socket.destroy();
  }

  #writeLarge(head: string, pieces: readonly Uint8Array[], end: Uint8Array): boolean {
    const socket = this.#socket;
    socket.cork();
    socket.write(head, "latin1");
    for (const piece of pieces) socket.write(piece);
    socket.write(end);
    // What the kernel takes at once is gone when this returns.
    socket.uncork();
    return !socket.writableNeedDrain;
  }

  #leave(): void {
    this.#closed = true;
    this.#stall.end();
    this.#socket.off("drain", this.#onDrain);
    this.#response.off("drain", this.#onDrain);
    this.#socket.off("close", this.#onGone);
  }

  #close(reason: Error): void {
    if (this.#closed) return;
    this.destroy();
    this.#handler.onClosed(reason);
  }
}

const NOTHING = new Uint8Array(0);

/** One chunk as one block of bytes. */
function joined(
  head: string,
  pieces: readonly Uint8Array[],
  length: number,
  end: Uint8Array,
): Uint8Array {
  const chunk = Buffer.allocUnsafe(head.length + length + end.length);
  let at = chunk.write(head, "latin1");
  for (const piece of pieces) {
    chunk.set(piece, at);
    at += piece.length;
  }
  chunk.set(end, at);
  return chunk;
}
