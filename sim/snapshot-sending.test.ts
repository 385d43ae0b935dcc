/** What a leader sends to a member that is too far behind: a database and a membership of one and the same entry. */
import { expect, test } from "vitest";
import { putFile } from "../test/harness/wal.ts";
import { Backend } from "../src/backend/backend.ts";
import { decodeV2Store } from "../src/membership/v2-store.ts";
import type { SnapshotSource, Transport } from "../src/peer/network.ts";
import { BackgroundWork } from "../src/server/storage/background-work.ts";
import { SNAPSHOT_LOG_HOLD_MS, SNAPSHOTS_SENT_MAX } from "../src/server/limits.ts";
import { SnapshotSender } from "../src/server/storage/snapshot-sender.ts";
import { assert } from "../src/stdx/assert.ts";
import { bytesFromLatin1, concatBytes, utf8FromBytes } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import { createMessage, type Message, MessageType } from "../src/wire/gen/raft.ts";
import { createPutRequest, encodePutRequest } from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

interface Sent {
  readonly message: Message;
  readonly database: SnapshotSource;
}

class Bench {
  readonly sent: Sent[] = [];
  readonly member: SimulatedMember;
  readonly sender: SnapshotSender;

  private constructor(member: SimulatedMember) {
    const { sent } = this;
    this.member = member;
    const transport: Transport = {
      setPeer() {},
      removePeer() {},
      send() {},
      sendSnapshot: (message, database) => sent.push({ message, database }),
      activeSinceMs: () => undefined,
      stop() {},
    };
    this.sender = new SnapshotSender({
      member: member.host.member,
      database: () => member.host.current.state,
      transport: () => transport,
      work: new BackgroundWork(member.clock),
      clock: member.clock,
      log: member.log,
      poke: () => member.host.poke(),
    });
  }

  static async start(): Promise<Bench> {
    const member = new SimulatedMember(new SimulatedDisk({ random: new Prng(1) }), 1_000_000);
    expect(await member.start(new Prng(1))).toBe(true);
    return new Bench(member);
  }

  put(count: number): void {
    const key = bytesFromLatin1(`key${count}`);
    const body = encodePutRequest(createPutRequest({ key, value: new Uint8Array(500) }));
    this.member.propose(Operation.put, body, () => {});
  }

  /** Reads a database to its end, with a put between every two pieces. */
  async read({ database }: Sent): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for (let count = 0; ; count++) {
      let piece: Uint8Array | undefined | Error;
      let isRead = false;
      database.next((chunk) => {
        piece = chunk instanceof Uint8Array ? chunk.slice() : chunk;
        isRead = true;
      });
      expect(isRead).toBe(false);
      this.put(1000 + count);
      expect(await this.member.until(() => isRead)).toBe(true);
      assert(!(piece instanceof Error), "A piece cannot be read");
      if (piece === undefined) return concatBytes(pieces);
      pieces.push(piece);
    }
  }
}

const request = (to: bigint): Message => createMessage({ type: MessageType.MsgSnap, to, term: 2 });

test("database, membership and configuration are of one entry, whatever is written meanwhile", async () => {
  const bench = await Bench.start();
  const { member, sent, sender } = bench;
  for (let count = 0; count < 40; count++) {
    bench.put(count);
    if (count === 20) sender.send([request(2n)]);
  }
  expect(await member.until(() => sent.length === 1)).toBe(true);
  const [{ message, database }] = sent;
  const bytes = await bench.read(sent[0]);
  database.close();
  expect(bytes.length).toBe(database.bytes);
  const other = new SimulatedDisk({ random: new Prng(2) });
  putFile(other, "/db", bytes);
  const backend = Backend.open(other, "/db");
  const { snapshot, term, to } = message;
  expect({ term, to }).toEqual({ term: 2, to: 2n });
  expect(backend.position()).toEqual({
    index: snapshot?.metadata.index,
    term: snapshot?.metadata.term,
  });
  const { id } = member.host.member;
  expect(snapshot?.metadata.confState.voters).toEqual([id]);
  const cluster = decodeV2Store(utf8FromBytes(snapshot?.data ?? new Uint8Array(0)), 1n);
  expect(cluster.members().map((info) => info.id)).toEqual([id]);
  expect(await member.stop()).toBe(true);
});

test("one to a member at a time, a bounded number in all, and the log stays while they are needed", async () => {
  const bench = await Bench.start();
  const { member, sent, sender } = bench;
  expect(sender.holdsLog).toBe(false);
  const ids = Array.from({ length: SNAPSHOTS_SENT_MAX + 4 }, (_, at) => BigInt(at + 2));
  sender.send([request(2n), ...ids.map(request)]);
  expect(await member.until(() => sent.length === SNAPSHOTS_SENT_MAX)).toBe(true);
  expect(sent.map(({ message }) => message.to)).toEqual(ids.slice(0, SNAPSHOTS_SENT_MAX));
  for (const { message } of sent) sender.sent(message.to, message.to % 2n === 0n);
  expect(sender.holdsLog).toBe(true);
  // While the log is held, snapshots of it are made and nothing is cut.
  for (let count = 0; count < 40; count++) bench.put(count);
  expect(await member.pass(SNAPSHOT_LOG_HOLD_MS / 2)).toBe(true);
  expect(sender.holdsLog).toBe(true);
  expect(await member.pass(SNAPSHOT_LOG_HOLD_MS)).toBe(true);
  expect(sender.holdsLog).toBe(false);
  const took = member.log.lines.filter(({ message }) => message === "sent merged snapshot");
  expect(took).toHaveLength(SNAPSHOTS_SENT_MAX);
  for (const { database } of sent) database.close();
  expect(await member.stop()).toBe(true);
});

test("a source that is closed calls nobody", async () => {
  const bench = await Bench.start();
  bench.sender.send([request(2n)]);
  expect(await bench.member.until(() => bench.sent.length === 1)).toBe(true);
  let calls = 0;
  bench.sent[0].database.next(() => calls++);
  bench.sent[0].database.close();
  expect(await bench.member.pass(50)).toBe(true);
  expect(calls).toBe(0);
  expect(await bench.member.stop()).toBe(true);
});
