/** The programs as they are installed: one file each, that does what its modules do, and loads no more of Node than it needs. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { runOurEtcdutl } from "../harness/etcdutl-inprocess.ts";
import { OUR_ETCD, OUR_ETCDCTL, OUR_ETCDUTL } from "../harness/our-etcd.ts";
import { type RunResult, runProgram } from "../harness/processes.ts";
import { ProgramCopy } from "../harness/program-copy.ts";

const START_MS = 60_000;
const TIMEOUT_MS = 60_000;

let etcd: EtcdProcess;
let scratch: string;

beforeAll(async () => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-programs-"));
  etcd = await startEtcd({ command: OUR_ETCD });
}, START_MS);

afterAll(async () => {
  await etcd.remove();
  fs.rmSync(scratch, { recursive: true, force: true });
});

function shown({ code, stdout, stderr }: RunResult): unknown {
  return [code, stdout.toString("latin1"), stderr.toString("latin1")];
}

describe("a program in one file answers as its modules do", () => {
  test.each([
    [[]],
    [["version"]],
    [["put", "a", "b"]],
    [["get", "a", "--write-out=fields"]],
    [["get", "--prefix", "", "-w", "json"]],
    [["get"]],
    [["txn", "--help"]],
    [["nonsense"]],
    [["member", "list", "--no-such-flag"]],
    [["__complete", "endpoint", "h"]],
  ])("etcdctl %j", async (words) => {
    const environment = { ETCDCTL_ENDPOINTS: etcd.endpoint };
    const [node, program] = OUR_ETCDCTL;
    const installed = await runProgram(node, [program, ...words], {
      environment,
      timeoutMs: TIMEOUT_MS,
    });
    const masked = (of: unknown): string => JSON.stringify(of).replaceAll(/\d{3,}/g, "<number>");
    expect(masked(shown(installed))).toBe(
      masked(shown(await runOurEtcdctl(words, { environment }))),
    );
  });

  test.each([
    [[]],
    [["version"]],
    [["snapshot", "status", "/nonexistent"]],
    [["hashkv", "--help"]],
    [["completion", "bash"]],
  ])("etcdutl %j", async (words) => {
    const [node, program] = OUR_ETCDUTL;
    const installed = await runProgram(node, [program, ...words], { timeoutMs: TIMEOUT_MS });
    expect(shown(installed)).toEqual(shown(await runOurEtcdutl(words)));
  });
});

describe("nothing of Node is loaded that is not needed", () => {
  /** Written as it stands: whoever runs it has a list of what was loaded behind its output. */
  const REPORT = `process.once("exit", () => {
  const loaded = process.moduleLoadList.filter((name) => name.startsWith("NativeModule "));
  require("node:fs").writeFileSync(process.env.LOADED, loaded.map((name) => name.slice(13)).join("\\n"));
});\n`;

  async function loadedBy(command: readonly string[], ...words: string[]): Promise<Set<string>> {
    const [node, program] = command;
    const report = path.join(scratch, "report.cjs");
    const list = path.join(scratch, "loaded");
    fs.writeFileSync(report, REPORT);
    const result = await runProgram(node, ["--require", report, program, ...words], {
      environment: { LOADED: list, ETCDCTL_ENDPOINTS: etcd.endpoint },
      timeoutMs: TIMEOUT_MS,
    });
    expect(result.code).toBe(0);
    return new Set(fs.readFileSync(list, "utf8").split("\n"));
  }

  /** Public modules that are there in every process. */
  async function loadedAnyway(): Promise<Set<string>> {
    const empty = path.join(scratch, "empty.cjs");
    fs.writeFileSync(empty, "");
    return loadedBy([process.execPath, empty]);
  }

  /** Node has them in memory from its start; only their names are new. */
  const FREE = new Set(["process", "vm"]);

  function publicOf(loaded: Set<string>, anyway: Set<string>): string[] {
    return [...loaded]
      .filter((name) => !name.includes("internal/") && !anyway.has(name) && !FREE.has(name))
      .sort();
  }

  test("etcdctl get: a socket and what it is made of", async () => {
    const loaded = publicOf(await loadedBy(OUR_ETCDCTL, "get", "a"), await loadedAnyway());
    // Later versions of Node have some of them in memory from their start.
    const parts = ["diagnostics_channel", "stream", "stream/promises", "string_decoder"];
    expect(loaded).toContain("net");
    expect(loaded.filter((name) => name !== "net" && !parts.includes(name))).toEqual([]);
  });

  test.each([
    ["etcdctl", ["version"], OUR_ETCDCTL],
    ["etcdctl", ["help", "get"], OUR_ETCDCTL],
    ["etcdutl", ["version"], OUR_ETCDUTL],
  ])("%s %j: nothing", async (_, words, command) => {
    const loaded = await loadedBy(command, ...words);
    expect(publicOf(loaded, await loadedAnyway())).toEqual([]);
  });
});

test("a server keeps its code when it serves, and starts with it again", async () => {
  const copy = new ProgramCopy("etcd");
  const command = [process.execPath, copy.launcher];
  try {
    const first = await startEtcd({ command });
    await expect
      .poll(() => fs.existsSync(copy.besideProgram) && fs.readdirSync(copy.besideProgram).length, {
        timeout: START_MS,
      })
      .toBe(1);
    await first.stop();
    const [name] = fs.readdirSync(copy.besideProgram);
    const { ino } = fs.statSync(path.join(copy.besideProgram, name));
    const second = await startEtcd({ command, dataDir: first.dataDir });
    await second.stop();
    expect(second.log()).toContain("serving client traffic insecurely");
    expect(fs.statSync(path.join(copy.besideProgram, name)).ino).toBe(ino);
    await second.remove();
  } finally {
    copy.remove();
  }
}, 120_000);
