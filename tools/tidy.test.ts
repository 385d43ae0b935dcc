import { describe, expect, test } from "vitest";
import {
  bannedWords,
  codeOf,
  differencesOf,
  forgottenPackages,
  impurities,
  missingFormats,
  tidy,
  undecidedDependencies,
} from "./tidy.mjs";

/** Lines of the findings in a file of that name and text. */
const lines = (findings: readonly { readonly line: number }[]): number[] =>
  findings.map(({ line }) => line);

describe("bannedWords", () => {
  test.each([
    "// TODO: later",
    "this is enough for now",
    "see issue #12",
    `get it from https://${["registry", "npmjs", "org"].join(".")}/x`,
    `const folder = "/${"work"}/main";`,
    "// @ts-ignore",
    "// oxlint-disable-next-line",
  ])("finds: %s", (text) => {
    expect(lines(bannedWords({ file: "src/raft/log.ts", text: `a\n${text}\n` }))).toEqual([2]);
  });

  test.each(["the clock for nowMs", "a/work/b", "todos", "an issue of trust"])(
    "lets pass: %s",
    (text) => {
      expect(bannedWords({ file: "README.md", text })).toEqual([]);
    },
  );

  test("finds tests that do not run, in test files", () => {
    expect(lines(bannedWords({ file: "src/a.test.ts", text: "test.only(" }))).toEqual([1]);
    expect(bannedWords({ file: "src/a.test.ts", text: "describe.skipIf(x)(" })).toEqual([]);
  });
});

describe("impurities", () => {
  const text = [
    "/** A Promise in a comment. */",
    'const word = "async Date";',
    "export const now = (): number => Date.now();",
    "export async function wait(): Promise<void> {}",
    "const lot = Math.random();",
  ].join("\n");

  test("finds waiting, time and chance in the code of pure folders", () => {
    expect(lines(impurities({ file: "src/raft/a.ts", text })).sort()).toEqual([3, 4, 5]);
  });

  test("leaves shells and tests alone", () => {
    expect(impurities({ file: "src/server/a.ts", text })).toEqual([]);
    expect(impurities({ file: "src/raft/a.test.ts", text })).toEqual([]);
  });
});

test("codeOf keeps the numbers of lines", () => {
  const text = 'a /* b\nc */ d // e\n"//" `x\n${y}` f';
  const code = codeOf(text);
  expect(code.split("\n").length).toBe(text.split("\n").length);
  expect(code.replace(/\s+/g, " ")).toBe("a d f");
});

describe("differencesOf", () => {
  test("takes the whole paragraph behind the words, from comments of every form", () => {
    const text = [
      "/**",
      " * What it does. Differs from etcd: the first reason,",
      " * with a second line.",
      " *",
      " * Source: x",
      " */",
      "/** Differs from etcd: the second. */",
      "  // Differs from etcd: the third,",
      "  // with more.",
      "  const x = 1;",
      "",
    ].join("\n");
    expect(differencesOf({ file: "src/a.ts", text })).toEqual([
      "- `src/a.ts`: the first reason, with a second line.",
      "- `src/a.ts`: the second.",
      "- `src/a.ts`: the third, with more.",
    ]);
  });
});

test("missingFormats asks for a document where there is a format", () => {
  const code = { file: "src/wal/wal.ts", text: "" };
  const document = { file: "docs/format/wal.md", text: "" };
  expect(missingFormats([code]).map(({ file }) => file)).toEqual(["docs/format/wal.md"]);
  expect(missingFormats([code, document])).toEqual([]);
});

test("undecidedDependencies asks for a decision on every runtime dependency", () => {
  const manifest = { file: "package.json", text: '{"dependencies":{"yaml":"1.0.0"}}' };
  const decision = { file: "docs/adr/0009-yaml.md", text: "We take `yaml`." };
  expect(undecidedDependencies([manifest])).toHaveLength(1);
  expect(undecidedDependencies([manifest, decision])).toEqual([]);
});

test("forgottenPackages finds what npm dropped from the lockfile", () => {
  const lockfile = (...names: string[]) => ({
    file: "package-lock.json",
    text: JSON.stringify({
      packages: {
        "node_modules/tool": { optionalDependencies: { "@tool/linux": "1", "@tool/darwin": "1" } },
        ...Object.fromEntries(names.map((name) => [`node_modules/${name}`, {}])),
      },
    }),
  });
  expect(forgottenPackages([lockfile("@tool/linux")])).toHaveLength(1);
  expect(forgottenPackages([lockfile("@tool/linux", "tool/node_modules/@tool/darwin")])).toEqual(
    [],
  );
});

test("the repository is tidy", () => {
  expect(tidy()).toEqual([]);
});
