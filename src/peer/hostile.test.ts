/** Peers that are foreign, broken, slow or hostile: each is refused or survived, and the log says so. */
import http from "node:http";
import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import {
  connect,
  linesOf,
  type PeerEnd,
  startPair,
  startPeerEnd,
  until,
} from "../../test/harness/peer-world.ts";
import {
  createEntry,
  createMessage,
  createSnapshot,
  encodeMessage,
  MessageType,
} from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { REMOTES_MAX, STREAM_QUEUE_MESSAGES_MAX } from "./limits.ts";
import { encodeMessageFrame } from "./message-stream.ts";

const LOST = "lost TCP streaming connection with remote peer";

const cleanUps: (() => void)[] = [];

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

async function start(options: Parameters<typeof startPeerEnd>[0]): Promise<PeerEnd> {
  const end = await startPeerEnd(options);
  cleanUps.push(() => end.stop());
  return end;
}

/** An HTTP server in the place of a peer; returns its URL. */
async function imposter(listener: http.RequestListener): Promise<string> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

function heartbeat(from: bigint, to: bigint): Message {
  return createMessage({ type: MessageType.MsgHeartbeat, from, to, term: 2 });
}

/** What members of the cluster say of themselves. */
const HEADERS = {
  "X-Server-From": "2",
  "X-Server-Version": "3.5.16",
  "X-Min-Cluster-Version": "3.0.0",
  "X-Etcd-Cluster-ID": "c1",
};

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

