/**
 * The unit files of docs/operate/systemd are understood by systemd, where there is one to ask.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import * as path from "node:path";
import { describe, expect, test } from "vitest";

const UNITS = path.resolve(import.meta.dirname, "../../docs/operate/systemd");
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe.each(["etcd.service", "etcd@.service"])("%s", (name) => {
  const text = fs.readFileSync(path.join(UNITS, name), "utf8");

  test("lets the helper that says READY=1 be heard", () => {
    expect(text).toMatch(/^Type=notify$/m);
    expect(text).toMatch(/^NotifyAccess=all$/m);
  });

  test.skipIf(!hasSystemd)("has no line that systemd does not know", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "units-"));
    // An instance of the template, and a program that is there.
    const instance = path.join(folder, name.replace("@", "@infra0"));
    fs.writeFileSync(instance, text.replace("/usr/local/bin/etcd", process.execPath));
    const verify = ["verify", "--man=no", "--recursive-errors=no", instance];
    const { stderr, status } = spawnSync("systemd-analyze", verify, { encoding: "utf8" });
    fs.rmSync(folder, { recursive: true });
    // Without a running systemd it also says what it misses of the machine.
    const about = stderr.split("\n").filter((line) => line.includes(name.split(/[.@]/)[0] ?? ""));
    expect(about).toEqual([]);
    expect(status).toBe(0);
  });
});
