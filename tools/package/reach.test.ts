import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reachableFiles } from "./reach.mjs";

const FILES = {
  "dist/index.js":
    'import { a } from "./a.js";\nimport bcryptjs from "bcryptjs";\nimport fs from "node:fs";',
  "dist/index.d.ts": 'export type { A } from "./a.ts";',
  "dist/a.js": 'new URL("./worker.js", import.meta.url);\nawait import("./gone.js");',
  "dist/a.d.ts": 'export type A = import("./b.ts").B;',
  "dist/b.d.ts": "export type B = string;",
  "dist/b.js": "",
  "dist/worker.js": 'import { x } from "@scope/name/inner";',
  "dist/bin/tool.cjs": "",
  "dist/bin/tool.program.cjs": 'require("yaml"); new URL("../worker.js", url);',
};

let folder = "";

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "reach-test-"));
  for (const [name, text] of Object.entries(FILES)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
});

afterAll(() => fs.rmSync(folder, { recursive: true }));

test("what exports and programs use is reached, and nothing else", () => {
  const { files, missing, packages } = reachableFiles(folder, {
    exports: {
      ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
      "./package.json": "./package.json",
    },
    bin: { tool: "dist/bin/tool.cjs", alias: "dist/bin/tool.cjs" },
  });
  expect(Object.keys(FILES).filter((name) => !files.has(name))).toEqual(["dist/b.js"]);
  expect(missing).toEqual([{ file: "dist/gone.js", from: "dist/a.js" }]);
  expect([...packages].sort()).toEqual(["@scope/name", "bcryptjs", "yaml"]);
});