async function post(
  end: PeerEnd,
  path: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const sent = { method: "POST", body: Buffer.from(body), headers: { ...HEADERS, ...headers } };
  const response = await fetch(end.url + path, sent);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

describe("foreign members", () => {
  test("of another cluster are refused, and both sides say why", async () => {
    const [a, b] = [await start({ id: 1n }), await start({ id: 2n, clusterId: 0xc2n })];
    connect(a, b);
    connect(b, a);
    a.transport.send([heartbeat(1n, 2n)]);
    const ignored = "request sent was ignored by remote peer due to cluster ID mismatch";
    await until("both are refused", () =>
      [a, b].every(
        (end) =>
          linesOf(end, ignored).length > 0 &&
          linesOf(end, "request cluster ID mismatch").length > 0,
      ),
    );
    await until("the message is lost", () => a.unreachable.length > 0);
    expect(linesOf(a, ignored)[0]).toEqual({
      "remote-peer-id": "2",
      "remote-peer-cluster-id": "c2",
      "local-member-id": "1",
      "local-member-cluster-id": "c1",
      error: "cluster ID mismatch",
      hint: expect.stringContaining("--initial-cluster-token") as string,
    });
    expect(linesOf(a, "request sent was ignored due to cluster ID mismatch")).toEqual([
      {
        "remote-peer-id": "2",
        "remote-peer-cluster-id": "c2",
        "local-member-cluster-id": "c1",
      },
    ]);
    expect([a.messages, b.messages, a.removals]).toEqual([[], [], 0]);
  });

  test.each([
    ["a release that is too old", { "X-Server-Version": "2.3.8" }, "remote version is too low"],
    ["one that asks too much", { "X-Min-Cluster-Version": "3.6.0" }, "local version is too low"],
    ["one that names no release", { "X-Server-Version": "new" }, "remote version is too low"],
  ])("of %s are refused", async (_, headers, reason) => {
    const a = await start({ id: 1n });
    const answer = await post(a, "/raft", encodeMessage(heartbeat(2n, 1n)), headers);
    expect(answer).toMatchObject({ status: 412, text: "incompatible version\n" });
    expect(answer.headers.get("x-etcd-cluster-id")).toBe("c1");
    expect(linesOf(a, "failed to check version compatibility")[0]["error"]).toContain(reason);
    expect(a.messages).toEqual([]);
  });

  test("for somebody else are refused, which is no removal", async () => {
    const [a, b] = [await start({ id: 1n }), await start({ id: 2n })];
    a.transport.setPeer(3n, [b.url]);
    a.transport.send([heartbeat(1n, 3n)]);
    await until("it is lost", () => a.unreachable.includes(3n));
    expect(linesOf(b, "rejected Raft message to mismatch member")).toHaveLength(1);
    expect(a.removals).toBe(0);
    expect(await post(b, "/raft", encodeMessage(heartbeat(1n, 3n)))).toMatchObject({
      status: 403,
      text: '{"message":"cannot process message to mismatch member"}',
    });
  });

  test.each([
    ["this member itself", 1n],
    ["its disk", 0xffff_ffff_ffff_ffffn],
    ["its state machine", 0xffff_ffff_ffff_fffen],
  ])("that speak as %s are not heard", async (_, from) => {
    const a = await start({ id: 1n });
    expect(await post(a, "/raft", encodeMessage(heartbeat(from, 1n)))).toMatchObject({
      status: 500,
      text: "error processing raft message\n",
    });
    expect(a.messages).toEqual([]);
  });

  test("that are unknown are remembered only up to a bound, and nonsense not at all", async () => {
    const a = await start({ id: 1n });
    const body = encodeMessage(heartbeat(2n, 1n));
    for (const urls of ["nonsense", "ftp://x:1", `http://x${",http://x".repeat(40)}`]) {
      await post(a, "/raft", body, { "X-PeerURLs": urls });
    }
    for (let id = 16; id < 16 + REMOTES_MAX + 10; id++) {
      const headers = { "X-Server-From": id.toString(16), "X-PeerURLs": "http://127.0.0.1:1" };
      await post(a, "/raft", body, headers);
    }
    expect(linesOf(a, "added new remote peer")).toHaveLength(REMOTES_MAX);
  });
});

describe("broken streams", () => {
  test.each([
    ["garbage", Buffer.from("\x09 this is no frame"), "failed to parse type 9"],
    ["a length of 2^63", Buffer.from("028000000000000000", "hex"), "error limit exceeded"],
    ["a message that is none", Buffer.from("020000000000000001ff", "hex"), "EOF"],
  ])("%s ends the stream, and it is dialled again", async (_, bytes, reason) => {
    let dials = 0;
    const a = await start({ id: 1n });
    const url = await imposter((request, response) => {
      if (!request.url?.startsWith("/raft/stream/msgapp/")) {
        response.writeHead(404).end();
        return;
      }
      dials++;
      response.writeHead(200, { "X-Server-Version": "3.5.16", "X-Etcd-Cluster-ID": "c1" });
      response.write(bytes);
    });
    a.transport.setPeer(2n, [url]);
    await until("it is dialled again", () => dials >= 3);
    expect(linesOf(a, LOST)[0]["error"]).toContain(reason);
    expect(linesOf(a, "peer became inactive (message send to peer failed)").length).toBeGreaterThan(
      0,
    );
    expect(a.messages).toEqual([]);
  });

  test("a server that is no member is not read", async () => {
    const a = await start({ id: 1n });
    let dials = 0;
    const url = await imposter((_request, response) => {
      dials++;
      response.end("welcome");
    });
    a.transport.setPeer(2n, [url]);
    await until("it is dialled again", () => dials >= 4);
    expect(a.transport.activeSinceMs(2n)).toBeUndefined();
  });

  test("an endless answer to a message is not read to its end", async () => {
    const a = await start({ id: 1n });
    const url = await imposter((request, response) => {
      if (request.url !== "/raft") {
        response.writeHead(404).end();
        return;
      }
      const flood = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
        response.once("drain", flood);
      };
      flood();
    });
    a.transport.setPeer(2n, [url]);
    a.transport.send([heartbeat(1n, 2n)]);
    await until("it is lost", () => a.unreachable.length > 0);
  });

  test("a peer that accepts connections and says nothing is inactive in time", async () => {
    const a = await start({ id: 1n, timeoutMs: 200 });
    const server = net.createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanUps.push(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    a.transport.setPeer(2n, [`http://127.0.0.1:${port}`]);
    a.transport.send([heartbeat(1n, 2n)]);
    await until("it is lost", () => a.unreachable.length > 0);
    const again = linesOf(a, "peer deactivated again").map(({ error }) => String(error));
    expect(again.some((text) => text.includes("i/o timeout"))).toBe(true);
  });

  test("a stream that falls silent is given up", async () => {
    const a = await start({ id: 1n, timeoutMs: 200 });
    const url = await imposter((_request, response) => {
      response.writeHead(200, { "X-Server-Version": "3.5.16" });
      response.flushHeaders();
    });
    a.transport.setPeer(2n, [url]);
    await until("it is lost", () => linesOf(a, LOST).length >= 2);
    expect(linesOf(a, LOST)[0]["error"]).toMatch(
      /^read tcp 127.0.0.1:\d+->127.0.0.1:\d+: i\/o timeout$/,
    );
  });

  test("a peer that does not read is dropped, after messages for it were", async () => {
    const a = await start({ id: 1n, timeoutMs: 1000 });
    a.transport.setPeer(2n, ["http://127.0.0.1:1"]);
    const { port } = new URL(a.url);
    const socket = net.connect(Number(port), "127.0.0.1");
    cleanUps.push(() => socket.destroy());
    socket.pause();
    const headers = Object.entries({ ...HEADERS, "X-Raft-To": "1", Host: "x" })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("");
    socket.write(`GET /raft/stream/msgapp/2 HTTP/1.1\r\n${headers}\r\n`);
    await until("it has its stream", () => linesOf(a, "set message encoder").length === 1);
    const data = new Uint8Array(64 * 1024);
    const big = createMessage({
      type: MessageType.MsgApp,
      from: 1n,
      to: 2n,
      term: 1,
      entries: [createEntry({ index: 1, term: 1, data })],
    });
    a.transport.send(Array.from({ length: STREAM_QUEUE_MESSAGES_MAX }, () => big));
    await until("messages are dropped", () => a.unreachable.length > 0);
    const dropped =
      "dropped internal Raft message since sending buffer is full (overloaded network)";
    expect(linesOf(a, dropped)[0]).toMatchObject({
      "message-type": "MsgApp",
      "remote-peer-id": "2",
      "remote-peer-name": "streamMsgAppV2",
    });
    await until("it is given up", () => linesOf(a, LOST).length > 0);
  });
});

describe("broken requests", () => {
  test.each([
    ["/raft", "garbage", 400, "error unmarshalling raft message\n"],
    ["/raft/snapshot", "\x00\x00", 400, "failed to decode raft message (unexpected EOF)\n"],
    [
      "/raft/snapshot",
      "\x7f".repeat(20),
      400,
      "failed to decode raft message (rafthttp: error limit exceeded)\n",
    ],
    ["/raft/stream/msgapp/2", "", 405, "Method Not Allowed\n"],
    ["/raft/nothing", "", 404, "404 page not found\n"],
    ["/members", "", 405, "Method Not Allowed\n"],
  ])("POST %s with %j is answered with %i", async (path, body, status, text) => {
    const a = await start({ id: 1n });
    expect(await post(a, path, body)).toMatchObject({ status, text });
    expect(a.messages).toEqual([]);
  });

  test.each([
    ["/raft/stream/msgapp/nobody", 404, "invalid from\n"],
    ["/raft/stream/other/2", 404, "invalid path\n"],
    ["/raft/stream/msgapp/9", 404, "error sender not found\n"],
    ["/raft/stream/msgapp/2", 412, "to field mismatch\n"],
    ["/raft", 405, "Method Not Allowed\n"],
  ])("GET %s is answered with %i", async (path, status, text) => {
    const a = await start({ id: 1n });
    a.transport.setPeer(2n, ["http://127.0.0.1:1"]);
    const answer = await fetch(a.url + path, { headers: { ...HEADERS, "X-Raft-To": "7" } });
    expect({ status: answer.status, text: await answer.text() }).toEqual({ status, text });
  });

  test("a message other than a snapshot does not bring a database, nor one without it a snapshot", async () => {
    const a = await start({ id: 1n });
    const wrong = await post(a, "/raft/snapshot", encodeMessageFrame(heartbeat(2n, 1n)));
    expect(wrong).toMatchObject({ status: 400, text: "wrong raft message type\n" });
    const snapshot = createMessage({
      type: MessageType.MsgSnap,
      from: 2n,
      to: 1n,
      snapshot: createSnapshot(),
    });
    const bare = await post(a, "/raft", encodeMessage(snapshot));
    expect(bare).toMatchObject({ status: 500, text: "error processing raft message\n" });
    expect([a.messages, a.databases]).toEqual([[], []]);
  });

  test("a database that breaks off is forgotten", async () => {
    const [a, b] = await startPair();
    cleanUps.push(
      () => a.stop(),
      () => b.stop(),
    );
    const snapshot = createSnapshot({ data: Uint8Array.of(1) });
    const message = createMessage({ type: MessageType.MsgSnap, from: 1n, to: 2n, snapshot });
    let handed = 0;
    a.transport.sendSnapshot(message, {
      bytes: 1_000_000,
      next: (done) =>
        setImmediate(() => done(++handed < 5 ? new Uint8Array(1000) : new Error("bad page"))),
      close: () => {},
    });
    await until("both know", () => a.snapshotsSent.length > 0 && b.databases[0]?.end !== "");
    expect(a.snapshotsSent).toEqual([{ id: 2n, delivered: false }]);
    expect(linesOf(a, "failed to send database snapshot")[0]["error"]).toBe("bad page");
    expect(b.databases[0].end).toBe("unexpected EOF");
    expect(linesOf(b, "failed to save incoming database snapshot")).toHaveLength(1);
  });

  test("a probe is answered with the time", async () => {
    const a = await start({ id: 1n });
    const answer = await fetch(`${a.url}/raft/probing`);
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await answer.text()).toMatch(/^\{"OK":true,"Now":"\d{4}-\d\d-\d\dT[\d:.]+Z"\}\n$/);
  });
});
