/** Flags that bound what clients may do, set so low that a client of this test meets each of them. */
import { once } from "node:events";
import * as fs from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { createPutRequest, createRequestOp } from "../../src/wire/gen/rpc.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { connectClient } from "../harness/socket-client.ts";

const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-limits-"));
const WAL = path.join(FOLDER, "wal");

/** Of HTTP/2. */
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
const PING_TYPE = 6;
const ENHANCE_YOUR_CALM = 11;

const key = bytesFromUtf8("k");

describe("limits by flags", { timeout: 120_000 }, () => {
  let server: EtcdProcess;
  let client: Client;

  beforeAll(async () => {
    const flags = [
      `--wal-dir=${WAL}`,
      "--initial-cluster-token=other",
      "--max-txn-ops=2",
      "--enable-grpc-gateway=false",
      "--max-request-bytes=3000",
      "--max-concurrent-streams=7",
      "--grpc-keepalive-min-time=1h",
      "--grpc-keepalive-interval=1s",
      "--grpc-keepalive-timeout=1s",
      "--watch-progress-notify-interval=100ms",
      "--experimental-compaction-batch-limit=1",
      "--experimental-compaction-sleep-interval=50ms",
      "--snapshot-count=10",
      "--snapshot-catchup-entries=5",
      "--max-snapshots=2",
      "--backend-bbolt-freelist-type=array",
    ];
    server = await startEtcd({ command: OUR_ETCD, flags });
    client = connectClient([server.endpoint]);
  }, 120_000);

  afterAll(async () => {
    client.close();
    await server.remove();
    fs.rmSync(FOLDER, { recursive: true });
  });

  test("--max-txn-ops", async () => {
    const request = { case: "requestPut" as const, value: createPutRequest({ key }) };
    const puts = (count: number): Promise<unknown> =>
      client.kv.txn({
        success: Array.from({ length: count }, (_, at) =>
          createRequestOp({
            request: { ...request, value: createPutRequest({ key: bytesFromUtf8(`${at}`) }) },
          }),
        ),
      });
    await puts(2);
    await expect(puts(3)).rejects.toThrow("too many operations in txn request");
  });

  test("--max-request-bytes", async () => {
    const put = (size: number): Promise<unknown> =>
      client.kv.put({ key, value: new Uint8Array(size) });
    await put(2000);
    await expect(put(4000)).rejects.toThrow("request is too large");
  });

  test("--max-concurrent-streams", async () => {
    const session = http2.connect(`http://${server.endpoint}`);
    const [settings] = (await once(session, "remoteSettings")) as [http2.Settings];
    expect(settings.maxConcurrentStreams).toBe(7);
    session.destroy();
  });

  test("--grpc-keepalive-min-time: who pings too often is sent away", async () => {
    const session = http2.connect(`http://${server.endpoint}`);
    session.on("error", () => undefined);
    const goaway = once(session, "goaway");
    await once(session, "connect");
    const pings = setInterval(() => session.ping(() => undefined), 20);
    const [code] = (await goaway) as [number];
    clearInterval(pings);
    expect(code).toBe(ENHANCE_YOUR_CALM);
    session.destroy();
  });

  test("--grpc-keepalive-interval and -timeout: who answers no ping is cut off", async () => {
    const [host, port] = server.endpoint.split(":");
    const socket = net.connect(Number(port), host);
    socket.write(PREFACE);
    socket.write(EMPTY_SETTINGS);
    const received: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.on("error", () => undefined);
    await once(socket, "close");
    expect(frameTypes(Buffer.concat(received))).toContain(PING_TYPE);
  });

  test("--watch-progress-notify-interval", async () => {
    const watcher = await client.watch.open({ key: bytesFromUtf8("quiet"), progressNotify: true });
    for (let told = 0; told < 3; told++) {
      expect((await watcher.next())?.events).toEqual([]);
    }
    watcher.cancel();
  });

  test("--experimental-compaction-batch-limit and -sleep-interval: a pause behind each revision", async () => {
    let revision = 0;
    for (let at = 0; at < 20; at++) {
      const { header } = await client.kv.put({ key, value: bytesFromUtf8(`${at}`) });
      revision = header?.revision ?? 0;
    }
    const startMs = performance.now();
    await client.kv.compact({ revision, physical: true });
    expect(performance.now() - startMs).toBeGreaterThan(20 * 50 * 0.8);
  });

  test("--wal-dir, --snapshot-count, --max-snapshots: the log elsewhere, and few snapshots", async () => {
    for (let at = 0; at < 60; at++) await client.kv.put({ key, value: bytesFromUtf8(`${at}`) });
    const snap = path.join(server.dataDir, "member", "snap");
    const snapshots = (): string[] => fs.readdirSync(snap).filter((name) => name.endsWith(".snap"));
    // The oldest goes a moment after the newest has come.
    let found = snapshots();
    for (let tries = 0; found.length !== 2 && tries < 500; tries++) {
      await client.kv.put({ key });
      found = snapshots();
    }
    expect(found).toHaveLength(2);
    expect(fs.readdirSync(WAL).some((name) => name.endsWith(".wal"))).toBe(true);
    expect(fs.existsSync(path.join(server.dataDir, "member", "wal"))).toBe(false);
    expect(server.log()).toContain("saved snapshot");
  });

  test("--initial-cluster-token and --enable-grpc-gateway: another cluster, without JSON", async () => {
    // No streams at a time mean any number of them.
    const plain = await startEtcd({ command: OUR_ETCD, flags: ["--max-concurrent-streams=0"] });
    const range = async ({ endpoint }: EtcdProcess): Promise<number> => {
      const body = JSON.stringify({ key: "aw==" });
      const answer = await fetch(`http://${endpoint}/v3/kv/range`, { method: "POST", body });
      return answer.status;
    };
    expect([await range(plain), await range(server)]).toEqual([200, 404]);
    const other = connectClient([plain.endpoint]);
    const idOf = async (of: Client): Promise<bigint | undefined> =>
      (await of.cluster.memberList()).header?.clusterId;
    expect(await idOf(client)).not.toBe(await idOf(other));
    other.close();
    await plain.remove();
  });
});

/** Types of the frames in what a server has sent. */
function frameTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    types.push(bytes[at + 3]);
  }
  return types;
}
