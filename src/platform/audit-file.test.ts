import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { QUIET_LOG } from "../../test/harness/quiet-log.ts";
import { AuditFile, openAuditFile } from "./audit-file.ts";
import { systemClock } from "./clock.ts";
import { AUDIT_BUFFER_BYTES_MAX } from "./limits.ts";

const ROTATION = {
  maxSizeMegabytes: 1,
  maxAgeDays: 0,
  maxBackups: 0,
  localTime: false,
  compress: false,
};

describe("AuditFile", () => {
  let folder = "";
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "audit-"));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  const settings = (name: string) => ({
    path: path.join(folder, name),
    rotation: ROTATION,
    clock: systemClock,
    log: QUIET_LOG,
  });

  test("writes every line, in order, to a file for the owner's eyes", async () => {
    const file = openAuditFile(settings("new/audit.log"));
    for (let line = 0; line < 1000; line++) file.write(`line ${line}`);
    await file.close();
    const audit = path.join(folder, "new/audit.log");
    const lines = fs.readFileSync(audit, "utf8").trimEnd().split("\n");
    expect(lines).toEqual(Array.from({ length: 1000 }, (_, line) => `line ${line}`));
    expect(fs.statSync(audit).mode & 0o777).toBe(0o600);
  });

  test("sets full files aside and loses nothing by it", async () => {
    const file = openAuditFile(settings("audit.log"));
    const text = "x".repeat(1000);
    for (let line = 0; line < 2500; line++) {
      file.write(text);
      if (line % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await file.close();
    const names = fs.readdirSync(folder);
    expect(names.length).toBeGreaterThan(1);
    const bytes = names.reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0);
    expect(bytes).toBe(2500 * 1001);
  });

  test("tries a full disk again, counts what it cannot keep meanwhile, and says so in its place", async () => {
    let isFull = true;
    let text = "";
    const file = new AuditFile(
      settings("unused"),
      (bytes, done) => {
        if (isFull) done(new Error("ENOSPC: no space left on device, write"), 0);
        else {
          // Only a part at a time, in the middle of lines.
          const part = bytes.subarray(0, 1_000_003);
          text += Buffer.from(part).toString();
          done(null, part.length);
        }
      },
      undefined,
    );
    const line = "x".repeat(1023);
    const fitting = AUDIT_BUFFER_BYTES_MAX / 1024;
    file.write("first");
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let i = 0; i < fitting + 5; i++) file.write(line);
    isFull = false;
    await expect.poll(() => text.slice(-100), { timeout: 10_000 }).toContain("gap");
    file.write("last");
    await file.close();
    const lines = text.trimEnd().split("\n");
    expect(lines[0]).toBe("first");
    expect(lines.at(-1)).toBe("last");
    expect(JSON.parse(lines.at(-2) ?? "")).toMatchObject({
      gap: 5,
      reason: "ENOSPC: no space left on device, write",
    });
    expect(lines).toHaveLength(1 + fitting + 2);
  });

  test("writes what waits when the process ends at once", () => {
    const file = openAuditFile(settings("audit.log"));
    file.write("before the end");
    file.flushAtExit();
    expect(fs.readFileSync(path.join(folder, "audit.log"), "utf8")).toBe("before the end\n");
  });

  test("is refused where it cannot be opened", () => {
    fs.writeFileSync(path.join(folder, "file"), "");
    expect(() => openAuditFile(settings("file/audit.log"))).toThrow("open sink");
  });
});
