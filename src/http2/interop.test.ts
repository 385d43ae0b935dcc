/**
 * Over real sockets against peers that others wrote: @grpc/grpc-js and node:http2, each as client of our
 * server and as server of our client.
 */
import { once } from "node:events";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { unprovenPeer } from "../ports/client-peer.ts";
import type { EndpointEvents, Http2Endpoint } from "./endpoint.ts";
import { GrpcClientConnection } from "./grpc-client.ts";
import type { GrpcStatus } from "./grpc-client-types.ts";
import { GrpcServerConnection } from "./grpc-server.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "./grpc-server-types.ts";
import type { ClientConnectionOptions, GrpcServerConfig } from "./options.ts";

/** The shell of one connection: a socket, a clock, a turn. */
class SocketShell implements EndpointEvents {
  readonly socket: net.Socket;
  endpoint: Http2Endpoint | undefined = undefined;
  readonly closed: string[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      this.endpoint?.receive(chunk, performance.now());
      this.#flush();
    });
    socket.on("drain", () => this.#flush());
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(this.#timer);
      this.endpoint?.socketClosed("socket closed");
    });
    this.#timer = setInterval(() => this.endpoint?.tick(performance.now()), 5);
  }

  run(endpoint: Http2Endpoint): void {
    this.endpoint = endpoint;
    endpoint.start(performance.now());
  }

  onOutput(): void {
    setImmediate(() => this.#flush());
  }

  onClosed(reason: string): void {
    this.closed.push(reason);
    setImmediate(() => this.#flush());
  }

  onInputWanted(wanted: boolean): void {
    if (wanted) this.socket.resume();
    else this.socket.pause();
  }

  #flush(): void {
    const { endpoint, socket } = this;
    if (endpoint === undefined || socket.destroyed || socket.writableEnded) return;
    while (!socket.writableNeedDrain) {
      const bytes = endpoint.takeOutput();
      if (bytes === undefined) break;
      socket.write(bytes);
    }
    if (endpoint.shouldClose) socket.end();
  }
}

