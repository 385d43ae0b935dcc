/**
 * README.md is true: what it tells a new user to type is typed, as it is printed, on a machine that has nothing but
 * Node.js, into terminals; the package is made in a clone of the repository.
 */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BareMachine } from "../harness/bare-machine.ts";
import { fitsExpected } from "../harness/guide-runner.ts";
import {
  type CommandStep,
  type ReadmeCommand,
  type ReadmeStep,
  readmeSteps,
  shellLines,
} from "../harness/readme-steps.ts";
import { CommandShell, Terminal } from "../harness/terminal.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const README = fs.readFileSync(path.join(ROOT, "README.md"), "utf8");
const STEP_MS_MAX = 150_000;

/** Waits until the member has a watcher. */
const UNTIL_WATCHED = `node -e '
  const look = async () => {
    const page = await (await fetch("http://localhost:2379/metrics")).text();
    if (!/^etcd_debugging_mvcc_watcher_total [1-9]/m.test(page)) setTimeout(look, 100);
  };
  look();
'`;

/** Commands for whoever works on the sources, and what runs each. */
const RUN_ELSEWHERE: Readonly<Record<string, string>> = {
  "npm run cluster": "test/interop/npm-cluster.test.ts",
  "npm test": "whoever runs this test",
};

const hasTools =
  process.platform === "linux" &&
  ["npm", "script", "git"].every((name) => spawnSync(name, ["--version"]).status === 0);

