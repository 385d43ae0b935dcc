import { describe, expect, test } from "vitest";
import { bytes, contentOf, newDisk, PATH, update, writeContent } from "../../test/harness/bolt.ts";
import { check } from "./check.ts";
import { Db } from "./db.ts";

const PAGE = 512;
const B = bytes("b");

/** A file that stores its freelist, and where its pages are. */
function storedFile(): { content: Uint8Array; rootId: number; leafIds: number[]; listId: number } {
  const disk = newDisk();
  const db = Db.open(disk, PATH, { pageSize: PAGE, freelistSync: true });
  for (let round = 0; round < 3; round++) {
    update(disk, db, (tx) => {
      const bucket = tx.createBucketIfNotExists(B);
      for (let at = 0; at < 40; at++) bucket.put(bytes(`key ${at}`), bytes("v".repeat(40)));
    });
  }
  const tx = db.beginRead();
  const rootId = tx.bucket(B)?.rootId as number;
  const root = tx.state.store.get(rootId);
  const leafIds = Array.from({ length: root.count }, (_, at) => root.childIdAt(at));
  const listId = tx.state.meta.freelistId as number;
  tx.rollback();
  db.close();
  return { content: contentOf(disk), rootId, leafIds, listId };
}

function problems(content: Uint8Array): string[] {
  const disk = newDisk();
  writeContent(disk, content);
  const db = Db.open(disk, PATH, { readOnly: true });
  const found = check(db.beginRead());
  db.close();
  return found;
}

describe("check", () => {
  const { content, rootId, leafIds, listId } = storedFile();
  const changed = (change: (copy: Uint8Array, view: DataView) => void): string[] => {
    const copy = content.slice();
    change(copy, new DataView(copy.buffer));
    return problems(copy);
  };

  test("finds nothing in a whole file", () => {
    expect(problems(content)).toEqual([]);
  });

  test("finds a page that is in use and free", () => {
    const found = changed((_, view) => view.setUint32(listId * PAGE + 16, leafIds[1], true));
    expect(found).toContain(`page ${leafIds[1]}: reachable freed`);
    // The one that stood there before is now neither used nor free.
    expect(found.some((problem) => problem.endsWith("unreachable unfreed"))).toBe(true);
  });

  test("finds a page that nobody uses and that is not free", () => {
    const found = changed((_, view) => {
      view.setUint16(listId * PAGE + 10, view.getUint16(listId * PAGE + 10, true) - 1, true);
    });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^page \d+: unreachable unfreed$/);
  });

  test("finds a page that is used twice", () => {
    const found = changed((_, view) => view.setUint32(rootId * PAGE + 16 + 8, leafIds[1], true));
    expect(found).toContain(`page ${leafIds[1]}: multiple references`);
  });

  test("finds keys that are out of order between pages", () => {
    const found = changed((copy, view) => {
      const at = leafIds[1] * PAGE + 16;
      copy[at + view.getUint32(at + 4, true)] = 0x61;
    });
    expect(found.join()).toMatch(/page \d+: the first key \(61.*\) is below the ancestor's/);
  });

  test("finds keys that are out of order on a page, pages of other kinds, and wrong ids", () => {
    expect(changed((_, view) => view.setUint16(leafIds[0] * PAGE + 8, 4, true)).join()).toContain(
      `page ${leafIds[0]}: File "${PATH}" is corrupt at page ${leafIds[0]}: not a branch or leaf`,
    );
    expect(changed((_, view) => view.setUint32(leafIds[0] * PAGE, 99, true)).join()).toContain(
      "the page says its id is 99",
    );
    expect(
      changed((copy) =>
        copy.copyWithin(leafIds[0] * PAGE + 16, leafIds[0] * PAGE + 32, leafIds[0] * PAGE + 48),
      ).join(),
    ).toContain(`page ${leafIds[0]}: `);
  });

  test("finds pages that leave the file", () => {
    const found = changed((_, view) => view.setUint32(rootId * PAGE + 16 + 8, 9999, true));
    expect(found.join()).toContain("page 9999: a page refers to it, but it is not in the file");
  });

  test("stops after a thousand problems", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH, { pageSize: PAGE, freelistSync: true });
    update(disk, db, (tx) => tx.createBucket(B).put(bytes("k"), new Uint8Array(2000 * PAGE)));
    update(disk, db, (tx) => tx.deleteBucket(B));
    const list = db.beginRead().state.meta.freelistId as number;
    db.close();
    const copy = contentOf(disk);
    new DataView(copy.buffer).setUint16(list * PAGE + 10, 0, true);
    expect(problems(copy)).toHaveLength(1000);
  });
});