const closers: (() => void | Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Listens with our server; returns the port. */
async function serve(config: GrpcServerConfig): Promise<number> {
  const shells: SocketShell[] = [];
  const listener = net.createServer((socket) => {
    const shell = new SocketShell(socket);
    shells.push(shell);
    shell.run(
      new GrpcServerConnection({
        config,
        events: shell,
        peer: unprovenPeer(socket.remoteAddress ?? ""),
      }),
    );
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  closers.push(() => {
    for (const { socket } of shells) socket.destroy();
    listener.close();
  });
  return (listener.address() as AddressInfo).port;
}

/** Our client, connected to `port`. */
async function connect(
  port: number,
  limits: ClientConnectionOptions = {},
): Promise<GrpcClientConnection> {
  const socket = net.connect(port, "127.0.0.1");
  await once(socket, "connect");
  const shell = new SocketShell(socket);
  closers.push(() => {
    socket.destroy();
  });
  const client = new GrpcClientConnection({
    authority: `127.0.0.1:${port}`,
    events: shell,
    clock: { nowMs: () => performance.now() },
    limits,
  });
  shell.run(client);
  return client;
}

interface Answer {
  readonly status: GrpcStatus;
  readonly message: Buffer | undefined;
}

function unary(client: GrpcClientConnection, path: string, body: Uint8Array): Promise<Answer> {
  return new Promise((resolve) => {
    client.unary(path, [{ name: "x-in", value: "1" }], body, {}, (status, message) => {
      resolve({ status, message: message === undefined ? undefined : Buffer.from(message) });
    });
  });
}

/** Any bytes: the tests bring no schema. */
const bytesOf = (value: Buffer): Buffer => value;
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: bytesOf,
  requestDeserialize: bytesOf,
  responseSerialize: bytesOf,
  responseDeserialize: bytesOf,
});

const SERVICE = {
  echo: method("/t.T/Echo", false, false),
  fail: method("/t.T/Fail", false, false),
  never: method("/t.T/Never", false, false),
  chat: method("/t.T/Chat", true, true),
  many: method("/t.T/Many", false, true),
  hold: method("/t.T/Hold", true, true),
  none: method("/t.T/None", false, false),
};

/** The methods of SERVICE, ours. */
class Handler implements GrpcMethodHandler {
  readonly kind: "unary" | "stream";
  readonly run: (call: GrpcServerCall, message: Uint8Array) => void;
  cancelled = 0;

  constructor(kind: "unary" | "stream", run: (call: GrpcServerCall, message: Uint8Array) => void) {
    this.kind = kind;
    this.run = run;
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    this.run(call, message);
  }

  onHalfClose(call: GrpcServerCall): void {
    // Those that count end by themselves.
    if (typeof call.context === "number") return;
    call.sendStatus(0, "", [{ name: "x-end", value: "bye" }]);
  }

  onWritable(call: GrpcServerCall): void {
    this.run(call, new Uint8Array(0));
  }

  onCancel(): void {
    this.cancelled++;
  }
}

const MANY = 300;
const MANY_BYTES = 20_000;

/** Sends what is left of MANY messages while there is room. */
function sendMany(call: GrpcServerCall): void {
  let sent = typeof call.context === "number" ? call.context : 0;
  let room = true;
  while (room && sent < MANY) room = call.sendMessage(new Uint8Array(MANY_BYTES).fill(sent++));
  call.context = sent;
  if (sent === MANY) call.sendStatus(0, "");
}

function handlers(): Map<string, Handler> {
  return new Map([
    ["/t.T/Echo", new Handler("unary", (call, message) => call.sendUnary(message.slice()))],
    [
      "/t.T/Fail",
      new Handler("unary", (call) => {
        call.sendStatus(9, `kaputt ü ${call.get("x-in")}`, [
          { name: "x-bin", value: new Uint8Array([0, 255]) },
        ]);
      }),
    ],
    ["/t.T/Never", new Handler("unary", () => {})],
    ["/t.T/Chat", new Handler("stream", (call, message) => call.sendMessage(message.slice()))],
    ["/t.T/Many", new Handler("stream", sendMany)],
    [
      "/t.T/Hold",
      new Handler("stream", (call, message) => {
        call.context = 0;
        call.sendMessage(message.slice());
      }),
    ],
  ]);
}

function ourConfig(methods = handlers()): GrpcServerConfig {
  return {
    lookup: (path) => methods.get(path),
    knowsService: (service) => service === "t.T",
    inflate: (bytes, limit) => {
      try {
        return gunzipSync(bytes, { maxOutputLength: limit + 1 });
      } catch {
        return undefined;
      }
    },
    limits: { keepaliveMinTimeMs: 0 },
  };
}

describe("@grpc/grpc-js as client of our server", () => {
  const Client = grpc.makeGenericClientConstructor(SERVICE, "T");
  type Call = (...args: unknown[]) => grpc.ClientDuplexStream<Buffer, Buffer>;

  async function dial(
    methods = handlers(),
    options: grpc.ChannelOptions = {},
  ): Promise<Record<keyof typeof SERVICE, Call>> {
    const port = await serve(ourConfig(methods));
    const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
    closers.push(() => client.close());
    return client as unknown as Record<keyof typeof SERVICE, Call>;
  }

  const ask = (
    client: Record<keyof typeof SERVICE, Call>,
    name: keyof typeof SERVICE,
    body: Buffer,
    ...more: unknown[]
  ): Promise<{ error: grpc.ServiceError | null; value: Buffer | undefined }> =>
    new Promise((resolve) => {
      client[name](body, ...more, (error: grpc.ServiceError | null, value?: Buffer) =>
        resolve({ error, value }),
      );
    });

  test("unary calls, small and large, many at once", async () => {
    const client = await dial(handlers(), { "grpc.max_receive_message_length": -1 });
    const bodies = [0, 1, 300, 70_000, 3_000_000].map((size) => Buffer.alloc(size, 7));
    const answers = await Promise.all([
      ...bodies.map((body) => ask(client, "echo", body)),
      ...Array.from({ length: 200 }, (_, i) => ask(client, "echo", Buffer.from(String(i)))),
    ]);
    for (const [i, body] of bodies.entries()) expect(answers[i].value?.equals(body)).toBe(true);
    expect(answers.slice(bodies.length).map(({ value }) => Number(value?.toString()))).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
  });

  test("errors, texts, metadata both ways, unknown methods, deadlines", async () => {
    const client = await dial();
    const metadata = new grpc.Metadata();
    metadata.set("x-in", "in");
    const failed = await ask(client, "fail", Buffer.alloc(1), metadata);
    expect(failed.error).toMatchObject({ code: 9, details: "kaputt ü in" });
    expect(failed.error?.metadata.get("x-bin")).toEqual([Buffer.from([0, 255])]);
    const none = await ask(client, "none", Buffer.alloc(1));
    expect(none.error).toMatchObject({
      code: 12,
      details: "unknown method None for service t.T",
    });
    const late = await ask(client, "never", Buffer.alloc(1), { deadline: Date.now() + 60 });
    expect(late.error?.code).toBe(4);
  });

  test("a bidirectional stream, and its end", async () => {
    const client = await dial();
    const chat = client.chat();
    const seen: string[] = [];
    chat.on("data", (message: Buffer) => {
      seen.push(message.toString());
      if (seen.length < 50) chat.write(Buffer.from(`m${seen.length}`));
      else chat.end();
    });
    chat.write(Buffer.from("m0"));
    const [status] = (await once(chat, "status")) as [grpc.StatusObject];
    expect(status.code).toBe(0);
    expect(status.metadata.get("x-end")).toEqual(["bye"]);
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => `m${i}`));
  });

  test("a server stream much larger than any window, read slowly", async () => {
    const client = await dial();
    const many = client.many(Buffer.alloc(1));
    let count = 0;
    for await (const message of many as AsyncIterable<Buffer>) {
      expect(message.length).toBe(MANY_BYTES);
      expect(message[0]).toBe(count & 0xff);
      count++;
      if (count % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(count).toBe(MANY);
  });

  test("cancel reaches the handler", async () => {
    const methods = handlers();
    const client = await dial(methods);
    const held = client.hold();
    held.on("error", () => {});
    held.write(Buffer.from("x"));
    await once(held, "data");
    held.cancel();
    await expect.poll(() => methods.get("/t.T/Hold")?.cancelled).toBe(1);
  });

  test("gzip requests", async () => {
    const client = await dial(handlers(), {
      "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip,
    });
    const body = Buffer.alloc(50_000, 3);
    const { error, value } = await ask(client, "echo", body);
    expect(error).toBeNull();
    expect(value?.equals(body)).toBe(true);
  });
});

describe("our client against @grpc/grpc-js as server", () => {
  async function theirServer(): Promise<number> {
    const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
    type Unary = grpc.handleUnaryCall<Buffer, Buffer>;
    const echo: Unary = (call, callback) => callback(null, call.request);
    const fail: Unary = (call, callback) => {
      const metadata = new grpc.Metadata();
      metadata.set("x-bin", Buffer.from([0, 255]));
      callback({ code: 9, details: `kaputt ü ${String(call.metadata.get("x-in")[0])}`, metadata });
    };
    server.addService(SERVICE, {
      echo,
      fail,
      never: () => {},
      chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        call.on("data", (message: Buffer) => call.write(message));
        call.on("end", () => call.end());
      },
      many: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
        for (let i = 0; i < MANY; i++) call.write(Buffer.alloc(MANY_BYTES, i));
        call.end();
      },
      hold: () => {},
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    closers.push(() => server.forceShutdown());
    return port;
  }

  test("unary calls, small and large, many at once", async () => {
    const client = await connect(await theirServer());
    const bodies = [0, 1, 300, 70_000, 3_000_000].map((size) => Buffer.alloc(size, 7));
    const answers = await Promise.all([
      ...bodies.map((body) => unary(client, "/t.T/Echo", body)),
      ...Array.from({ length: 200 }, (_, i) => unary(client, "/t.T/Echo", Buffer.from(`${i}`))),
    ]);
    for (const [i, body] of bodies.entries()) expect(answers[i].message?.equals(body)).toBe(true);
    expect(answers.slice(bodies.length).map(({ message }) => Number(message?.toString()))).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
  });

  test("errors, metadata, unknown methods, deadlines", async () => {
    const client = await connect(await theirServer());
    const failed = await unary(client, "/t.T/Fail", Buffer.alloc(1));
    expect(failed.status).toMatchObject({ code: 9, message: "kaputt ü 1" });
    expect(failed.status.trailers.find(({ name }) => name === "x-bin")?.value).toEqual(
      new Uint8Array([0, 255]),
    );
    expect((await unary(client, "/t.T/Nope", Buffer.alloc(1))).status.code).toBe(12);
    const deadlineMs = performance.now() + 50;
    const late = await new Promise<GrpcStatus>((resolve) => {
      client.unary("/t.T/Never", [], Buffer.alloc(1), { deadlineMs }, resolve);
    });
    expect(late.code).toBe(4);
  });

  test("streams in both directions", async () => {
    const client = await connect(await theirServer());
    const seen: number[] = [];
    const status = await new Promise<GrpcStatus>((resolve) => {
      const call = client.stream("/t.T/Chat", [], {
        onMessage: (_, message) => {
          seen.push(message.length);
          if (seen.length === 20) call.halfClose();
        },
        onStatus: (_, end) => resolve(end),
      });
      for (let i = 0; i < 20; i++) call.sendMessage(new Uint8Array(i * 5000));
    });
    expect(status.code).toBe(0);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i * 5000));
  });

  test("a large server stream", async () => {
    const client = await connect(await theirServer(), { streamWindowBytes: 100_000 });
    let bytes = 0;
    const status = await new Promise<GrpcStatus>((resolve) => {
      const call = client.stream("/t.T/Many", [], {
        onMessage: (_, message) => {
          bytes += message.length;
        },
        onStatus: (_, end) => resolve(end),
      });
      call.sendMessage(new Uint8Array(1));
      call.halfClose();
    });
    expect(status.code).toBe(0);
    expect(bytes).toBe(MANY * MANY_BYTES);
  });
});

