import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runScript } from "./datadriven.ts";
import type { Directive } from "./datadriven.ts";

const SCRIPT = `# a comment

first 1 key=value list=(a, b,c) empty=()
----
one line

subtest part

second \\
  wrapped=true
input 1

input 2
----
----
a

b
----
----

third
----
`;

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "etcd-ts-script-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function scriptFile(): string {
  const path = join(folder, "script.txt");
  writeFileSync(path, SCRIPT);
  return path;
}

/** The directives of the script at `path`, as `runScript` hands them out. */
function directivesOf(path: string): Directive[] {
  const directives: Directive[] = [];
  runScript(
    path,
    (directive) => {
      directives.push(directive);
      return directive.expected;
    },
    false,
  );
  return directives;
}

test("runScript reads arguments, input and expected output", () => {
  const [first, second, third] = directivesOf(scriptFile());
  expect(first).toEqual({
    command: "first",
    args: [
      { key: "1", values: [] },
      { key: "key", values: ["value"] },
      { key: "list", values: ["a", "b", "c"] },
      { key: "empty", values: [] },
    ],
    input: "",
    expected: "one line\n",
    line: 3,
  });
  expect(second).toMatchObject({
    command: "second",
    args: [{ key: "wrapped", values: ["true"] }],
    input: "input 1\n\ninput 2",
    expected: "a\n\nb\n",
  });
  expect(third).toMatchObject({ command: "third", expected: "" });
});

test("runScript gives the script back when every output is as expected", () => {
  const { expected, actual } = runScript(scriptFile(), (directive) => directive.expected, false);
  expect(actual).toBe(expected);
  expect(actual.trimEnd()).toBe(SCRIPT.trimEnd());
});

test("runScript shows an output that differs, fenced when it holds blank lines", () => {
  const answer = "x\n\ny";
  const { expected, actual } = runScript(scriptFile(), () => answer, false);
  expect(actual).not.toBe(expected);
  expect(actual).toContain("third\n----\n----\nx\n\ny\n----\n----\n");
});

test("runScript rewrites a script that is ours, on demand only", () => {
  const path = scriptFile();
  runScript(path, () => "new", true);
  expect(readFileSync(path, "utf8")).toBe(SCRIPT);
  vi.stubEnv("SCRIPTS_REWRITE", "1");
  runScript(path, () => "new", false);
  expect(readFileSync(path, "utf8")).toBe(SCRIPT);
  const { expected, actual } = runScript(path, () => "new", true);
  expect(actual).toBe(expected);
  const texts = directivesOf(path).map((each) => each.expected);
  expect(texts).toEqual(["new\n", "new\n", "new\n"]);
});
