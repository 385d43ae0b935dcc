/** Two ends of the network over real sockets. */
import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import {
  connect,
  linesOf,
  type PeerEnd,
  sourceOf,
  startPair,
  startPeerEnd,
  streamsOpen,
  until,
} from "../../test/harness/peer-world.ts";
import type { PeerResponse } from "./network.ts";
import { bytesFromUtf8, concatBytes, EMPTY_BYTES, utf8FromBytes } from "../stdx/bytes.ts";
import { createEntry, createMessage, createSnapshot, MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";

const open: PeerEnd[] = [];

afterEach(() => {
  for (const end of open.splice(0)) end.stop();
});

async function pair(): Promise<[PeerEnd, PeerEnd]> {
  const ends = await startPair();
  open.push(...ends);
  return ends;
}

function append(from: number, to: number, index: number, data: readonly Uint8Array[]): Message {
  return createMessage({
    type: MessageType.MsgApp,
    from: BigInt(from),
    to: BigInt(to),
    term: 3,
    logTerm: 3,
    index,
    commit: index,
    entries: data.map((bytes, at) => createEntry({ term: 3, index: index + 1 + at, data: bytes })),
  });
}

function call(end: PeerEnd, url: string, method: "GET" | "POST", path: string, body = "") {
  const request = { method, path, contentType: "", body: bytesFromUtf8(body) };
  return new Promise<PeerResponse | Error>((resolve) =>
    end.network.call(url, request, 10_000, resolve),
  );
}

describe("HttpTransport", () => {
  test("messages of all kinds arrive as they were sent, in order, both ways", async () => {
    const [a, b] = await pair();
    const sent: Message[] = [];
    for (let i = 0; i < 100; i++) {
      const data = new Uint8Array(i * 97).fill(i);
      sent.push(append(1, 2, 10 + 2 * i, [data, new Uint8Array(0)]));
    }
    const others = [MessageType.MsgHeartbeat, MessageType.MsgVote, MessageType.MsgReadIndex];
    const beside = others.map((type) => createMessage({ type, from: 1n, to: 2n, term: 3 }));
    a.transport.send([...sent, ...beside]);
    b.transport.send([createMessage({ type: MessageType.MsgAppResp, from: 2n, to: 1n, index: 7 })]);
    await until("all arrived", () => b.messages.length === 103 && a.messages.length === 1);
    expect(b.messages.filter(({ type }) => type === MessageType.MsgApp)).toEqual(sent);
    expect(b.messages.filter(({ type }) => type !== MessageType.MsgApp)).toEqual(beside);
    expect(a.transport.activeSinceMs(2n)).toBeGreaterThan(0);
    expect(linesOf(a, "peer became active")).toEqual([{ "peer-id": "2" }]);
  });

  test("an entry of many megabytes arrives", async () => {
    const [a, b] = await pair();
    const data = new Uint8Array(20 * 1024 * 1024).map((_, at) => at * 7);
    a.transport.send([append(1, 2, 5, [data]), append(1, 2, 6, [EMPTY_BYTES])]);
    await until("both arrived", () => b.messages.length === 2);
    expect(Buffer.compare(b.messages[0].entries[0].data ?? EMPTY_BYTES, data)).toBe(0);
    expect(b.messages[1].index).toBe(6);
  });

  test("without streams messages go by requests", async () => {
    const [a, b] = [await startPeerEnd({ id: 1n }), await startPeerEnd({ id: 2n })];
    open.push(a, b);
    // b does not know a, so it opens no streams and refuses those of a.
    connect(a, b);
    a.transport.send([append(1, 2, 5, [bytesFromUtf8("x")])]);
    await until("it arrived", () => b.messages.length === 1);
    expect(b.messages[0].entries[0].data).toEqual(bytesFromUtf8("x"));
    // And b, which was told the URL of a, can answer.
    b.transport.send([createMessage({ type: MessageType.MsgAppResp, from: 2n, to: 1n, index: 6 })]);
    await until("the answer arrived", () => a.messages.length === 1);
    expect(linesOf(b, "added new remote peer")).toHaveLength(1);
    expect(linesOf(b, "failed to find remote peer in cluster").length).toBeGreaterThan(0);
  });

  test("a database goes to the disk of the other end, and its sender is told", async () => {
    const [a, b] = await pair();
    const snapshot = createSnapshot({ data: bytesFromUtf8("{}") });
    snapshot.metadata.index = 77;
    const message = createMessage({
      type: MessageType.MsgSnap,
      from: 1n,
      to: 2n,
      term: 3,
      snapshot,
    });
    const chunks = Array.from({ length: 40 }, (_, i) => new Uint8Array(100_000).fill(i));
    const source = sourceOf(chunks);
    b.sinkDelayMs = 1;
    a.transport.sendSnapshot(message, source);
    await until("it was taken over", () => a.snapshotsSent.length === 1);
    expect(a.snapshotsSent).toEqual([{ id: 2n, delivered: true }]);
    expect(source.closed).toBe(true);
    expect(b.databases[0].message).toEqual(message);
    expect(Buffer.compare(concatBytes(b.databases[0].chunks), concatBytes(chunks))).toBe(0);
    expect(b.databases[0].end).toBe("finished");
    expect(linesOf(b, "received and saved database snapshot")[0]).toMatchObject({
      "remote-snapshot-sender-id": "1",
      "incoming-snapshot-index": 77,
      "incoming-snapshot-size-bytes": 4_000_000,
      "incoming-snapshot-size": "4.0 MB",
    });
    expect(linesOf(a, "sent database snapshot")).toHaveLength(1);
    expect(a.metrics.snapshotsSent.succeeded.child("2").value).toBe(1);
    expect(a.metrics.snapshotsSent.inflight.child("2").value).toBe(0);
    expect(b.metrics.snapshotsReceived.seconds.child("1").count).toBe(1);
  });

  test("a database that cannot be taken over is reported", async () => {
    const [a, b] = await pair();
    b.finishFailure = new Error("no space left");
    const snapshot = createSnapshot({ data: bytesFromUtf8("{}") });
    const message = createMessage({ type: MessageType.MsgSnap, from: 1n, to: 2n, snapshot });
    a.transport.sendSnapshot(message, sourceOf([new Uint8Array(10)]));
    await until("it failed", () => a.snapshotsSent.length === 1);
    expect(a.snapshotsSent).toEqual([{ id: 2n, delivered: false }]);
    expect(a.unreachable).toEqual([2n]);
    expect(a.metrics.snapshotsSent.failed.child("2").value).toBe(1);
    expect(a.metrics.sentFailures.child("2").value).toBe(1);
    expect(b.metrics.snapshotsReceived.failed.child("1").value).toBe(1);
    expect(linesOf(b, "failed to process Raft message")[0]["error"]).toBe("no space left");
    // Nor one for nobody.
    const source = sourceOf([]);
    a.transport.sendSnapshot({ ...message, to: 9n }, source);
    await until("that is reported", () => a.snapshotsSent.length === 2);
    expect(source.closed).toBe(true);
  });

  test("requests beside Raft reach the receiver, and only those it has paths for", async () => {
    const [a, b] = await pair();
    const answer = await call(a, b.url, "POST", "/members/promote/12", "body");
    if (answer instanceof Error) throw answer;
    expect(answer.status).toBe(200);
    expect(utf8FromBytes(answer.body)).toBe("/members/promote/12 body");
    expect(answer.headers).toEqual({
      "Content-Type": "text/plain",
      "X-Etcd-Cluster-ID": "c1",
    });
    expect(await call(a, b.url, "GET", "/nothing")).toMatchObject({ status: 404 });
    expect(await call(a, b.url, "POST", "/members")).toMatchObject({ status: 405 });
    expect(b.requests).toHaveLength(1);
    const hash = {
      method: "GET",
      path: "/members/hashkv",
      contentType: "",
      body: EMPTY_BYTES,
    } as const;
    const ask = (clusterId: bigint): Promise<PeerResponse | Error> =>
      new Promise((resolve) => a.network.call(b.url, { ...hash, clusterId }, 5000, resolve));
    expect(await ask(0xc1n)).toMatchObject({ status: 200 });
    expect(await ask(0xc2n)).toMatchObject({ status: 412 });
    expect(b.requests).toHaveLength(2);
    expect(await call(a, "http://127.0.0.1:1", "GET", "/members")).toEqual(
      new Error("dial tcp 127.0.0.1:1: connect: connection refused"),
    );
  });

  test("who was removed is told so, and its messages are not taken", async () => {
    const [a, b] = await pair();
    b.removed.add(1n);
    a.transport.send([createMessage({ type: MessageType.MsgVote, from: 1n, to: 2n, term: 9 })]);
    await until(
      "it was rejected",
      () => linesOf(b, "rejected Raft message from removed member").length > 0,
    );
    b.transport.removePeer(1n);
    await until("a knows", () => a.removals > 0);
    expect(b.messages).toEqual([]);
    const rejected = "rejected stream from remote peer because it was removed";
    expect(linesOf(b, rejected).length).toBeGreaterThan(0);
  });

  test("a peer that ends is noticed, and found again when it comes back elsewhere", async () => {
    const [a, b] = await pair();
    b.stop();
    await until("a noticed", () => a.transport.activeSinceMs(2n) === undefined);
    a.transport.send([createMessage({ type: MessageType.MsgHeartbeat, from: 1n, to: 2n })]);
    await until("it is unreachable", () => a.unreachable.includes(2n));
    const again = await startPeerEnd({ id: 2n });
    open.push(again);
    connect(again, a);
    connect(a, again);
    await until("it is active", () => a.transport.activeSinceMs(2n) !== undefined);
    a.transport.send([createMessage({ type: MessageType.MsgHeartbeat, from: 1n, to: 2n })]);
    await until("it hears", () => again.messages.length > 0);
    expect(linesOf(a, "lost TCP streaming connection with remote peer").length).toBe(4);
  });

  test("a peer that falls silent on open connections is dialled anew, and heard at once", async () => {
    const [a, b] = await Promise.all([startPeerEnd({ id: 1n }), startPeerEnd({ id: 2n })]);
    open.push(a, b);
    // Bytes from b to a stop on their way: neither side sees that, as when packets are lost.
    const relay = await startRelay(Number(new URL(b.url).port));
    connect(b, a);
    a.transport.setPeer(2n, [`http://127.0.0.1:${relay.port}`]);
    await until("all streams are open", () => streamsOpen(a) === 2 && streamsOpen(b) === 2);
    relay.holdOpenConnections();
    b.transport.send([createMessage({ type: MessageType.MsgVote, from: 2n, to: 1n, term: 5 })]);
    await until("streams are opened beside them", () => streamsOpen(b) === 4);
    // What was lost of an election is said again.
    await until("it is heard", () => a.messages.length > 0);
    expect(a.messages[0].term).toBe(5);
    const lost = () => linesOf(a, "lost TCP streaming connection with remote peer");
    await until("both streams are other ones", () => lost().length === 2);
    relay.close();
    for (const { error } of lost()) expect(error).toBe("nothing was heard on it");
  });
});

/** Passes bytes on to `port`; connections that are open can be made to carry nothing back any more. */
async function startRelay(port: number) {
  const sockets: net.Socket[] = [];
  const server = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    near.pipe(far);
    far.pipe(near);
    for (const socket of [near, far]) socket.on("error", () => {});
    sockets.push(near, far);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    holdOpenConnections: () => {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
