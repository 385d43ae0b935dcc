import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { makeDirectories } from "./make-directories.ts";

describe("makeDirectories", () => {
  test("makes what is missing, with the permissions asked for, and takes what is there", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "directories-"));
    const deep = path.join(folder, "a", "b", "c");
    makeDirectories(deep, 0o700);
    makeDirectories(deep, 0o755);
    expect(fs.statSync(deep).mode & 0o777).toBe(0o700);
    fs.writeFileSync(path.join(folder, "file"), "");
    expect(() => makeDirectories(path.join(folder, "file"), 0o700)).toThrow("EEXIST");
    expect(() => makeDirectories(path.join(folder, "file", "x"), 0o700)).toThrow("ENOTDIR");
    fs.rmSync(folder, { recursive: true });
  });

  test.skipIf(process.platform !== "linux")("comes back where nothing can be made", () => {
    expect(() => makeDirectories("/proc/nowhere/x", 0o700)).toThrow("ENOENT");
  });
});
