import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BoltError, commit, openDb } from "./index.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let folder = "";

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "open-db-test-"));
});

afterAll(() => fs.rmSync(folder, { recursive: true }));

test("what was committed is there when the file is opened again", async () => {
  const file = path.join(folder, "state.db");
  const db = openDb(file);
  const tx = db.beginWrite();
  tx.createBucket(bytes("fruit")).put(bytes("apple"), bytes("red"));
  await commit(tx);
  expect(() => openDb(file)).toThrow(expect.objectContaining({ code: "locked" }));
  db.close();
  const again = openDb(file, { readOnly: true });
  expect(again.beginRead().bucket(bytes("fruit"))?.get(bytes("apple"))).toEqual(bytes("red"));
  again.close();
});

test("a commit that is refused rejects", async () => {
  const db = openDb(path.join(folder, "refused.db"));
  await commit(db.beginWrite());
  await expect(commit(db.beginRead())).rejects.toThrow(BoltError);
  const tx = db.beginWrite();
  tx.rollback();
  await expect(commit(tx)).rejects.toMatchObject({ code: "txClosed" });
  db.close();
});

test("a file that is only read must be there", () => {
  const open = () => openDb(path.join(folder, "absent.db"), { readOnly: true });
  expect(open).toThrow(expect.objectContaining({ code: "notFound" }));
});
