/** A database that arrives from a leader: in pieces of any size, given up at any time, on a disk that is full. */
import { beforeAll, describe, expect, test } from "vitest";
import { fileBytes } from "../test/harness/wal.ts";
import { Backend } from "../src/backend/backend.ts";
import type { SnapshotSink } from "../src/peer/network.ts";
import { SNAPSHOT_WRITE_BYTES } from "../src/server/limits.ts";
import { MetricsRegistry } from "../src/stdx/metrics/registry.ts";
import { SnapshotFileMetrics } from "../src/wal/metrics.ts";
import { SnapshotReceiver } from "../src/server/storage/snapshot-receiver.ts";
import { bytesFromLatin1, equalBytes } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { createMessage, createSnapshot, type Message, MessageType } from "../src/wire/gen/raft.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

const DIRECTORY = "/data/member/snap";
const INDEX = 9;

function databaseBytes(): Uint8Array {
  const disk = new SimulatedDisk({ random: new Prng(1) });
  const backend = Backend.open(disk, "/db");
  for (let at = 0; at < 12; at++) {
    backend.put("key", bytesFromLatin1(`key${at}`), new Uint8Array(250_000).fill(at));
  }
  backend.commit({ index: INDEX, term: 2 }, () => {});
  disk.runUntilIdle();
  return fileBytes(disk, "/db");
}

function messageOf(index: number): Message {
  const snapshot = createSnapshot();
  snapshot.metadata.index = index;
  return createMessage({ type: MessageType.MsgSnap, snapshot });
}

class Bench {
  readonly stepped: Message[] = [];
  readonly member: SimulatedMember;
  readonly receiver: SnapshotReceiver;

  private constructor(member: SimulatedMember) {
    this.member = member;
    const { disk, clock, log } = member;
    this.receiver = new SnapshotReceiver({
      ...{ disk, clock, log },
      metrics: new SnapshotFileMetrics(new MetricsRegistry()),
      member: { step: (message: Message) => this.stepped.push(message) },
      directory: DIRECTORY,
      reserveBytes: 1000,
      poke: () => {},
    });
  }

  static async start(): Promise<Bench> {
    const member = new SimulatedMember(new SimulatedDisk({ random: new Prng(2) }), 1_000_000);
    expect(await member.start(new Prng(3))).toBe(true);
    return new Bench(member);
  }

  /** What a call of a sink answers, which is never at once. */
  async answer(call: (done: (failure: Error | undefined) => void) => void): Promise<string> {
    let told: string | undefined;
    call((failure) => {
      told = failure?.message ?? "done";
    });
    expect(told).toBeUndefined();
    expect(await this.member.until(() => told !== undefined)).toBe(true);
    return told ?? "";
  }

  async send(sink: SnapshotSink, bytes: Uint8Array, random: Prng): Promise<string> {
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(random.pick([10_000, 200_000, 3 * SNAPSHOT_WRITE_BYTES]));
      const chunk = bytes.slice(at, at + size);
      const told = await this.answer((done) => sink.write(chunk, done));
      if (told !== "done") return told;
      chunk.fill(0);
      at += size;
    }
    return "done";
  }

  get files(): string[] {
    return this.member.disk.list(DIRECTORY).filter((name) => name.includes(".snap.db"));
  }
}

describe("SnapshotReceiver", () => {
  let database: Uint8Array;

  beforeAll(() => {
    database = databaseBytes();
  });

  test.each([1, 2, 3, 4, 5])("takes in pieces of any size, seed %i", async (seed) => {
    const bench = await Bench.start();
    const sink = bench.receiver.receive(messageOf(INDEX));
    expect(await bench.send(sink, database, new Prng(seed))).toBe("done");
    expect(bench.stepped).toEqual([]);
    expect(await bench.answer((done) => sink.finish(done))).toBe("done");
    expect(bench.stepped).toHaveLength(1);
    expect(bench.files).toEqual(["0000000000000009.snap.db"]);
    const received = fileBytes(bench.member.disk, `${DIRECTORY}/${bench.files[0]}`);
    expect(equalBytes(received, database)).toBe(true);
    await bench.member.stop();
  });

  test("refuses a second one of the same index, and one that ends before its snapshot", async () => {
    const bench = await Bench.start();
    const sink = bench.receiver.receive(messageOf(INDEX + 1));
    const second = bench.receiver.receive(messageOf(INDEX + 1));
    const refused = await bench.answer((done) => second.write(new Uint8Array(1), done));
    expect(refused).toContain("is arriving already");
    expect(await bench.send(sink, database, new Prng(1))).toBe("done");
    expect(await bench.answer((done) => sink.finish(done))).toContain("ends at index 9, before");
    expect([bench.files, bench.stepped]).toEqual([[], []]);
    const empty = bench.receiver.receive(messageOf(0));
    expect(await bench.answer((done) => empty.finish(done))).toContain("empty");
    await bench.member.stop();
  });

  test("leaves nothing of one that is given up, at rest or under a write", async () => {
    const bench = await Bench.start();
    const { disk } = bench.member;
    for (const isWriting of [false, true]) {
      const sink = bench.receiver.receive(messageOf(INDEX));
      expect(await bench.answer((done) => sink.write(new Uint8Array(100), done))).toBe("done");
      const told: (string | undefined)[] = [];
      if (isWriting) {
        disk.hold((path) => path.endsWith(".part"));
        const chunk = new Uint8Array(2 * SNAPSHOT_WRITE_BYTES);
        sink.write(chunk, (failure) => told.push(failure?.message));
        await bench.member.pass(50);
      }
      sink.abort("the sender is gone");
      disk.release();
      await bench.member.pass(50);
      expect(told).toEqual(isWriting ? ["the snapshot was given up"] : []);
      expect(bench.files).toEqual([]);
    }
    await bench.member.stop();
  });

  test("tells of a disk that fails, and can be sent it again", async () => {
    const bench = await Bench.start();
    bench.member.disk.inject({ operation: "write", code: "ENOSPC" });
    const sink = bench.receiver.receive(messageOf(INDEX));
    const sent = await bench.send(sink, database, new Prng(1));
    const outcome = sent === "done" ? await bench.answer((done) => sink.finish(done)) : sent;
    expect(outcome).toContain("no space left on device");
    if (sent !== "done") sink.abort(sent);
    await bench.member.pass(50);
    expect(bench.files).toEqual([]);
    const again = bench.receiver.receive(messageOf(INDEX));
    expect(await bench.send(again, database, new Prng(1))).toBe("done");
    expect(await bench.answer((done) => again.finish(done))).toBe("done");
    await bench.member.stop();
  });
});
