#!/usr/bin/env node
/**
 * Makes the programs that are installed: for each one a file with everything that it runs on
 * (`dist/bin/NAME.program.cjs`) and its launcher (`dist/bin/NAME.cjs`), which is what `bin` of package.json
 * names. And the libraries that `exports` names, in dist/lib/: a few files in place of hundreds, which are loaded in a
 * quarter of the time; what they have in common is in files of its own, so that a class is the same in all of them.
 * Files that would not change are left alone, so that what was compiled of them stays valid.
 */
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import esbuild from "esbuild";
import { ROOT } from "./project.mjs";

const PROGRAMS = ["etcd", "etcdctl", "etcdutl", "etcd-benchmark"];
const OUTPUT = path.join(ROOT, "dist", "bin");

/** The parameters that launcher.ts gives. */
const PROGRAM_START = `(function (exports, require, module, __filename, __dirname, codeKeeper) {
"use strict";
const bundleUrl = require("node:url").pathToFileURL(__filename).href;
function builtin(name, properties) {
  let loaded;
  const lazy = {};
  for (const key of properties) {
    const get = key === "default" ? () => (loaded ??= require(name)) : () => (loaded ??= require(name))[key];
    Object.defineProperty(lazy, key, { get });
  }
  return lazy;
}`;

/** What the bundler makes of an import of a module of Node's: it is loaded at once, and its properties are copied. */
const BUILTIN_IMPORT =
  /\b(\w+) = (?:__toESM\(require\("(node:[a-z0-9_/]+)"\)(?:, 1)?\)|require\("(node:[a-z0-9_/]+)"\)(?=;))/g;

/** Modules of Node's are loaded when something of theirs is first used: most runs need few of those that are imported. */
function loadBuiltinsWhenUsed(/** @type {string} */ program) {
  /** The properties of each variable that are named somewhere. @type {Map<string, Set<string>>} */
  const used = new Map(
    Array.from(program.matchAll(BUILTIN_IMPORT), ([, name]) => [name, new Set()]),
  );
  for (const [, variable, property] of program.matchAll(/\b(\w+)\.(\w+)/g)) {
    used.get(variable)?.add(property);
  }
  for (const [use, variable, other] of program.matchAll(/[(=] *(\w+) *[,);]|, *(\w+) *\)/g)) {
    if (!used.has(variable ?? other)) continue;
    throw new Error(`Cannot load a module of Node's when it is used: it is handed on in "${use}"`);
  }
  return program.replace(BUILTIN_IMPORT, (_, variable, copied, named) => {
    const properties = JSON.stringify([...(used.get(variable) ?? [])]);
    return `${variable} = builtin("${copied ?? named}", ${properties})`;
  });
}

const PROGRAM_END = "})";

/** @type {import("esbuild").BuildOptions} */
const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  write: false,
  platform: "node",
  target: "node20",
  format: "cjs",
  // Runtime dependencies stay what npm installs; what is imported when it is needed is evaluated then.
  packages: "external",
  supported: { "dynamic-import": false },
  charset: "ascii",
  legalComments: "none",
  logLevel: "warning",
};

/** Entries of the package, by the names of their files. */
const LIBRARIES = {
  embed: "src/embed/index.ts",
  client: "src/node-client/index.ts",
  bolt: "src/node-bolt/index.ts",
  raft: "src/raft/index.ts",
};

/** @type {import("esbuild").BuildOptions} */
const LIBRARY_OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  splitting: true,
  write: false,
  platform: "node",
  target: "node20",
  format: "esm",
  packages: "external",
  entryPoints: LIBRARIES,
  outdir: path.join("dist", "lib"),
  legalComments: "none",
  logLevel: "warning",
};

/** The one file of a program, as an expression whose value is a function. */
async function programText(/** @type {string} */ name) {
  const { outputFiles } = await esbuild.build({
    ...OPTIONS,
    entryPoints: [`src/cmd/${name}.ts`],
    // Files of the package are found from where the compiler's output is, two folders up from here.
    define: { "import.meta.url": "bundleUrl" },
    banner: { js: PROGRAM_START },
    footer: { js: PROGRAM_END },
  });
  return loadBuiltinsWhenUsed(onlyText(outputFiles).replace(/^#!.*\n/, ""));
}

async function launcherText(/** @type {string} */ name, /** @type {string} */ program) {
  const { outputFiles } = await esbuild.build({
    ...OPTIONS,
    entryPoints: ["src/cmd/launch/launcher.ts"],
    // It says so itself when Node is too old for the program.
    target: "node12",
    minifySyntax: true,
    minifyWhitespace: true,
    define: {
      PROGRAM_NAME: JSON.stringify(name),
      PROGRAM_VERSION: JSON.stringify(readVersion()),
      PROGRAM_HASH: JSON.stringify(crypto.createHash("sha256").update(program).digest("hex")),
    },
  });
  return `#!/usr/bin/env node\n${onlyText(outputFiles)}`;
}

/** @param {import("esbuild").OutputFile[] | undefined} files */
function onlyText(files) {
  if (files?.length !== 1) throw new Error("Cannot go on: expected one file of the bundler");
  return files[0].text;
}

/** @returns {string} */
function readVersion() {
  return JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")).version;
}

function writeIfOther(/** @type {string} */ file, /** @type {string} */ text, mode = 0o644) {
  if (fs.existsSync(file) && fs.readFileSync(file, "utf8") === text) return;
  const temporary = `${file}.${process.pid}`;
  fs.writeFileSync(temporary, text, { mode });
  fs.renameSync(temporary, file);
}

/** Writes the libraries, and removes files of earlier ones. */
async function writeLibraries() {
  const folder = path.join(ROOT, "dist", "lib");
  const { outputFiles = [] } = await esbuild.build(LIBRARY_OPTIONS);
  fs.mkdirSync(folder, { recursive: true });
  for (const { path: file, text } of outputFiles) writeIfOther(file, text);
  const written = new Set(outputFiles.map((file) => path.basename(file.path)));
  for (const name of fs.readdirSync(folder)) {
    if (name.endsWith(".js") && !written.has(name)) fs.rmSync(path.join(folder, name));
  }
}

async function main() {
  await writeLibraries();
  fs.mkdirSync(OUTPUT, { recursive: true });
  for (const name of PROGRAMS) {
    const program = await programText(name);
    writeIfOther(path.join(OUTPUT, `${name}.program.cjs`), program);
    writeIfOther(path.join(OUTPUT, `${name}.cjs`), await launcherText(name, program), 0o755);
  }
}

await main();
