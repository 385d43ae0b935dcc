/**
 * One client that follows everything over the lives of a member, which crashes at any operation on its disk:
 * it goes on after each start where it was. In the end it has been shown exactly the history, each
 * change once: nothing that a crash has undone, and everything that was acknowledged.
 */
import { expect, test } from "vitest";
import { EtcdError } from "../src/errors/etcd-error.ts";
import type { WatchBatch } from "../src/mvcc/watch-batch.ts";
import type { WatchReceiver } from "../src/mvcc/watch-stream.ts";
import { bytesFromLatin1, latin1FromBytes } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  createDeleteRangeRequest,
  createPutRequest,
  createWatchCreateRequest,
  decodeWatchResponse,
  encodeDeleteRangeRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

/** CRASH_SEEDS sets how many stories are tried, CRASH_SEED the first. */
const FIRST_SEED = Number(process.env["CRASH_SEED"] ?? 11);
const SEEDS = Array.from(
  { length: Number(process.env["CRASH_SEEDS"] ?? 4) },
  (_, index) => FIRST_SEED + index,
);

const LIVES = 12;
const WRITES = 40;
const EVERYTHING = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };

/** Notes what it is shown; has room for a few responses at a time. */
class Follower implements WatchReceiver {
  readonly seen: string[] = [];
  nextRevision = 1;
  room: number;

  constructor(room: number) {
    this.room = room;
  }

  onEvents(_id: unknown, _fragment: boolean, batch: WatchBatch): boolean {
    for (const { type, kv } of decodeWatchResponse(batch.bytes.slice()).events) {
      expect(kv?.modRevision).toBeGreaterThanOrEqual(this.nextRevision);
      const key = latin1FromBytes(kv?.key ?? new Uint8Array(0));
      this.seen.push(`${type} ${key} ${kv?.modRevision} ${kv?.version} ${kv?.value.length}`);
    }
    this.nextRevision = batch.lastRevision + 1;
    this.room--;
    return this.room > 0;
  }

  onCompacted(): boolean {
    throw new Error("Nothing is compacted here");
  }

  onProgress(): boolean {
    throw new Error("Progress was not asked for");
  }

  onStreamProgress(): boolean {
    throw new Error("Progress was not asked for");
  }
}

/** Watches everything from where `follower` is; `rest` lets it read what there is. */
function follow(member: SimulatedMember, follower: Follower): { rest(room: number): void } {
  const { watches } = member.host;
  const stream = watches.open(follower, 1, 1e9);
  const startRevision = follower.nextRevision;
  watches.create(stream, createWatchCreateRequest({ ...EVERYTHING, startRevision }));
  return {
    rest(room) {
      follower.room = room;
      watches.resume(stream);
      member.host.poke();
    },
  };
}

/** Writes until it is done or the member crashes; adds the revisions that were acknowledged. */
async function write(
  member: SimulatedMember,
  random: Prng,
  reader: { rest(room: number): void },
  acknowledged: Set<number>,
): Promise<void> {
  let answers = 0;
  for (let asked = 1; asked <= WRITES; asked++) {
    const key = bytesFromLatin1(`k${random.below(6)}`);
    const rangeEnd = bytesFromLatin1(random.chance(0.3) ? "\0" : "");
    const isDelete = random.chance(0.25);
    const body = isDelete
      ? encodeDeleteRangeRequest(createDeleteRangeRequest({ key, rangeEnd }))
      : encodePutRequest(createPutRequest({ key, value: new Uint8Array(random.below(400)) }));
    const before = member.host.member.applier.store.revision;
    member.propose(isDelete ? Operation.deleteRange : Operation.put, body, (result) => {
      answers++;
      if (result instanceof EtcdError) throw result;
      const { revision } = member.host.member.applier.store;
      if (revision > before) acknowledged.add(revision);
    });
    if (random.chance(0.3)) reader.rest(random.between(1, 4));
    const pause = random.chance(0.7) ? asked : answers;
    if (!(await member.until(() => answers >= pause))) return;
  }
}

test.each(SEEDS)(
  "a follower is shown the history, whatever crashes, seed %i",
  async (seed) => {
    const random = new Prng(seed);
    const follower = new Follower(2);
    const acknowledged = new Set<number>();
    let disk = new SimulatedDisk({ random: new Prng(seed) });
    for (let life = 0; life < LIVES; life++) {
      disk.crashAt(disk.points + random.between(20, 300));
      const member = new SimulatedMember(disk, 1_000_000 * (life + 1));
      if (await member.start(new Prng(seed + life))) {
        const reader = follow(member, follower);
        await write(member, random, reader, acknowledged);
      }
      disk = disk.crash(new Prng(seed * 31 + life));
    }
    const last = new SimulatedMember(disk, 1e9);
    expect(await last.start(new Prng(seed))).toBe(true);
    const newcomer = new Follower(1e9);
    follow(last, newcomer);
    follow(last, follower).rest(1e9);
    const { revision } = last.host.member.applier.store;
    const isDone = (): boolean =>
      newcomer.nextRevision > revision && follower.nextRevision > revision;
    expect(await last.until(isDone)).toBe(true);
    expect(follower.seen).toEqual(newcomer.seen);
    expect(revision).toBeGreaterThan(100);
    const shown = new Set(follower.seen.map((event) => Number(event.split(" ")[2])));
    expect([...acknowledged].filter((each) => !shown.has(each))).toEqual([]);
    expect(await last.stop()).toBe(true);
  },
  60_000,
);
