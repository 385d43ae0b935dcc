/** A member that has fallen behind takes over a snapshot of the leader, while it runs or after a start. */
import { expect, test } from "vitest";
import { PinnedState } from "../src/backend/pinned-state.ts";
import { EtcdError } from "../src/errors/etcd-error.ts";
import type { WatchBatch } from "../src/mvcc/watch-batch.ts";
import type { WatchReceiver } from "../src/mvcc/watch-stream.ts";
import { SNAPSHOT_LOG_HOLD_MS } from "../src/server/limits.ts";
import { assert } from "../src/stdx/assert.ts";
import { bytesFromLatin1 } from "../src/stdx/bytes.ts";
import { createWatchCreateRequest, decodeWatchResponse } from "../src/wire/gen/rpc.ts";
import type { Machine } from "./cluster/machine.ts";
import { LaggingWorld } from "./lagging-world.ts";

test("a member that was down is sent a snapshot, and goes on behind it", async () => {
  const world = await LaggingWorld.start(1);
  const { follower } = world;
  follower.crash({ cause: "process" });
  await world.write(60);
  expect(world.cluster.network.counts.snapshotsDelivered).toBe(0);
  follower.start();
  await world.caughtUp(follower);
  expect(world.cluster.network.counts.snapshotsDelivered).toBe(1);
  await world.write(30);
  await world.caughtUp(follower);
  // And what it has taken over is there after a start.
  follower.stop();
  await world.until(() => follower.state === "down");
  follower.start();
  await world.caughtUp(follower);
  expect(world.cluster.network.counts.snapshotsDelivered).toBe(1);
});

test("a member that was cut off takes one over while it runs", async () => {
  const world = await LaggingWorld.start(2);
  const { follower } = world;
  world.isolate(follower, true);
  await world.write(60);
  world.isolate(follower, false);
  await world.caughtUp(follower);
  expect(world.cluster.network.counts.snapshotsDelivered).toBe(1);
  await world.write(30);
  await world.caughtUp(follower);
});

test("power fails before any operation on the disk meanwhile", async () => {
  const world = await LaggingWorld.start(3);
  let crashes = 0;
  for (let point = 1; ; point++) {
    const { follower } = world;
    // The log is held behind the last one that was sent.
    await world.cluster.run(SNAPSHOT_LOG_HOLD_MS * 1000);
    world.isolate(follower, true);
    await world.write(20);
    follower.disk.crashAt(follower.disk.points + point);
    world.isolate(follower, false);
    const { snapshotsDelivered } = world.cluster.network.counts;
    await world.until(
      () => follower.state === "down" || isCaughtUp(world, follower, snapshotsDelivered),
    );
    if (follower.state !== "down") break;
    crashes++;
    follower.start();
    await world.caughtUp(follower);
    expect(world.leader).not.toBe(follower);
  }
  expect(crashes).toBeGreaterThan(12);
  await world.caughtUp(world.follower);
}, 60_000);

function isCaughtUp(world: LaggingWorld, machine: Machine, snapshotsBefore: number): boolean {
  const { snapshotsDelivered } = world.cluster.network.counts;
  if (snapshotsDelivered === snapshotsBefore) return false;
  const leader = world.cluster.leader()?.host?.member.status();
  return machine.host?.member.status().appliedIndex === leader?.committedIndex;
}

/** Notes what it is shown. */
class Viewer implements WatchReceiver {
  readonly revisions: number[] = [];
  compactedAt: number | undefined;

  onEvents(_id: unknown, _fragment: boolean, batch: WatchBatch): boolean {
    for (const { kv } of decodeWatchResponse(batch.bytes.slice()).events) {
      this.revisions.push(kv?.modRevision ?? 0);
    }
    return true;
  }

  onCompacted(_id: unknown, compactRevision: number): boolean {
    this.compactedAt = compactRevision;
    return true;
  }

  onProgress(): boolean {
    return true;
  }

  onStreamProgress(): boolean {
    return true;
  }
}

function watch({ host }: Machine, startRevision: number, key?: string): Viewer {
  assert(host !== undefined, "The member does not run");
  const viewer = new Viewer();
  const stream = host.watches.open(viewer, viewer, 600_000);
  const zero = new Uint8Array(1);
  const range = key === undefined ? { key: zero, rangeEnd: zero } : { key: bytesFromLatin1(key) };
  host.watches.create(stream, createWatchCreateRequest({ ...range, startRevision }));
  host.poke();
  return viewer;
}

test("watchers on it are shown everything, once and in order", async () => {
  const world = await LaggingWorld.start(4);
  const { follower } = world;
  const all = watch(follower, 1);
  const one = watch(follower, 0, "key3");
  const later = watch(follower, 60);
  await world.caughtUp(follower);
  const { store } = follower.host?.member.applier ?? {};
  world.isolate(follower, true);
  await world.write(60);
  world.isolate(follower, false);
  await world.caughtUp(follower);
  const after = follower.host?.member.applier.store;
  expect(after).not.toBe(store);
  await world.write(20);
  await world.caughtUp(follower);
  const revision = after?.revision ?? 0;
  await world.until(() => all.revisions.at(-1) === revision);
  expect(all.revisions).toEqual(Array.from({ length: revision - 1 }, (_, at) => at + 2));
  expect(later.revisions).toEqual(Array.from({ length: revision - 59 }, (_, at) => at + 60));
  expect(one.revisions.length).toBeGreaterThan(5);
  expect(one.revisions).toEqual([...new Set(one.revisions)].sort((a, b) => a - b));
});

test("watchers on it whose history is compacted end", async () => {
  const world = await LaggingWorld.start(5);
  const { follower } = world;
  const viewer = watch(follower, 0);
  world.isolate(follower, true);
  await world.write(60);
  const revision = world.leader.host?.member.applier.store.revision ?? 0;
  await world.compact(revision - 10);
  await world.write(30);
  world.isolate(follower, false);
  await world.caughtUp(follower);
  await world.until(() => viewer.compactedAt !== undefined);
  expect(viewer.compactedAt).toBe(revision - 10);
});

test("whoever asks for the database meanwhile is answered from the new one", async () => {
  let isApplying = false;
  const world = await LaggingWorld.start(6, {}, (line) => {
    isApplying ||= line.includes("applying snapshot");
  });
  const { follower } = world;
  world.isolate(follower, true);
  await world.write(60);
  world.isolate(follower, false);
  await world.until(() => isApplying);
  const { current } = follower.host ?? {};
  assert(current !== undefined, "The member does not run");
  const answers: unknown[] = [];
  current.hashes.ofDatabase((result) => answers.push(result));
  current.hashes.ofKeyspace(0, (result) => answers.push(result));
  current.backups.open((result) => answers.push(result));
  current.defragment((failure) => answers.push(failure));
  current.whenCompacted(() => answers.push("compacted"));
  await world.caughtUp(follower);
  await world.until(() => answers.length === 5);
  expect(answers.filter((answer) => answer instanceof EtcdError)).toEqual([]);
  for (const answer of answers) if (answer instanceof PinnedState) answer.close();
});
