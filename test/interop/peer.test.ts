/**
 * Our end of the peer protocol with a real member at the other: a cluster of two, of which ours is nothing but
 * a Raft node.
 */
import { afterEach, describe, expect, test } from "vitest";
import {
  FOUNDING_TERM,
  foundingEntries,
  foundingMembers,
} from "../../src/membership/founding-entries.ts";
import { computeClusterId, computeMemberId } from "../../src/membership/identity.ts";
import { sha1 } from "../../src/platform/digest.ts";
import { MemoryStorage } from "../../src/raft/memory-storage.ts";
import { bytesFromUtf8, concatBytes, latin1FromBytes } from "../../src/stdx/bytes.ts";
import { encodePutRequest } from "../../src/wire/gen/rpc.ts";
import {
  createRequestHeader,
  InternalRaftRequestOperationField,
} from "../../src/wire/gen/raft-internal.ts";
import { encodeInternalRequest } from "../../src/wire/internal-request.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { linesOf, sourceOf, startPeerEnd, streamsOpen, until } from "../harness/peer-world.ts";
import { freePorts } from "../harness/processes.ts";
import { RaftEnd } from "../harness/raft-end.ts";
import { REFERENCE } from "../harness/reference.ts";

const TOKEN = "etcd-cluster";

/** The addresses of both members, and the ids that follow from them. */
interface Pair {
  readonly client: number;
  readonly realPeer: number;
  readonly ourPeer: number;
  readonly realId: bigint;
  readonly ourId: bigint;
  readonly clusterId: bigint;
}

const running: { remove(): Promise<void> | void }[] = [];

afterEach(async () => {
  for (const each of running.splice(0)) await each.remove();
});

async function planPair(): Promise<Pair> {
  const [client, realPeer, ourPeer] = await freePorts(3);
  const idOf = (port: number): bigint =>
    computeMemberId([`http://127.0.0.1:${port}`], TOKEN, undefined, sha1);
  const [realId, ourId] = [idOf(realPeer), idOf(ourPeer)];
  const clusterId = computeClusterId([realId, ourId], sha1);
  return { client, realPeer, ourPeer, realId, ourId, clusterId };
}

async function startOurs(
  pair: Pair,
  campaigns: boolean,
  storage?: MemoryStorage,
): Promise<RaftEnd> {
  const { ourId: id, clusterId, ourPeer: port, realId, realPeer } = pair;
  const end = new RaftEnd(await startPeerEnd({ id, clusterId, port }), campaigns, storage);
  end.end.transport.setPeer(realId, [`http://127.0.0.1:${realPeer}`]);
  running.push({ remove: () => end.stop() });
  return end;
}

