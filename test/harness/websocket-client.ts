/** The client's side of a websocket, for tests: text messages out, text messages in. */
import { randomBytes } from "node:crypto";
import http from "node:http";
import type { Duplex } from "node:stream";
import { sleep } from "./sleep.ts";

const POLL_MS = 10;

export class WebSocketClient {
  /** Texts that came, in order. */
  readonly messages: string[] = [];
  readonly headers: http.IncomingHttpHeaders;
  isClosed = false;
  readonly #socket: Duplex;
  #unread: Buffer = Buffer.alloc(0);

  private constructor(socket: Duplex, headers: http.IncomingHttpHeaders) {
    this.#socket = socket;
    this.headers = headers;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** Connects; rejects with the status where the server does not change the protocol. */
  static open(
    endpoint: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<WebSocketClient> {
    const request = http.get(`http://${endpoint}${path}`, {
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
        ...headers,
      },
    });
    return new Promise((resolve, reject) => {
      request.on("upgrade", ({ headers: answered }, socket, head) => {
        const client = new WebSocketClient(socket, answered);
        if (head.length > 0) client.#receive(head);
        resolve(client);
      });
      request.on("response", ({ statusCode }) => reject(new Error(`status ${statusCode}`)));
      request.on("error", reject);
    });
  }

  send(text: string): void {
    const payload = Buffer.from(text);
    const mask = randomBytes(4);
    const head =
      payload.length < 126 ? Buffer.from([0x81, 0x80 | payload.length]) : longHead(payload);
    this.#socket.write(Buffer.concat([head, mask, payload.map((byte, at) => byte ^ mask[at % 4])]));
  }

  close(): void {
    this.#socket.destroy();
  }

  async untilMessages(count: number): Promise<void> {
    while (this.messages.length < count) {
      if (this.isClosed) throw new Error(`Closed after ${this.messages.length} messages`);
      await sleep(POLL_MS);
    }
  }

  async untilClosed(): Promise<void> {
    while (!this.isClosed) await sleep(POLL_MS);
  }

  #receive(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (;;) {
      const bytes = this.#unread;
      if (bytes.length < 2) return;
      const short = bytes[1] & 0x7f;
      const start = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length < start) return;
      const length =
        short < 126
          ? short
          : short === 126
            ? bytes.readUInt16BE(2)
            : Number(bytes.readBigUInt64BE(2));
      if (bytes.length < start + length) return;
      const payload = bytes.subarray(start, start + length);
      this.#unread = bytes.subarray(start + length);
      if ((bytes[0] & 0x0f) === 1) this.messages.push(payload.toString());
      else if ((bytes[0] & 0x0f) === 8) this.#socket.end();
    }
  }
}

function longHead(payload: Buffer): Buffer {
  const head = Buffer.from([0x81, 0xfe, 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return head;
}
