/** The JSON gateway's streams in both directions, over chunked bodies and websocket, and its bounds. */
import * as fs from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import { randomRequest } from "../harness/gateway-requests.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";
import { ServerPair } from "../harness/server-pair.ts";
import { sleep } from "../harness/sleep.ts";
import { WebSocketClient } from "../harness/websocket-client.ts";

const POLL_MS = 10;
const FUZZ_MS = 2000;

/** Long enough for a call that does not wait. */
const WAITING_MS = 1000;

const WATCH = '{"create_request":{"key":"dw==","rangeEnd":"eA=="}}';

/** A request whose body and answer go on side by side. */
class OpenRequest {
  text = "";
  status = 0;
  isOver = false;
  readonly #request: http.ClientRequest;

  constructor(endpoint: string, path: string) {
    this.#request = http.request(`http://${endpoint}${path}`, { method: "POST" }, (response) => {
      this.status = response.statusCode ?? 0;
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        this.text += chunk;
      });
      response.on("close", () => {
        this.isOver = true;
      });
    });
    this.#request.on("error", () => {
      this.isOver = true;
    });
  }

  get lines(): string[] {
    return this.text.split("\n").filter((line) => line !== "");
  }

  send(text: string): void {
    this.#request.write(text);
  }

  end(): void {
    this.#request.end();
  }

  leave(): void {
    this.#request.destroy();
  }

  async untilLines(count: number): Promise<void> {
    while (this.lines.length < count) {
      if (this.isOver) throw new Error(`Over after ${this.lines.length} lines`);
      await sleep(POLL_MS);
    }
  }
}

function post(endpoint: string, path: string, body: string): Promise<Response> {
  return fetch(`http://${endpoint}${path}`, { method: "POST", body });
}