describe.skipIf(!hasTools)("README.md", { timeout: STEP_MS_MAX }, () => {
  const steps = readmeSteps(README);
  let machine: BareMachine;
  let shell: CommandShell;
  let clone = "";
  const terminals = new Map<string, Terminal>();
  /** What has to be seen when all is done. */
  const later: { readonly terminal: Terminal; readonly expected: string }[] = [];
  /** Where the shell is. */
  let folder = "";
  let hasFailed = false;

  beforeAll(async () => {
    clone = cloneOfRepository();
    machine = await BareMachine.create();
    shell = new CommandShell(machine.command("sh"));
  }, STEP_MS_MAX);

  afterAll(() => {
    shell.close();
    for (const terminal of terminals.values()) terminal.close();
    machine.remove();
    fs.rmSync(clone, { recursive: true });
  });

  function terminalOf(name: string): Terminal {
    const terminal = terminals.get(name) ?? new Terminal(machine.command("env", "PS1=", "sh"));
    terminals.set(name, terminal);
    return terminal;
  }

  test("has the path of a new user", () => {
    expect(steps.length).toBeGreaterThan(10);
    expect(
      steps.flatMap((step) => (step.kind === "commands" ? step.commands : [])).length,
    ).toBeGreaterThan(20);
  });

  test.each(steps)("line $line can be done as it is printed", async (step) => {
    // What follows would only tell of it again.
    if (hasFailed) throw new Error("an earlier step has failed");
    hasFailed = true;
    await doStep(step);
    hasFailed = false;
  });

  test("what was to be seen in the other terminals was", async () => {
    expect(later).toHaveLength(1);
    for (const { terminal, expected } of later) await terminal.shows(expected);
  });

  test("a port that is taken is named, with what to do", async () => {
    const { output, status } = await shell.run("etcd --data-dir second.etcd");
    expect(status).toBe(1);
    expect(output).toMatch(
      /bind: address already in use; stop the program that has it, or name another address with --listen-/,
    );
  });

  test("a Node.js that is too old is told so", async () => {
    const version = "process.versions,'node',{value:'18.20.8'}";
    const old = `data:text/javascript,Object.defineProperty(${version})`;
    for (const program of ["etcd", "etcdctl", "etcdutl", "etcd-benchmark"]) {
      const { output, status } = await shell.run(
        `NODE_OPTIONS="--import ${old}" ${program} --help`,
      );
      expect(output).toMatch(new RegExp(`^${program} needs Node.js 20.19 or later; this is v`));
      expect(status).toBe(1);
    }
  });

  test("npx runs its programs, from a project and from the file", async () => {
    const file = "--yes --package ~/etcd-ts-0.1.0.tgz";
    for (const command of ["npx etcd-ts", "npx etcd", `npx ${file} etcd`]) {
      const { output } = await shell.run(`${command} --version`);
      expect(output).toMatch(/^etcd Version: 3\.5\./);
    }
  });

  test("nothing of it is left when it is removed", async () => {
    const [, uninstall = ""] = /`(npm uninstall [^`]*)`/.exec(README) ?? [];
    expect((await shell.run(uninstall)).status).toBe(0);
    const left = ["bin", "lib/node_modules"].map((name) =>
      fs.readdirSync(path.join(machine.prefix, name)).sort(),
    );
    expect(left).toEqual([["node", "npm", "npx"], ["npm"]]);
  });

  test("the sources run by npm, with flags, too", async () => {
    const lines = shellLines(README).filter((line) => line.startsWith("npm start"));
    expect(lines).toHaveLength(2);
    if (!machine.isIsolated) return;
    // In a network, and with a /var/lib, of its own.
    const apart = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"];
    const terminal = new Terminal(["unshare", ...apart, "env", "-C", clone, "PS1=", "sh"]);
    terminals.set("sources", terminal);
    terminal.type("ip link set lo up && mount -t tmpfs none /var/lib");
    for (const line of lines) {
      terminal.type(line);
      await terminal.shows(
        "…\netcd is serving on http://…:2379, its data is in …etcd. In another terminal:\n\n" +
          '  npx etcdctl… put greeting "hello"\n…',
      );
      terminal.interrupt();
      await terminal.shows("…\netcd has stopped; its data is in …etcd.");
    }
  });

  test("every other command of the page is run somewhere", () => {
    const others = shellLines(README).filter(
      (line) => !/^npm (?:start|run bench)\b/.test(line) && RUN_ELSEWHERE[line] === undefined,
    );
    expect(others).toEqual([]);
  });

  async function doStep(step: ReadmeStep): Promise<void> {
    if (step.kind === "file") {
      fs.writeFileSync(path.join(machine.home, folder, step.name), step.content);
    } else if (step.kind === "interrupt") {
      const terminal = terminalOf(step.terminal);
      terminal.interrupt();
      await terminal.shows("…\netcd has stopped; its data is in default.etcd.");
    } else if (step.place === "clone") {
      for (const { text } of step.commands) runInClone(text);
    } else if (step.place === "") {
      for (const command of step.commands) await runCommand(command);
    } else {
      await typeInto(terminalOf(step.place), step);
    }
  }

  async function runCommand({ text, expected }: ReadmeCommand): Promise<void> {
    const { output, status } = await shell.run(text);
    expect(status, output).toBe(0);
    if (expected !== undefined) expect(fitsExpected(output, expected), output).toBe(true);
    if (text.startsWith("cd ")) folder = path.join(folder, text.slice("cd ".length));
  }

  async function typeInto(terminal: Terminal, step: CommandStep): Promise<void> {
    for (const { text, expected = "" } of step.commands) {
      terminal.type(text);
      if (!step.isLater) await terminal.shows(expected);
      else {
        later.push({ terminal, expected });
        // The page goes on to what is to be seen there.
        if (text.includes("watch")) await runCommand({ text: UNTIL_WATCHED, expected: undefined });
      }
    }
  }

  function runInClone(command: string): void {
    execFileSync("sh", ["-c", command], { cwd: clone, stdio: "pipe" });
    for (const name of fs.readdirSync(clone)) {
      if (name.endsWith(".tgz"))
        fs.copyFileSync(path.join(clone, name), path.join(machine.home, name));
    }
  }
});

/** A copy of what is in the repository, with what was installed and built. */
function cloneOfRepository(): string {
  const clone = fs.mkdtempSync(path.join(os.tmpdir(), "readme-clone-"));
  const options = { preserveTimestamps: true, recursive: true };
  const files = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", files, { cwd: ROOT, encoding: "utf8" }).split("\0");
  for (const name of [...listed, "dist"]) {
    const file = path.join(ROOT, name);
    if (name === "" || !fs.existsSync(file)) continue;
    fs.cpSync(file, path.join(clone, name), options);
  }
  linkDependencies(path.join(ROOT, "node_modules"), path.join(clone, "node_modules"));
  return clone;
}

/** What is packed is copied; the rest is linked, one by one, so that whatever npm does here stays here. */
function linkDependencies(from: string, to: string): void {
  const { bundleDependencies } = JSON.parse(
    fs.readFileSync(path.join(ROOT, "package.json"), "utf8"),
  );
  fs.mkdirSync(to);
  for (const name of fs.readdirSync(from)) {
    const isCopied = name === ".package-lock.json" || bundleDependencies.includes(name);
    if (isCopied) fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true });
    else fs.symlinkSync(fs.realpathSync(path.join(from, name)), path.join(to, name));
  }
}
