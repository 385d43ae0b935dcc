/** A snapshot on its way to a file: whole and true, or not there. */
import { expect, test } from "vitest";
import { SimulatedDisk } from "../../sim/disk.ts";
import { contentOf, driven } from "../../test/harness/snapshot-world.ts";
import { sha256 } from "../platform/digest.ts";
import { Prng } from "../stdx/prng.ts";
import { SnapshotDownload, type SnapshotPiece } from "./save-snapshot.ts";
import { SnapshotError } from "./snapshot-error.ts";

const PATH = "/saved/snapshot";

/** Three pages of something. */
const DATABASE = new Uint8Array(3 * 512).map((_, at) => at % 251);

function withDigest(database: Uint8Array): Uint8Array {
  const digest = sha256();
  digest.update(database);
  return Uint8Array.from([...database, ...digest.finish()]);
}

const SNAPSHOT = withDigest(DATABASE);

/** The bytes in pieces of `size`, as a member sends them. */
async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<SnapshotPiece> {
  for (let at = 0; at < bytes.length; at += size) {
    const blob = bytes.slice(at, at + size);
    await Promise.resolve();
    yield { blob, remainingBytes: bytes.length - at - blob.length };
  }
}

function newDisk(): SimulatedDisk {
  const disk = new SimulatedDisk({ random: new Prng(3) });
  disk.makeDirectory("/saved");
  disk.syncDirectory("/");
  return disk;
}

/** Saves the pieces; the size, or undefined when the disk has halted on the way. */
async function save(
  disk: SimulatedDisk,
  pieces: AsyncIterable<SnapshotPiece>,
  seen: number[] = [],
): Promise<number | undefined> {
  const onPiece = (done: number): void => {
    seen.push(done);
  };
  const outcome = await driven(disk, async () => {
    const download = SnapshotDownload.begin({ disk, sha256, onPiece }, PATH);
    try {
      const size = await download.receive(pieces);
      download.publish();
      return size;
    } finally {
      download.discard();
    }
  });
  return outcome?.value;
}

function savedIn(disk: SimulatedDisk): Uint8Array | undefined {
  return disk.stat(PATH) === undefined ? undefined : contentOf(disk, PATH);
}

test.each([[1], [31], [32], [33], [512], [1000], [SNAPSHOT.length], [10_000]])(
  "pieces of %i bytes",
  async (size) => {
    const disk = newDisk();
    const seen: number[] = [];
    expect(await save(disk, inPieces(SNAPSHOT, size), seen)).toBe(SNAPSHOT.length);
    expect(savedIn(disk)).toEqual(SNAPSHOT);
    expect(disk.list("/saved")).toEqual(["snapshot"]);
    expect(seen.at(-1)).toBe(SNAPSHOT.length);
    expect(seen).toHaveLength(Math.ceil(SNAPSHOT.length / size));
  },
);

test.each([
  ["a byte is another one", SNAPSHOT.with(700, SNAPSHOT[700] ^ 1), "expected sha256 ["],
  ["the digest is missing", DATABASE, "sha256 checksum not found [bytes: 1536]"],
  ["the end is missing", SNAPSHOT.subarray(0, 1000), "sha256 checksum not found [bytes: 1000]"],
  ["nothing came", new Uint8Array(0), "sha256 checksum not found [bytes: 0]"],
  ["only a digest came", new Uint8Array(32), "expected sha256 [0 0 "],
])("nothing is left when %s", async (_, bytes, message) => {
  const disk = newDisk();
  const saved = save(disk, inPieces(bytes, 100));
  await expect(saved).rejects.toThrow(SnapshotError);
  await expect(saved).rejects.toThrow(message);
  expect(disk.list("/saved")).toEqual([]);
});

test("a stream that breaks off leaves what was there before", async () => {
  const disk = newDisk();
  await save(disk, inPieces(SNAPSHOT, 100));
  async function* broken(): AsyncGenerator<SnapshotPiece> {
    yield* inPieces(DATABASE, 1000);
    throw new Error("the member has gone");
  }
  await expect(save(disk, broken())).rejects.toThrow("the member has gone");
  expect(savedIn(disk)).toEqual(SNAPSHOT);
  expect(disk.list("/saved")).toEqual(["snapshot"]);
});

test("a failing disk is told, and leaves nothing under the name", async () => {
  const disk = newDisk();
  disk.inject({ operation: "sync", pathSuffix: ".part", code: "EIO" });
  await expect(save(disk, inPieces(SNAPSHOT, 100))).rejects.toThrow("input/output error");
  expect(savedIn(disk)).toBeUndefined();
});

test("after a crash at every point the file is whole or not there", async () => {
  let outcomes = 0;
  for (let point = 1; ; point++) {
    const disk = newDisk();
    disk.crashAt(disk.points + point);
    const size = await save(disk, inPieces(SNAPSHOT, 300));
    for (const survival of ["kept", "lost", "random"] as const) {
      const after = disk.crash(new Prng(point), { survival });
      const found = savedIn(after);
      if (size !== undefined || found !== undefined) expect(found).toEqual(SNAPSHOT);
      outcomes++;
    }
    if (size !== undefined) break;
  }
  expect(outcomes).toBeGreaterThan(20);
});