/** Memory that the server's process takes. */
function residentMemoryBytes({ process: { pid } }: EtcdProcess): number {
  const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

async function watchers(endpoint: string): Promise<number> {
  const page = await (await fetch(`http://${endpoint}/metrics`)).text();
  return Number(/^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(page)?.[1] ?? -1);
}

describe("streams of the JSON gateway", { timeout: 60_000 }, () => {
  let server: EtcdProcess;

  beforeAll(async () => {
    server = await startEtcd({ command: OUR_ETCD });
  }, 60_000);

  afterAll(() => server.remove());

  test("a watch is changed while it goes on, and ends with its client", async () => {
    const watch = new OpenRequest(server.endpoint, "/v3/watch");
    watch.send(WATCH);
    await watch.untilLines(1);
    watch.send(`${WATCH}{"create_`);
    await watch.untilLines(2);
    expect(watch.lines[1]).toContain('"watch_id":"1","created":true');
    watch.send('request":{"key":"dw==","prev_kv":true}}');
    await watch.untilLines(3);
    await post(server.endpoint, "/v3/kv/put", '{"key":"dw==","value":"MQ=="}');
    await watch.untilLines(6);
    expect(watch.lines.slice(3).every((line) => line.includes('"value":"MQ=="'))).toBe(true);
    watch.send('{"cancel_request":{"watch_id":"1"}}');
    await watch.untilLines(7);
    expect(watch.lines[6]).toContain('"watch_id":"1","canceled":true');
    expect(await watchers(server.endpoint)).toBe(2);
    watch.leave();
    while ((await watchers(server.endpoint)) !== 0) await sleep(POLL_MS);
  });

  test("renewals are answered one by one, and the end of the body ends the answer", async () => {
    await post(server.endpoint, "/v3/lease/grant", '{"TTL":"600","ID":"7"}');
    const renewals = new OpenRequest(server.endpoint, "/v3/lease/keepalive");
    for (let count = 1; count <= 3; count++) {
      renewals.send('{"ID":"7"}');
      await renewals.untilLines(count);
    }
    renewals.end();
    while (!renewals.isOver) await sleep(POLL_MS);
    expect(renewals.lines).toHaveLength(3);
    expect(renewals.lines[2]).toContain('"ID":"7","TTL":"600"');
  });

  test("who waits for a lock and goes away leaves the queue", async () => {
    await post(server.endpoint, "/v3/lock/lock", '{"name":"bA==","lease":"7"}');
    await post(server.endpoint, "/v3/lease/grant", '{"TTL":"600","ID":"8"}');
    const queue = async (): Promise<string> => {
      const range = '{"key":"bC8=","rangeEnd":"bDA=","count_only":true}';
      return (await post(server.endpoint, "/v3/kv/range", range)).text();
    };
    const waiting = new OpenRequest(server.endpoint, "/v3/lock/lock");
    waiting.send('{"name":"bA==","lease":"8"}');
    waiting.end();
    while (!(await queue()).includes('"count":"2"')) await sleep(POLL_MS);
    waiting.leave();
    while (!(await queue()).includes('"count":"1"')) await sleep(POLL_MS);
  });

  test("what is too large is refused as a message that is too large", async () => {
    const value = Buffer.alloc(2_200_000).toString("base64");
    const tooLarge = await post(server.endpoint, "/v3/kv/put", `{"key":"YQ==","value":"${value}"}`);
    expect(tooLarge.status).toBe(429);
    expect(await tooLarge.text()).toContain(
      "grpc: received message larger than max (2200008 vs. 2097152)",
    );
    const refused = await post(
      server.endpoint,
      "/v3/kv/put",
      `{"key":"YQ==","value":"${Buffer.alloc(1_600_000).toString("base64")}"}`,
    );
    expect(await refused.json()).toMatchObject({ message: "etcdserver: request is too large" });
    const spaces = await post(server.endpoint, "/v3/kv/put", " ".repeat(9_000_000)).catch(
      () => undefined,
    );
    expect(spaces?.status ?? 429).toBe(429);
  });

  test("a slow reader of a watch holds up neither puts nor memory", async () => {
    const before = residentMemoryBytes(server);
    const slow = http.request(`http://${server.endpoint}/v3/watch`, { method: "POST" });
    slow.on("response", (response) => response.pause());
    slow.on("error", () => undefined);
    slow.end(WATCH);
    while ((await watchers(server.endpoint)) < 1) await sleep(POLL_MS);
    const value = Buffer.alloc(500_000).toString("base64");
    for (let count = 0; count < 60; count++) {
      const answer = await post(server.endpoint, "/v3/kv/put", `{"key":"dw==","value":"${value}"}`);
      expect(answer.status).toBe(200);
    }
    slow.destroy();
    expect(residentMemoryBytes(server) - before).toBeLessThan(400_000_000);
    await post(server.endpoint, "/v3/kv/deleterange", '{"key":"dw=="}');
  });

  test("websocket: requests and lines as messages, tokens from the protocol", async () => {
    const socket = await WebSocketClient.open(server.endpoint, "/v3/watch", {
      "Sec-WebSocket-Protocol": "Bearer, token",
      Origin: "http://elsewhere.example",
    });
    expect(socket.headers["sec-websocket-protocol"]).toBe("Bearer");
    socket.send(WATCH);
    await socket.untilMessages(1);
    await post(server.endpoint, "/v3/kv/put", '{"key":"dw==","value":"Mg=="}');
    await socket.untilMessages(2);
    expect(socket.messages[1]).toMatch(/^\{"result":\{.*"value":"Mg=="\}\}\]\}\}$/);
    socket.send(WATCH);
    await socket.untilMessages(3);
    socket.close();
    while ((await watchers(server.endpoint)) !== 0) await sleep(POLL_MS);
    const single = await WebSocketClient.open(server.endpoint, "/v3/kv/range");
    single.send('{"key":"dw=="}');
    await single.untilMessages(1);
    expect(single.messages[0]).toContain('"value":"Mg=="');
    await single.untilClosed();
    const nowhere = await WebSocketClient.open(server.endpoint, "/v3/nothing");
    await nowhere.untilClosed();
    expect(nowhere.messages).toEqual(["Not Found"]);
    const version = { "Sec-WebSocket-Version": "12" };
    await expect(WebSocketClient.open(server.endpoint, "/v3/watch", version)).rejects.toThrow(
      "400",
    );
  });

  test("any bodies are answered, in bounded memory", async () => {
    const prng = new Prng(Number(process.env["GATEWAY_SEED"] ?? 1));
    const before = residentMemoryBytes(server);
    const endMs = Date.now() + FUZZ_MS;
    let requests = 0;
    const ask = async (): Promise<void> => {
      while (Date.now() < endMs) {
        const { path, body } = randomRequest(prng);
        const bytes = Buffer.from(body.repeat(prng.below(20) === 0 ? 1000 : 1));
        for (let change = prng.below(8); change > 0; change--) {
          bytes[prng.below(bytes.length)] = prng.below(256);
        }
        const answer = await fetch(`http://${server.endpoint}${path}`, {
          method: "POST",
          body: bytes,
          headers: { "Grpc-Timeout": "500m" },
        });
        expect([200, 400, 404, 409, 412, 429, 500, 501, 503, 504]).toContain(answer.status);
        await answer.text();
        requests++;
      }
    };
    await Promise.all(Array.from({ length: 4 }, ask));
    expect(requests).toBeGreaterThan(50);
    expect(residentMemoryBytes(server) - before).toBeLessThan(300_000_000);
    expect(server.process.exitCode).toBeNull();
  });
});

test("without --enable-grpc-gateway nothing is at its paths", { timeout: 60_000 }, async () => {
  const server = await startEtcd({ command: OUR_ETCD, flags: ["--enable-grpc-gateway=false"] });
  try {
    const answer = await post(server.endpoint, "/v3/kv/range", "{}");
    expect([answer.status, await answer.text()]).toEqual([404, "404 page not found\n"]);
  } finally {
    await server.remove();
  }
});

