/** The operators' guide is true: its commands run as they are written, and print what it says. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fitsExpected, guideBlocks, GuideShell } from "../harness/guide-runner.ts";
import { OUR_ETCD, OUR_ETCDCTL, OUR_ETCDUTL } from "../harness/our-etcd.ts";
import { freePorts } from "../harness/processes.ts";

const OPERATE = path.resolve(import.meta.dirname, "../../docs/operate");
const PAGES = ["cluster.md", "runbook.md"];
const hasPrograms = ["openssl", "curl", "bash"].every(
  (program) => spawnSync(program, ["--version"]).error === undefined,
);

/** Bytes after which the database is full: so that the page about that has something to deal with. */
const QUOTA_BYTES = 16 * 1024 * 1024;

describe.skipIf(!hasPrograms)("the operators' guide", { timeout: 300_000 }, () => {
  let folder = "";
  let shell: GuideShell;

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "guide-"));
    const bin = path.join(folder, "bin");
    fs.mkdirSync(bin);
    for (const [name, [node = "", script = ""]] of [
      ["etcd", OUR_ETCD],
      ["etcdctl", OUR_ETCDCTL],
      ["etcdutl", OUR_ETCDUTL],
    ] as const) {
      const program = path.join(bin, name);
      fs.writeFileSync(program, `#!/bin/sh\nexec "${node}" "${script}" "$@"\n`, { mode: 0o755 });
    }
    const names = ["CLIENT", "PEER", "METRICS"].flatMap((kind) => [0, 1, 2].map((n) => kind + n));
    const ports = await freePorts(names.length);
    shell = new GuideShell(path.resolve(OPERATE, "../.."), {
      PATH: `${bin}:${process.env["PATH"]}`,
      HOME: folder,
      QUOTA: String(QUOTA_BYTES),
      ...Object.fromEntries(names.map((name, at) => [name, String(ports[at])])),
    });
  });

  afterAll(() => {
    shell.close();
    // What a failed block has left running.
    const home = path.join(folder, "etcd-guide");
    for (const name of fs.existsSync(home) ? fs.readdirSync(home) : []) {
      if (!name.endsWith(".pid")) continue;
      spawnSync("kill", ["-9", fs.readFileSync(path.join(home, name), "utf8").trim()]);
    }
    fs.rmSync(folder, { recursive: true });
  });

  for (const page of PAGES) {
    const blocks = guideBlocks(fs.readFileSync(path.join(OPERATE, page), "utf8"));
    test(`${page} runs as it is written`, async () => {
      for (const { line, commands, expected } of blocks) {
        const { output, status } = await shell.run(commands);
        const where = `${page}:${line}\n${commands}\n--- printed\n${output}`;
        expect(status, where).toBe(0);
        if (expected === undefined) continue;
        const fits = fitsExpected(output, expected);
        expect(fits, `${where}\n--- expected\n${expected}`).toBe(true);
      }
    });
  }
});
