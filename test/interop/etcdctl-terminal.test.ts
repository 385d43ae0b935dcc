/** What a person at a terminal sees of etcdctl and etcdutl, by the program `script`, which gives them one. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD, OUR_ETCDCTL, OUR_ETCDUTL } from "../harness/our-etcd.ts";
import { runProgram } from "../harness/processes.ts";

const SCRIPT = "/usr/bin/script";
const CTL = OUR_ETCDCTL.join(" ");
const UTL = OUR_ETCDUTL.join(" ");

/** A command of a shell at a terminal. */
class Terminal {
  #seen = "";
  readonly #child;
  readonly #end: Promise<void>;

  constructor(command: string) {
    const env = { PATH: process.env["PATH"], SHELL: "/bin/sh" };
    this.#child = spawn(SCRIPT, ["-qec", command, "/dev/null"], { env });
    this.#child.stdout.on("data", (chunk: Buffer) => {
      this.#seen += chunk.toString();
    });
    this.#end = new Promise((resolve) => {
      this.#child.once("close", () => resolve());
    });
  }

  async until(text: string): Promise<void> {
    const endMs = Date.now() + 20_000;
    while (!this.#seen.includes(text)) {
      if (Date.now() > endMs) throw new Error(`Waited for ${text} in vain: ${this.#seen}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Everything that was on the terminal, when the command is over. */
  async all(): Promise<string> {
    await this.#end;
    return this.#seen.replaceAll("\r\n", "\n");
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }
}

describe.skipIf(!fs.existsSync(SCRIPT))("at a terminal", () => {
  let server: EtcdProcess | undefined;
  let folder = "";
  let ctl = "";

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "terminal-"));
    server = await startEtcd({ command: OUR_ETCD, flags: ["--bcrypt-cost=4"] });
    ctl = `${CTL} --endpoints=${server.endpoint}`;
    for (let i = 0; i < 40; i++) {
      const words = [...OUR_ETCDCTL.slice(1), `--endpoints=${server.endpoint}`, "put", `k${i}`];
      const input = new Uint8Array(1_000_000).fill(0x61);
      expect((await runProgram(OUR_ETCDCTL[0], words, { input })).code).toBe(0);
    }
  }, 120_000);

  afterAll(async () => {
    await server?.remove();
    fs.rmSync(folder, { recursive: true });
  });

  test("passwords are asked for, and not shown", async () => {
    const terminal = new Terminal(`${ctl} user add somebody`);
    await terminal.until("Password of somebody: ");
    terminal.type("secret-1\n");
    await terminal.until("again for confirmation: ");
    terminal.type("secret-1\n");
    expect(await terminal.all()).toBe(
      "Password of somebody: \nType password of somebody again for confirmation: \nUser somebody created\n",
    );
  }, 60_000);

  test("an interrupt of such a question ends the tool, and the terminal shows what is typed again", async () => {
    const terminal = new Terminal(
      `trap : INT; ${ctl} get a --user=somebody; echo "code $?"; stty -a`,
    );
    await terminal.until("Password: ");
    // The program that waits for the line starts behind the prompt.
    await new Promise((resolve) => setTimeout(resolve, 500));
    terminal.type("\u0003");
    const seen = await terminal.all();
    expect(seen).toContain("code 255\n");
    expect(seen).toMatch(/ echo /);
  }, 60_000);

  test("long work shows how far it is, and leaves only what it says behind", async () => {
    const file = path.join(folder, "snapshot.db");
    const saved = await new Terminal(`${ctl} snapshot save ${file}`).all();
    expect(saved).toMatch(/\r\[#*-*\] +\d+% \S+ \S+ of \d\d MB, \S+ \S+\/s\u001b\[K/);
    // No line of the log stands behind a bar.
    expect(saved).not.toMatch(/\/s\u001b\[K\{/);
    expect(saved.endsWith(`Snapshot saved at ${file}\n`)).toBe(true);
    const status = await new Terminal(`${UTL} snapshot status ${file}`).all();
    expect(status).toMatch(
      /^Reading \S+ \(\d\d MB\) \.\.\.\r\u001b\[K[0-9a-f]+, 41, \d+, \d\d MB\n$/,
    );
    const data = path.join(folder, "data");
    const restored = await new Terminal(`${UTL} snapshot restore ${file} --data-dir=${data}`).all();
    expect(restored).toMatch(/\r\[#*-*\] +\d+% /);
    const defragmented = await new Terminal(`${UTL} defrag --data-dir=${data}`).all();
    expect(defragmented).toMatch(/\r\[#*-*\] +\d+% /);
  }, 120_000);

  test("nothing of that is in a pipe", async () => {
    const file = path.join(folder, "piped.db");
    const words = [
      ...OUR_ETCDCTL.slice(1),
      `--endpoints=${server?.endpoint}`,
      "snapshot",
      "save",
      file,
    ];
    const { code, stdout, stderr } = await runProgram(OUR_ETCDCTL[0], words);
    expect([code, stdout.toString()]).toEqual([0, `Snapshot saved at ${file}\n`]);
    expect(stderr.toString()).not.toMatch(/[\r\u001b]/);
    const status = await runProgram(OUR_ETCDUTL[0], [
      ...OUR_ETCDUTL.slice(1),
      "snapshot",
      "status",
      file,
    ]);
    expect(status.stderr.toString()).toBe("");
  }, 60_000);
});
