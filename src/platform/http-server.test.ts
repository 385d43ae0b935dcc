import net from "node:net";
import http from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { HttpServerRequest } from "../ports/http.ts";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "./http-server.ts";
import { listenOn } from "./tcp.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A server with this handler, and the port that it is on. */
async function serve(
  handler: (request: HttpServerRequest) => void,
  given: Partial<HttpServerOptions> = {},
): Promise<{ readonly server: HttpServer; readonly port: number }> {
  const long = { readTimeoutMs: 60_000, writeTimeoutMs: 60_000, idleTimeoutMs: 60_000 };
  const timeouts = { ...long, ...given };
  const server = createHttpServer(timeouts, handler);
  const listener = await listenOn({ kind: "tcp", host: "127.0.0.1", port: 0 }, (stream) =>
    server.serve(stream, new Uint8Array(0)),
  );
  cleanups.push(() => {
    listener.close();
    server.destroy();
  });
  return { server, port: listener.port };
}

/** Sends `bytes` and collects what comes until the other side closes. */
function converse(port: number, bytes: string, more?: (socket: net.Socket) => void) {
  return new Promise<string>((resolve) => {
    let all = "";
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.write(bytes);
      more?.(socket);
    });
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      all += chunk.replaceAll(/Date: [^\r]*\r\n/g, "");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(all));
  });
}

const CLOSING = "Connection: close\r\n\r\n";

describe("requests", () => {
  test("are taken apart", async () => {
    const seen: unknown[] = [];
    const { port } = await serve((request) => {
      const { method, path, query, host, protocol, secure } = request;
      seen.push({ method, path, query, host, protocol, secure });
      seen.push(request.headers().slice(0, 2), request.peer.commonName);
      request.respond(200, {}, text(request.header("x-a")));
    });
    const answer = await converse(
      port,
      `PUT /a%20b?c=d?e HTTP/1.1\r\nHost: h:1\r\nX-A: 1\r\nX-A: 2\r\n${CLOSING}`,
    );
    expect(seen).toEqual([
      {
        method: "PUT",
        path: "/a%20b",
        query: "c=d?e",
        host: "h:1",
        protocol: "HTTP/1.1",
        secure: false,
      },
      [
        { name: "Host", value: "h:1" },
        { name: "X-A", value: "1" },
      ],
      undefined,
    ]);
    expect(answer).toBe("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n1, 2");
  });

  test("of a proxy's form name their host", async () => {
    const { port } = await serve((request) =>
      request.respond(200, {}, text(`${request.host} ${request.path}`)),
    );
    const answer = await converse(port, `GET http://other:9/x?y HTTP/1.1\r\nHost: h\r\n${CLOSING}`);
    expect(answer).toMatch(/other:9 \/x$/);
  });

  test("that make no sense are refused as Go refuses them", async () => {
    const { port } = await serve((request) => request.respond(200, {}, text("")));
    const refusal = (words: string): string =>
      `HTTP/1.1 ${words}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Connection: close\r\n\r\n${words}`;
    expect(await converse(port, "nonsense\r\n\r\n")).toBe(refusal("400 Bad Request"));
    expect(await converse(port, "GET / HTTP/1.1\r\n\r\n")).toBe(
      refusal("400 Bad Request: missing required Host header"),
    );
    expect(await converse(port, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")).toBe(
      refusal("400 Bad Request: too many Host headers"),
    );
    const large = `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(70_000)}\r\n\r\n`;
    expect(await converse(port, large)).toBe(refusal("431 Request Header Fields Too Large"));
  });

  test("tell when their client is gone before the answer", async () => {
    let gone: (() => void) | undefined;
    const isGone = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const { port } = await serve((request) => {
      request.onGone = gone;
    });
    await converse(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", (socket) =>
      setTimeout(() => socket.destroy(), 20),
    );
    await isGone;
  });
});

describe("responses", () => {
  test("have preset headers, several values, and no body for HEAD", async () => {
    const { port } = await serve((request) => {
      request.setHeader("X-Preset", "1");
      request.respond(203, { "Set-Cookie": ["a", "b"] }, text("body"));
    });
    expect(await converse(port, `HEAD / HTTP/1.1\r\nHost: a\r\n${CLOSING}`)).toBe(
      "HTTP/1.1 203 Non-Authoritative Information\r\nX-Preset: 1\r\nConnection: close\r\n" +
        "Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 4\r\n\r\n",
    );
  });

  test("in pieces are chunked, and their connections stay", async () => {
    const { port } = await serve((request) => {
      const stream = request.stream(200, {}, { onWritable() {}, onClosed() {} });
      stream.write([text("ab"), text("c")]);
      stream.write([text(request.path)]);
      stream.end();
    });
    const get = (path: string, more = "\r\n"): string =>
      `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}`;
    expect(await converse(port, get("/1") + get("/2", CLOSING))).toBe(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n/1\r\n0\r\n\r\n" +
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" +
        "3\r\nabc\r\n2\r\n/2\r\n0\r\n\r\n",
    );
  });

  test("in pieces are plain bytes for HTTP/1.0", async () => {
    const { port } = await serve((request) => {
      const stream = request.stream(200, {}, { onWritable() {}, onClosed() {} });
      stream.write([text("abc")]);
      stream.end();
    });
    const answer = await converse(port, "GET / HTTP/1.0\r\n\r\n");
    expect(answer).toBe("HTTP/1.1 200 OK\r\n\r\nabc");
  });

  test("in pieces end the connection when the request has not ended", async () => {
    const { port } = await serve((request) => {
      request.readBody({ onBytes() {}, onEnd() {}, onFailed() {} }, "endless");
      const stream = request.stream(200, {}, { onWritable() {}, onClosed() {} });
      stream.write([text("abc")]);
      stream.end();
    });
    const answer = await converse(
      port,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    );
    expect(answer).toMatch(/abc\r\n0\r\n\r\n$/);
  });
});

describe("a client that stands still", () => {
  test("is given up when it sends nothing of a body for the time of --raft-read-timeout", async () => {
    const failed: Error[] = [];
    const onFailed = (reason: Error): void => {
      failed.push(reason);
    };
    const { port } = await serve(
      (request) => request.readBody({ onBytes() {}, onEnd() {}, onFailed }),
      { readTimeoutMs: 100 },
    );
    const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx";
    await converse(port, head);
    expect(failed).toHaveLength(1);
  });

  test("is given up when it takes nothing of a response for the time of --raft-write-timeout", async () => {
    let closed = 0;
    const { port } = await serve(
      (request) => {
        const onClosed = (): void => {
          closed++;
        };
        const stream = request.stream(200, {}, { onWritable() {}, onClosed });
        stream.write([new Uint8Array(64 * 1024 * 1024)]);
      },
      { writeTimeoutMs: 100 },
    );
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      socket.pause();
    });
    socket.on("error", () => {});
    for (let tries = 0; closed === 0 && tries < 3000; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(closed).toBe(1);
    socket.destroy();
  });
});