describe("node:http2 as client of our server", () => {
  async function session(config: GrpcServerConfig): Promise<http2.ClientHttp2Session> {
    const client = http2.connect(`http://127.0.0.1:${await serve(config)}`);
    client.on("error", () => {});
    await once(client, "connect");
    closers.push(() => client.destroy());
    return client;
  }

  async function body(stream: http2.ClientHttp2Stream): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
    return Buffer.concat(parts);
  }

  test("a gRPC call in bare HTTP/2", async () => {
    const client = await session(ourConfig());
    const stream = client.request({
      ":method": "POST",
      ":path": "/t.T/Echo",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.end(Buffer.from([0, 0, 0, 0, 2, 7, 8]));
    const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    expect(headers).toMatchObject({ ":status": 200, "content-type": "application/grpc" });
    const trailers = once(stream, "trailers");
    expect(await body(stream)).toEqual(Buffer.from([0, 0, 0, 0, 2, 7, 8]));
    expect((await trailers)[0]).toMatchObject({ "grpc-status": "0" });
  });

  test("plain requests and answers, large bodies both ways", async () => {
    const config: GrpcServerConfig = {
      ...ourConfig(),
      onPlainRequest: (request) => {
        const parts: Uint8Array[] = [];
        const headers = { "content-type": "text/plain", "x-path": request.path };
        request.readBody({
          onBytes: (bytes) => parts.push(bytes),
          onEnd: () =>
            request.respond(request.method === "GET" ? 200 : 201, headers, Buffer.concat(parts)),
          onFailed: () => {},
        });
      },
    };
    const client = await session(config);
    const large = Buffer.alloc(1_000_000, 5);
    const post = client.request({ ":method": "POST", ":path": "/v3/kv/put" });
    post.end(large);
    const [headers] = (await once(post, "response")) as [http2.IncomingHttpHeaders];
    expect(headers).toMatchObject({ ":status": 201, "x-path": "/v3/kv/put" });
    expect((await body(post)).equals(large)).toBe(true);
    const get = client.request({ ":path": "/health" });
    expect((await once(get, "response"))[0]).toMatchObject({ ":status": 200 });
    expect(await body(get)).toHaveLength(0);
  });

  test("ping, changed settings, and a graceful end", async () => {
    const client = await session(ourConfig());
    const pong = await new Promise<Buffer>((resolve, reject) => {
      client.ping(Buffer.from("12345678"), (error, _, payload) => {
        if (error === null) resolve(Buffer.from(payload));
        else reject(error);
      });
    });
    expect(pong.toString()).toBe("12345678");
    await new Promise<void>((resolve) => {
      client.settings({ headerTableSize: 0, initialWindowSize: 10 }, () => resolve());
    });
    const stream = client.request({
      ":method": "POST",
      ":path": "/t.T/Echo",
      "content-type": "application/grpc",
    });
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, 200]), Buffer.alloc(200, 1)]));
    expect(await body(stream)).toHaveLength(205);
    client.close();
    await once(client, "close");
  });
});

