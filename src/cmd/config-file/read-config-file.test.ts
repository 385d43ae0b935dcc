import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { applyConfigFile } from "../../server/config-file/apply-config-file.ts";
import { ConfigFileError, type FileNode } from "../../server/config-file/file-node.ts";
import { initialFlagValues } from "../../server/flags/table.ts";
import { CONFIG_FILE_BYTES_MAX } from "./limits.ts";
import { readConfigFile } from "./read-config-file.ts";
import { parseConfigText } from "./yaml-document.ts";

const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-config-"));
afterAll(() => fs.rmSync(FOLDER, { recursive: true }));

/** A tree without its lines. */
function plain(node: FileNode): unknown {
  switch (node.kind) {
    case "null":
      return null;
    case "number":
      return Number(node.text);
    case "array":
      return node.items.map(plain);
    case "object":
      return Object.fromEntries([...node.entries].map(([key, value]) => [key, plain(value)]));
    default:
      return node.value;
  }
}

function problemOf(text: string): ConfigFileError {
  try {
    parseConfigText(text);
  } catch (error) {
    if (error instanceof ConfigFileError) return error;
    throw error;
  }
  throw new Error("Could be read");
}

describe("parseConfigText()", () => {
  test("reads words as YAML 1.1 does", () => {
    const words =
      "[yes, No, on, ~, '', 0x1F, 010, 1_000, 1e3, .5, -0b11, 1:30, 2001-01-01, y, 'y', !!str 5, \"a\\tb\"]";
    const read = [true, false, true, null, "", 31, 8, 1000, 1000, 0.5, -3];
    expect(plain(parseConfigText(words))).toEqual([
      ...read,
      "1:30",
      "2001-01-01",
      true,
      "y",
      "5",
      "a\tb",
    ]);
  });

  test("follows aliases and merges maps behind what a map says itself", () => {
    const text = "a: &a {x: 1, z: 2}\nb:\n  <<: *a\n  z: 3\nc: [*a]\n";
    expect(plain(parseConfigText(text))).toEqual({
      a: { x: 1, z: 2 },
      b: { x: 1, z: 3 },
      c: [{ x: 1, z: 2 }],
    });
  });

  test("reads JSON, blocks of text, and nothing", () => {
    expect(plain(parseConfigText('{"a": [1, {"b": null}],\n\t"c": "d"}'))).toEqual({
      a: [1, { b: null }],
      c: "d",
    });
    expect(plain(parseConfigText("a: |\n  x\n  y\nb: >-\n  x\n  y\n"))).toEqual({
      a: "x\ny\n",
      b: "x y",
    });
    expect(plain(parseConfigText("# nothing\n"))).toBeNull();
  });

  test("keeps the lines of keys", () => {
    const root = parseConfigText("a: 1\n\nb:\n  c: 2\n");
    if (root.kind !== "object") throw new Error("No object");
    expect(root.entries.get("b")?.line).toBe(3);
  });

  test("stops at aliases that grow without end, and at ones that contain themselves", () => {
    const levels = "abcdefghij".split("");
    const bomb = levels.map((name, at) => {
      const inner = at === 0 ? "x" : `*${levels[at - 1]}`;
      return `${name}: &${name} [${Array.from({ length: 9 }, () => inner).join(", ")}]\n`;
    });
    expect(problemOf(bomb.join("")).message).toContain("document contains excessive aliasing");
    expect(problemOf("a: &a {b: *a}\n").message).toContain("anchor 'a' value contains itself");
    expect(problemOf(`${"[".repeat(200)}${"]".repeat(200)}`).message).toContain("excessive");
  });

  test("says on which line a mistake is and what to do", () => {
    expect(problemOf("a: 1\nb: c: d\n")).toMatchObject({
      line: 2,
      message:
        "error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context",
      advice: expect.stringContaining("quotes") as string,
    });
  });
});

describe("any text", () => {
  /** Pieces of documents, put together in any order. */
  const piece = fc.constantFrom(
    ...["a", "name", ": ", ":", "\n", "\n  ", "\t", "- ", "[", "]", "{", "}", ", ", '"', "'", "#"],
    ...[
      "&x ",
      "*x",
      "<<",
      "| ",
      "> ",
      "? ",
      "---\n",
      "...\n",
      "!!str ",
      "%YAML 1.2\n",
      "~",
      "0x",
      "1e9",
    ],
    ...["\\", "\u0000", "\ud800", "é", "client-transport-security", "log-outputs", "true"],
  );
  const documents = fc.oneof(
    fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join("")),
    fc.string({ unit: "binary", maxLength: 200 }),
  );

  test("is a tree or a mistake, and a configuration or a mistake", () => {
    fc.assert(
      fc.property(documents, (text) => {
        let root: FileNode;
        try {
          root = parseConfigText(text);
        } catch (error) {
          if (!(error instanceof ConfigFileError)) throw error;
          expect(error.message).toMatch(/^error converting YAML to JSON: yaml: /);
          return;
        }
        const outcome = applyConfigFile(root, initialFlagValues());
        expect(typeof outcome).toBe("object");
      }),
      { numRuns: 2000 },
    );
  });
});

describe("readConfigFile()", () => {
  test("refuses files that are too large, are not text, or are not there", () => {
    const file = path.join(FOLDER, "a.yml");
    fs.writeFileSync(file, `a: ${"x".repeat(CONFIG_FILE_BYTES_MAX)}`);
    expect(readConfigFile(file)).toMatchObject({
      message: expect.stringContaining("larger") as string,
    });
    fs.writeFileSync(file, Uint8Array.of(0x61, 0x3a, 0x20, 0xff));
    expect(readConfigFile(file)).toBeInstanceOf(ConfigFileError);
    expect(readConfigFile(path.join(FOLDER, "none"))).toMatchObject({
      message: `open ${path.join(FOLDER, "none")}: no such file or directory`,
    });
  });
});