describe("upgrades", () => {
  const ask = (protocol: string, more = ""): string =>
    `GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n${more}`;

  test("to websocket give the connection away, with what came behind", async () => {
    const { port } = await serve((request) => {
      const stream = request.upgrade({ Upgrade: "websocket", Connection: "Upgrade" });
      if (stream === undefined) throw new Error("no upgrade");
      stream.setHandler({
        onBytes(bytes) {
          stream.write(bytes.slice());
          if (bytes.includes(0x2e)) stream.end();
        },
        onWritable() {},
        onClosed() {},
      });
    });
    const answer = await converse(port, ask("websocket", "ab"), (socket) =>
      setTimeout(() => socket.write("cd."), 20),
    );
    expect(answer).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nabcd.",
    );
  });

  test("that nobody takes are ordinary requests", async () => {
    const { port } = await serve((request) => request.respond(404, {}, text("no")));
    expect(await converse(port, ask("websocket"))).toMatch(/^HTTP\/1.1 404 Not Found.*no$/s);
  });

  test("to anything else are ordinary requests with their bodies", async () => {
    const { port } = await serve((request) => {
      if (request.upgrade({}) !== undefined) throw new Error("upgraded");
      const parts: Uint8Array[] = [];
      request.readBody({
        onBytes: (bytes) => parts.push(bytes),
        onEnd: () => request.respond(200, {}, Buffer.concat(parts)),
        onFailed() {},
      });
    });
    const answer = await new Promise<string>((resolve, reject) => {
      const headers = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "X-End": "1" };
      const request = http.request({ port, host: "127.0.0.1", method: "POST", headers });
      request.on("error", reject);
      request.on("response", (response) => {
        let all = "";
        response.on("data", (chunk: Buffer) => {
          all += chunk.toString();
        });
        response.on("end", () => resolve(all));
      });
      request.end("some body");
    });
    expect(answer).toBe("some body");
  });
});

test("draining closes unused connections and waits for the others", async () => {
  let answer: (() => void) | undefined;
  const { server, port } = await serve((request) => {
    if (request.path === "/now") request.respond(200, {}, text("now"));
    else answer = () => request.respond(200, {}, text("later"));
  });
  const unused = converse(port, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
  const busy = converse(port, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  while (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  const drained: string[] = [];
  server.drain(() => drained.push("drained"));
  expect(await unused).toMatch(/now$/);
  expect(drained).toEqual([]);
  answer();
  expect(await busy).toMatch(/later$/);
  while (drained.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
});
