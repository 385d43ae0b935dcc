import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { tarArchive } from "./tar-archive.ts";

test("tar unpacks every file, also empty ones and those that fill a block", () => {
  const sizes = [0, 1, 511, 512, 513, 5000];
  const files = sizes.map((size) => ({
    name: `folder/${size}.txt`,
    content: new Uint8Array(size).fill(97),
  }));
  const input = tarArchive(files, 1_700_000_000);
  const listed = spawnSync("tar", ["-tvf", "-", "--utc", "--numeric-owner"], { input });
  expect(listed.stderr.toString()).toBe("");
  expect(listed.stdout.toString().replace(/ +/g, " ")).toBe(
    sizes.map((size) => `-rw------- 0/0 ${size} 2023-11-14 22:13 folder/${size}.txt\n`).join(""),
  );
  const unpacked = spawnSync("tar", ["-xOf", "-", "folder/513.txt"], { input });
  expect(unpacked.stdout.toString()).toBe("a".repeat(513));
});
