import { describe, expect, test } from "vitest";
import type { SimulatedDisk } from "../../sim/disk.ts";
import {
  bytes,
  contentOf,
  newDisk,
  PATH,
  problemsOf,
  update,
  view,
  writeContent,
} from "../../test/harness/bolt.ts";
import { equalBytes } from "../stdx/bytes.ts";
import { Db } from "./db.ts";
import type { DbOptions } from "./db.ts";
import { BoltError } from "./errors.ts";

const PAGE = 4096;

/** A file with one bucket, after three commits: the newest meta is on page 0. */
function smallFile(pageSize = PAGE): { disk: SimulatedDisk; content: Uint8Array } {
  const disk = newDisk();
  const db = Db.open(disk, PATH, { pageSize });
  for (let round = 1; round <= 3; round++) {
    update(disk, db, (tx) => {
      const bucket = tx.createBucketIfNotExists(bytes("b"));
      for (let at = 0; at < 50; at++) bucket.put(bytes(`k${at}`), bytes(`${round}`.repeat(100)));
    });
  }
  expect(db.stats().txid).toBe(4);
  db.close();
  return { disk, content: contentOf(disk) };
}

function roundOf(disk: SimulatedDisk, path = PATH): string {
  const db = Db.open(disk, path);
  const round = view(db, (tx) =>
    String.fromCharCode(tx.bucket(bytes("b"))?.get(bytes("k7"))?.[0] ?? 48),
  );
  expect(problemsOf(db)).toEqual([]);
  db.close();
  return round;
}

/** Opens a file with this content, which must be refused and left alone. */
function refusal(content: Uint8Array, options: DbOptions = {}): BoltError {
  const disk = newDisk();
  writeContent(disk, content);
  const points = disk.points;
  let refused: unknown;
  try {
    Db.open(disk, PATH, options);
  } catch (error) {
    refused = error;
  }
  expect(disk.points).toBe(points);
  expect(equalBytes(contentOf(disk), content)).toBe(true);
  expect(refused).toBeInstanceOf(BoltError);
  expect((refused as BoltError).message).toContain(`Cannot open "${PATH}": `);
  return refused as BoltError;
}

describe("Db.open takes the newest valid state", () => {
  test("of two valid metas the one with the larger transaction id", () => {
    expect(roundOf(smallFile().disk)).toBe("3");
  });

  test.each([512, PAGE, 65_536])("the older one when the newer is damaged, pages of %i", (size) => {
    const { content } = smallFile(size);
    content[40] ^= 1;
    const disk = newDisk();
    writeContent(disk, content);
    expect(roundOf(disk)).toBe("2");
  });

  test("the first one when the second is damaged", () => {
    const { content } = smallFile();
    content.fill(0, PAGE, 2 * PAGE);
    const disk = newDisk();
    writeContent(disk, content);
    expect(roundOf(disk)).toBe("3");
  });
});

describe("Db.open refuses, and does not touch", () => {
  test("a file of something else", () => {
    const content = new Uint8Array(3 * PAGE).fill(0x42);
    expect(refusal(content)).toMatchObject({ code: "notBolt" });
    expect(refusal(content).message).toContain("magic is 0x42424242, expected 0xed0cdaed");
    expect(refusal(new Uint8Array(100 * PAGE)).code).toBe("notBolt");
    expect(refusal(bytes("SQLite format 3")).code).toBe("notBolt");
  });

  test("a file with two invalid metas", () => {
    const { content } = smallFile();
    content[40] ^= 1;
    content[PAGE + 40] ^= 1;
    const error = refusal(content);
    expect(error.code).toBe("invalidMeta");
    expect(error.message).toMatch(
      /both meta pages are invalid \(page 0: checksum .*; page 1: chec/,
    );
  });

  test("another version of the format", () => {
    const { content } = smallFile();
    content[20] = 3;
    content[PAGE + 20] = 3;
    expect(refusal(content)).toMatchObject({ code: "version" });
    expect(refusal(content).message).toContain("format version is 3, expected 2");
  });

  test("a truncated file", () => {
    const { content, disk } = smallFile();
    const size = view(Db.open(disk, PATH), (tx) => tx.sizeBytes);
    const error = refusal(content.slice(0, size - 1));
    expect(error.code).toBe("truncated");
    expect(error.message).toContain(
      `the file is truncated, it has ${size - 1} bytes of at least ${size}`,
    );
    const whole = newDisk();
    writeContent(whole, content.slice(0, size));
    expect(roundOf(whole)).toBe("3");
  });

  test("an absent or empty file when it is only to be read", () => {
    expect(() => Db.open(newDisk(), PATH, { readOnly: true })).toThrow("there is no such file");
    expect(refusal(new Uint8Array(0), { readOnly: true }).code).toBe("notBolt");
  });

  test("a directory", () => {
    expect(() => Db.open(newDisk(), "/data")).toThrow("it is no regular file");
  });

  test("a file that another process has locked, saying what to do", () => {
    const { disk } = smallFile();
    const db = Db.open(disk, PATH);
    expect(() => Db.open(disk, PATH)).toThrow(
      `Cannot open "${PATH}": another process, or another member in this one, has it locked; stop that first`,
    );
    Db.open(disk, PATH, { readOnly: true }).close();
    db.close();
    Db.open(disk, PATH).close();
  });
});

describe("Db.open makes a file anew", () => {
  test("when there is none, or an empty one", () => {
    const disk = newDisk();
    writeContent(disk, new Uint8Array(0));
    const db = Db.open(disk, PATH);
    update(disk, db, (tx) => tx.createBucket(bytes("b")));
    db.close();
    expect(roundOf(disk)).toBe("0");
  });

  test("when the first write of it was cut off, wherever and however", () => {
    const whole = newDisk();
    Db.open(whole, PATH, { pageSize: 1024 });
    whole.runUntilIdle();
    const image = contentOf(whole);
    for (let lost = 0; lost < 2 ** 8; lost += 3) {
      for (const size of [4096, 3500, 600]) {
        const content = image.slice(0, size);
        for (let sector = 0; sector < 8; sector++) {
          if ((lost >> sector) & 1) content.fill(0, sector * 512, (sector + 1) * 512);
        }
        const disk = newDisk();
        writeContent(disk, content);
        const db = Db.open(disk, PATH, { pageSize: 1024 });
        update(disk, db, (tx) => tx.createBucket(bytes("b")));
        expect(problemsOf(db)).toEqual([]);
        db.close();
      }
    }
  });
});
