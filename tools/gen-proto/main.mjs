// @ts-check
/**
 * Generates src/wire/gen/*.ts from proto/*.proto.
 *
 *   node tools/gen-proto/main.mjs            writes the files
 *   node tools/gen-proto/main.mjs --check    exits 1 if a committed file is not what would be written
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { emitDescriptors } from "./emit-descriptors.mjs";
import { emitModule } from "./emit-module.mjs";
import { emitServices } from "./emit-services.mjs";
import { readSchema } from "./schema.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SOURCE = join(ROOT, "proto");
const TARGET = join(ROOT, "src/wire/gen");

/** @returns {Map<string, string>} file name to text */
function generate() {
  const schema = readSchema(SOURCE);
  const files = new Map();
  for (const module of schema.modules) files.set(`${module}.ts`, emitModule(schema, module));
  files.set("descriptors.ts", emitDescriptors(schema));
  files.set("services.ts", emitServices(schema));
  return files;
}

/**
 * @param {Map<string, string>} files
 * @returns {string[]} names of files that are missing, different, or should not be there
 */
function staleFiles(files) {
  const present = existsSync(TARGET) ? readdirSync(TARGET) : [];
  const different = [...files].filter(([name, text]) => {
    const path = join(TARGET, name);
    return !existsSync(path) || readFileSync(path, "utf8") !== text;
  });
  return [...different.map(([name]) => name), ...present.filter((name) => !files.has(name))];
}

/** @param {string[]} args */
function main(args) {
  const files = generate();
  const stale = staleFiles(files);
  if (args.includes("--check")) {
    if (stale.length === 0) return 0;
    console.error(`src/wire/gen is stale (${stale.join(", ")}): run node tools/gen-proto/main.mjs`);
    return 1;
  }
  mkdirSync(TARGET, { recursive: true });
  for (const name of stale) {
    const text = files.get(name);
    if (text === undefined) rmSync(join(TARGET, name));
    else writeFileSync(join(TARGET, name), text);
  }
  console.log(`src/wire/gen: ${files.size} files, ${stale.length} changed`);
  return 0;
}

process.exitCode = main(process.argv.slice(2));
