/** What the tools tell of themselves: to shells that complete a command line, and on their help pages. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Command } from "../../src/cmd/command.ts";
import { etcdctlCommands } from "../../src/cmd/etcdctl/tree.ts";
import { etcdutlCommands } from "../../src/cmd/etcdutl/tree.ts";
import { ETCDCTL_TYPED, ETCDUTL_TYPED } from "../harness/completion-lines.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { runOurEtcdutl } from "../harness/etcdutl-inprocess.ts";
import { mendHelp } from "../harness/etcdctl-mask.ts";
import { type RunResult, runProgram } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";

/** The built program. */
const ENTRY = path.join(import.meta.dirname, "../../dist/bin/etcdctl.cjs");

const TOOLS = [
  {
    name: "etcdctl",
    ours: runOurEtcdctl,
    typed: ETCDCTL_TYPED,
    pages: pagesOf(etcdctlCommands()),
    oursAlone: ["debug", "diagnostic", "downgrade", "options"],
  },
  {
    name: "etcdutl",
    ours: runOurEtcdutl,
    typed: ETCDUTL_TYPED,
    pages: pagesOf(etcdutlCommands()),
    oursAlone: ["check", "hashkv", "migrate"],
  },
];

/** The words of every command at or below `command`. */
function pagesOf<C>(command: Command<C>, words: readonly string[] = []): (readonly string[])[] {
  return [words, ...command.commands.flatMap((one) => pagesOf(one, [...words, one.name]))];
}

describe.skipIf(REFERENCE === undefined).each(TOOLS)("$name", (tool) => {
  /** Expects the same of the real tool, but for the commands that only ours has. */
  async function expectSame(lines: readonly (readonly string[])[]): Promise<void> {
    const shown = ({ code, stdout, stderr }: RunResult): unknown => {
      const alone = new RegExp(`^\\s*(?:${tool.oursAlone.join("|")})\\b.*\n`, "gm");
      const text = (bytes: Buffer): string => mendHelp(bytes.toString().replace(alone, ""));
      return { code, stdout: text(stdout), stderr: text(stderr) };
    };
    for (const args of lines) {
      const program = path.join(REFERENCE ?? "", tool.name);
      const [real, ours] = await Promise.all([runProgram(program, args), tool.ours(args)]);
      expect(shown(ours), args.join(" ")).toEqual(shown(real));
    }
  }

  test("tells shells what could follow", async () => {
    await expectSame(tool.typed.map((words) => ["__complete", ...words]));
    await expectSame(tool.typed.slice(0, 10).map((words) => ["__completeNoDesc", ...words]));
  });

  test("has the same help pages", async () => {
    const common = tool.pages.filter(([name]) => !tool.oursAlone.includes(name ?? ""));
    expect(common.length).toBeGreaterThan(10);
    await expectSame(
      common.flatMap((words) => [
        [...words, "--help"],
        ["help", ...words],
      ]),
    );
    await expectSame([
      ["help", "x"],
      ["help", "member", "x"],
      ["completion"],
      ["completion", "ksh"],
      ["completion", "bash", "x"],
      ["completion", "zsh", "--x"],
    ]);
  });
});

describe.skipIf(!fs.existsSync(ENTRY))("the script for bash", () => {
  /** What bash would offer after each of `lines`: one list of words for each. */
  async function offered(lines: readonly string[], flags = "", type = 9): Promise<string[][]> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "completion-"));
    const program = path.join(folder, "etcdctl");
    fs.writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${ENTRY}' "$@"\n`, {
      mode: 0o755,
    });
    const script = `cd ${folder}; source <(etcdctl completion bash ${flags}); complete -p etcdctl
      while IFS= read -r COMP_LINE; do
        COMP_POINT=\${#COMP_LINE} COMP_TYPE=${type} COLUMNS=60
        __start_etcdctl
        printf '%s|' "\${COMPREPLY[@]}"; echo
      done; ls`;
    const result = await runProgram("/bin/bash", ["--norc", "-c", script], {
      environment: { PATH: `${folder}:${process.env["PATH"] ?? ""}` },
      input: Buffer.from(lines.map((line) => `${line}\n`).join("")),
      timeoutMs: 60_000,
    });
    fs.rmSync(folder, { recursive: true });
    const [registered, ...answers] = result.stdout.toString().trimEnd().split("\n");
    expect(registered).toBe("complete -o default -F __start_etcdctl etcdctl");
    // Nothing of what is typed was run.
    expect(answers.pop()).toBe("etcdctl");
    expect(result.stderr.toString()).toBe("");
    return answers.map((answer) => answer.split("|").filter((word) => word !== ""));
  }

  test("offers commands and flags, and looks into no word", async () => {
    const answers = await offered([
      "etcdctl mem",
      "etcdctl member ",
      'etcdctl get "two words" --li',
      "etcdctl --endpoints=http://127.0.0.1:2379,b get --co",
      "etcdctl get --order=",
      "etcdctl me $(touch evil) --no",
    ]);
    expect(answers).toEqual([
      ["member"],
      ["add", "list", "promote", "remove", "update"],
      ["--limit"],
      ["--command-timeout", "--consistency", "--count-only"],
      [],
      [],
    ]);
  }, 60_000);

  test("says what candidates mean where they are listed", async () => {
    expect(await offered(["etcdctl e"], "", 63)).toEqual([
      [
        "elect     (Observes and participates in leader election)",
        "endpoint  (Endpoint related commands)",
      ],
    ]);
    expect(await offered(["etcdctl e"], "--no-descriptions", 63)).toEqual([["elect", "endpoint"]]);
  }, 60_000);
});