/** One request over HTTP/2, whose body goes on with `rest` when `count` lines have come. */
function askOver(
  session: http2.ClientHttp2Session,
  path: string,
  body: string,
  rest: readonly [count: number, body: string][] = [],
): Promise<{ readonly status: number; readonly text: string }> {
  const request = session.request({ ":method": "POST", ":path": path });
  const left = [...rest];
  let [status, text] = [0, ""];
  request.setEncoding("utf8");
  request.on("response", (headers) => {
    status = headers[":status"] ?? 0;
  });
  request.on("data", (chunk: string) => {
    text += chunk;
    if (text.split("\n").length - 1 < (left.at(0)?.[0] ?? Number.POSITIVE_INFINITY)) return;
    const [, more = ""] = left.shift() ?? [];
    if (more === "") request.close();
    else request.write(more);
  });
  request.write(body);
  if (rest.length === 0) request.end();
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("close", () => resolve({ status, text }));
  });
}

test("HTTP/2 over TLS: single requests, and streams both ways", { timeout: 60_000 }, async () => {
  const [plain, peer, secure] = await freePorts(3);
  const server = await startEtcd({
    command: OUR_ETCD,
    ports: [plain, peer],
    flags: [
      `--listen-client-urls=http://127.0.0.1:${plain},https://127.0.0.1:${secure}`,
      `--advertise-client-urls=http://127.0.0.1:${plain}`,
      "--auto-tls",
    ],
  });
  const session = http2.connect(`https://127.0.0.1:${secure}`, { rejectUnauthorized: false });
  try {
    const put = await askOver(session, "/v3/kv/put", '{"key":"dw==","value":"MQ=="}');
    expect(put).toMatchObject({ status: 200 });
    expect(await askOver(session, "/v3/kv/range", "{}")).toMatchObject({ status: 400 });
    const watch = await askOver(session, "/v3/watch", WATCH, [
      [1, WATCH],
      [2, ""],
    ]);
    expect(watch.text).toContain('"watch_id":"1","created":true');
    const renewals = await askOver(session, "/v3/lease/keepalive", '{"ID":"1"}{"ID":"2"}');
    expect(renewals.text.trim().split("\n")).toHaveLength(2);
  } finally {
    session.destroy();
    await server.remove();
  }
});

describe.skipIf(REFERENCE === undefined)("websocket and the real etcd", () => {
  test("tell a watch the same messages", { timeout: 60_000 }, async () => {
    const pair = await ServerPair.start();
    try {
      const told = [pair.real, pair.ours].map(async ({ server }) => {
        const socket = await WebSocketClient.open(server.endpoint, "/v3/watch");
        socket.send(WATCH);
        await socket.untilMessages(1);
        await post(server.endpoint, "/v3/kv/put", '{"key":"dw==","value":"MQ=="}');
        await socket.untilMessages(2);
        socket.close();
        return socket.messages.map((text) => text.replace(/"raft_term":"\d+"/, ""));
      });
      const [real, ours] = await Promise.all(told);
      expect(ours).toEqual(real);
    } finally {
      await pair.remove();
    }
  });
});

/** The same of both: their gateways are one client of their server. */
describe.skipIf(REFERENCE === undefined)("--max-concurrent-streams", () => {
  test.each([
    ["real", undefined],
    ["our", OUR_ETCD],
  ])(
    "is for all calls of the gateway of the %s one together; more wait",
    async (_, command) => {
      const flags = ["--max-concurrent-streams=7"];
      const server = await startEtcd({ flags, ...(command && { command }) });
      onTestFinished(() => server.remove());
      const ask = (path: string, body: string, signal?: AbortSignal): Promise<Response> =>
        fetch(`http://${server.endpoint}${path}`, { method: "POST", body, signal: signal ?? null });
      const watching = new AbortController();
      const watch = '{"create_request":{"key":"dw=="}}';
      const watches = [1, 2, 3, 4, 5, 6, 7].map(() => ask("/v3/watch", watch, watching.signal));
      for (const { ok } of await Promise.all(watches)) expect(ok).toBe(true);
      const leaving = new AbortController();
      const left = ask("/v3/kv/range", '{"key":"dw=="}', leaving.signal);
      let answered = 0;
      const ranges = ["YQ==", "Yg=="].map(async (key) => {
        const { status } = await ask("/v3/kv/range", `{"key":"${key}"}`);
        answered++;
        return status;
      });
      leaving.abort();
      await expect(left).rejects.toThrow("aborted");
      await sleep(WAITING_MS);
      expect(answered).toBe(0);
      watching.abort();
      expect(await Promise.all(ranges)).toEqual([200, 200]);
    },
    60_000,
  );
});