async function startReal(
  pair: Pair,
  flags: readonly string[] = [],
  dataDir?: string,
): Promise<EtcdProcess> {
  const { client, realPeer, ourPeer } = pair;
  const real = `http://127.0.0.1:${realPeer}`;
  const etcd = await startEtcd({
    ports: [client, realPeer],
    flags: [
      `--initial-advertise-peer-urls=${real}`,
      `--initial-cluster=default=${real},ours=http://127.0.0.1:${ourPeer}`,
      ...flags,
    ],
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  running.push(etcd);
  return etcd;
}

/** Asks the real member's JSON gateway. */
async function ask(
  etcd: EtcdProcess,
  what: string,
  body: object,
): Promise<Record<string, unknown>> {
  const answer = await fetch(`http://${etcd.endpoint}/v3/kv/${what}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, unknown>;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** An entry that puts a key, as a member proposes it. */
function putEntry(key: string, value: string, id: number): Uint8Array {
  const body = encodePutRequest({
    key: bytesFromUtf8(key),
    value: bytesFromUtf8(value),
    lease: 0n,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
  });
  const header = createRequestHeader({ id: BigInt(id) });
  return encodeInternalRequest(header, InternalRaftRequestOperationField.put, body);
}

function payloadsOf({ applied }: RaftEnd): string[] {
  return applied.map(({ data }) => (data === undefined ? "" : latin1FromBytes(data)));
}

describe.skipIf(REFERENCE === undefined)("with a real member", () => {
  test("ours votes for it, follows it, and forwards to it", async () => {
    const pair = await planPair();
    const ours = await startOurs(pair, false);
    const real = await startReal(pair);
    await ask(real, "put", { key: base64("from-real"), value: base64("a".repeat(1000)) });
    await until("the entry is here", () =>
      payloadsOf(ours).some(
        (text) => text.includes("from-real") && text.includes("a".repeat(1000)),
      ),
    );
    expect(ours.node.basicStatus().lead).toBe(pair.realId);

    // A proposal goes to the leader and comes back committed.
    ours.propose(putEntry("from-ours", "v", 7));
    await until("it is committed", () =>
      payloadsOf(ours).some((text) => text.includes("from-ours")),
    );
    const range = await ask(real, "range", { key: base64("from-ours") });
    expect(range["kvs"]).toMatchObject([{ value: base64("v") }]);

    expect(streamsOpen(ours.end)).toBeGreaterThanOrEqual(2);
    expect(ours.end.transport.activeSinceMs(pair.realId)).toBeGreaterThan(0);
    const text = real.log();
    for (const kind of ["stream-reader-type", "stream-writer-type"]) {
      for (const stream of ["stream MsgApp v2", "stream Message"]) {
        expect(text).toContain(
          `"msg":"established TCP streaming connection with remote peer","${kind}":"${stream}"`,
        );
      }
    }
    expect(text).not.toContain('"level":"panic"');
  });

  test("ours leads it: it follows, and forwards to ours", async () => {
    const pair = await planPair();
    const ours = await startOurs(pair, true, founded(pair));
    // It stands for no election in this time.
    const real = await startReal(pair, ["--election-timeout=50000"]);
    expect(ours.isLeader).toBe(true);
    for (let i = 0; i < 50; i++) ours.propose(putEntry(`k${i}`, "x".repeat(i * 1000), 100 + i));
    await ask(real, "put", { key: base64("from-real"), value: base64("w") });
    const range = await ask(real, "range", { key: base64("k"), range_end: base64("l") });
    expect(range["count"]).toBe("50");
    expect(payloadsOf(ours).filter((text) => text.includes("from-real"))).toHaveLength(1);
    expect(linesOf(ours.end, "lost TCP streaming connection with remote peer")).toEqual([]);
    expect(real.log()).not.toContain("lost TCP streaming connection");
  });

  test("databases go both ways", async () => {
    const pair = await planPair();
    const follower = await startOurs(pair, false);
    const flags = ["--snapshot-count=10", "--experimental-snapshot-catchup-entries=5"];
    const real = await startReal(pair, flags);
    for (let i = 0; i < 40; i++) {
      await ask(real, "put", { key: base64(`k${i}`), value: base64("v".repeat(10_000)) });
    }
    // What ours knew is gone, and the real one, which starts anew, has no log that goes back so far.
    follower.stop();
    await real.stop();
    const leader = await startOurs(pair, false);
    const sender = await startReal(pair, flags, real.dataDir);
    await until("a database is here", () => leader.end.databases[0]?.end === "finished");
    const database = concatBytes(leader.end.databases[0].chunks);
    const magic = new DataView(database.buffer, database.byteOffset).getUint32(16, true);
    expect(magic).toBe(0xed0c_daed);
    await until("it is taken over", () => leader.storage.firstIndex() > 10);
    expect(sender.log()).toContain('"msg":"sent database snapshot"');

    // Now everything that the real one knew is gone, and it gets the same database back.
    await sender.remove();
    leader.campaigns = true;
    leader.onSnapshotWanted = (message) =>
      leader.end.transport.sendSnapshot(message, sourceOf(piecesOf(database)));
    const again = await startReal(pair, [...flags, "--election-timeout=50000"]);
    const range = await ask(again, "range", { key: base64("k"), range_end: base64("l") });
    expect(range["count"]).toBe("40");
    expect(leader.end.snapshotsSent).toEqual([{ id: pair.realId, delivered: true }]);
    expect(again.log()).toContain('"msg":"received and saved database snapshot"');
  });
});

/** What a founding member of the pair has in its log. */
function founded({ realPeer, ourPeer }: Pair): MemoryStorage {
  const names = [
    { name: "default", peerUrls: [`http://127.0.0.1:${realPeer}`] },
    { name: "ours", peerUrls: [`http://127.0.0.1:${ourPeer}`] },
  ];
  const entries = foundingEntries(foundingMembers(names, TOKEN, sha1).members);
  const storage = new MemoryStorage();
  storage.append(entries);
  storage.setHardState({ term: FOUNDING_TERM, vote: 0n, commit: entries.length });
  return storage;
}

function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 30_000) pieces.push(bytes.subarray(at, at + 30_000));
  return pieces;
}