describe("our client against node:http2 as server", () => {
  test("answers in pieces, compressed ones refused, resets and GOAWAY", async () => {
    const server = http2.createServer();
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      const path = headers[":path"];
      if (path === "/t.T/Reset") {
        stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
        return;
      }
      stream.on("data", () => {});
      stream.on("end", () => {
        stream.respond(
          { ":status": 200, "content-type": "application/grpc", "grpc-encoding": "gzip" },
          { waitForTrailers: true },
        );
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-t": "1" }));
        const zipped = gzipSync("hello");
        const flag = path === "/t.T/Zip" ? 1 : 0;
        const message = flag === 1 ? zipped : Buffer.from("hello");
        const prefix = Buffer.from([flag, 0, 0, 0, message.length]);
        for (const byte of Buffer.concat([prefix, message])) stream.write(Buffer.from([byte]));
        stream.end();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => {
      server.close();
    });
    const client = await connect((server.address() as AddressInfo).port);
    const answer = await unary(client, "/t.T/Echo", Buffer.from("x"));
    expect(answer.status).toMatchObject({ code: 0, trailers: [{ name: "x-t", value: "1" }] });
    expect(answer.message?.toString()).toBe("hello");
    const zipped = await unary(client, "/t.T/Zip", Buffer.from("x"));
    expect(zipped.status.message).toBe(
      'grpc: Decompressor is not installed for grpc-encoding "gzip"',
    );
    const reset = await unary(client, "/t.T/Reset", Buffer.from("x"));
    expect(reset.status).toMatchObject({ code: 14, unprocessed: true });
    expect(client.openCalls).toBe(0);
  });
});

test("our client against our server over a socket: 20,000 calls", async () => {
  const client = await connect(await serve(ourConfig()));
  const body = Buffer.alloc(200, 9);
  let wrong = 0;
  await new Promise<void>((resolve) => {
    let left = 20_000;
    let started = 0;
    const next = (): void => {
      if (started++ >= 20_000) return;
      client.unary("/t.T/Echo", [], body, {}, (status, message) => {
        if (status.code !== 0 || message?.length !== 200) wrong++;
        if (--left === 0) resolve();
        next();
      });
    };
    for (let i = 0; i < 100; i++) next();
  });
  expect(wrong).toBe(0);
  expect(client.openCalls).toBe(0);
});
