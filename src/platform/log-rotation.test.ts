import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LogRotation, openRotatingFile, type RotatingFile } from "./log-rotation.ts";

const MEGABYTE = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;

describe("RotatingFile", () => {
  let folder = "";
  let wallMs = 0;
  let problems: string[] = [];

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "rotation-"));
    wallMs = Date.UTC(2026, 0, 2, 15, 4, 5, 7);
    problems = [];
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  const clock = {
    nowMs: () => wallMs,
    wallMs: () => wallMs,
    after: () => ({ cancel: () => {} }),
    defer: () => {},
  };

  function open(rotation: Partial<LogRotation>): RotatingFile {
    return openRotatingFile({
      file: path.join(folder, "etcd.log"),
      rotation: {
        maxSizeMegabytes: 1,
        maxAgeDays: 0,
        maxBackups: 0,
        localTime: false,
        compress: false,
        ...rotation,
      },
      mode: 0o640,
      clock,
      onProblem: (problem) => problems.push(problem),
    });
  }

  const names = (): string[] => fs.readdirSync(folder).sort();
  const megabyteOf = (letter: string): Uint8Array => Buffer.alloc(MEGABYTE, letter);

  test("sets a file aside just before the line that would be too much, under the time of that", () => {
    const file = open({});
    file.write(megabyteOf("a"));
    expect(names()).toEqual(["etcd.log"]);
    file.write(Buffer.from("b\n"));
    expect(names()).toEqual(["etcd-2026-01-02T15-04-05.007.log", "etcd.log"]);
    expect(fs.readFileSync(path.join(folder, "etcd.log"), "utf8")).toBe("b\n");
    expect(fs.statSync(path.join(folder, "etcd.log")).mode & 0o777).toBe(0o640);
    file.close();
  });

  test("never puts one file over another, however fast they fill", () => {
    const file = open({});
    for (const letter of ["a", "b", "c"]) file.write(megabyteOf(letter));
    const texts = names().map((name) => fs.readFileSync(path.join(folder, name), "utf8")[0]);
    expect(texts.sort()).toEqual(["a", "b", "c"]);
    file.close();
  });

  test("goes on with the file that is there, and with its size", () => {
    fs.writeFileSync(path.join(folder, "etcd.log"), megabyteOf("a"));
    const file = open({});
    file.write(Buffer.from("b\n"));
    expect(names()).toHaveLength(2);
    file.close();
  });

  test("keeps as many as it should, and leaves alone what is not its own", async () => {
    for (const name of ["etcd-2020-01-01T00-00-00.000.log", "etcd-note.log", "other.log"]) {
      fs.writeFileSync(path.join(folder, name), "old");
    }
    const file = open({ maxBackups: 2 });
    for (const letter of ["a", "b", "c", "d"]) {
      file.write(megabyteOf(letter));
      wallMs += 1000;
    }
    await expect
      .poll(names)
      .toEqual([
        "etcd-2026-01-02T15-04-07.007.log",
        "etcd-2026-01-02T15-04-08.007.log",
        "etcd-note.log",
        "etcd.log",
        "other.log",
      ]);
    expect(problems).toEqual([]);
    file.close();
  });

  test("removes what is too old, packed or not", async () => {
    for (const name of [
      "etcd-2025-12-20T00-00-00.000.log.gz",
      "etcd-2026-01-01T00-00-00.000.log",
    ]) {
      fs.writeFileSync(path.join(folder, name), "old");
    }
    open({ maxAgeDays: 7 }).close();
    await expect.poll(names).toEqual(["etcd-2026-01-01T00-00-00.000.log", "etcd.log"]);
    wallMs += 7 * DAY_MS;
    open({ maxAgeDays: 7 }).close();
    await expect.poll(names).toEqual(["etcd.log"]);
  });

  test("packs what it sets aside, whole", async () => {
    const file = open({ compress: true });
    file.write(megabyteOf("a"));
    file.write(Buffer.from("b\n"));
    const packed = "etcd-2026-01-02T15-04-05.007.log.gz";
    await expect.poll(names).toEqual([packed, "etcd.log"]);
    const text = gunzipSync(fs.readFileSync(path.join(folder, packed)));
    expect(Buffer.compare(text, megabyteOf("a"))).toBe(0);
    file.close();
  });

  test("writes on, and says so, while the file cannot be set aside", () => {
    const file = open({});
    file.write(megabyteOf("a"));
    // Somebody took the file away: there is nothing to rename.
    fs.rmSync(path.join(folder, "etcd.log"));
    expect(file.write(Buffer.from("b\n"))).toBe(2);
    expect(file.write(Buffer.from("c\n"))).toBe(2);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("cannot set the file aside");
    file.close();
  });

  test("takes no line that is larger than a file", () => {
    const file = open({});
    expect(() => file.write(Buffer.alloc(MEGABYTE + 1))).toThrow("exceeds maximum file size");
    file.close();
  });
});
