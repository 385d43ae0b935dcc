/**
 * Starts a program of this package: reads its bundle beside this file, and has V8 run it, with the code that
 * V8 compiled for it in earlier runs if there is any. The build makes one launcher for each program
 * (tools/bundle.mjs); nothing else of the project is in it, because it is itself compiled at every start.
 *
 * docs/adr/0038-start-of-the-programs.md says why.
 */
import "./refuse-old-node.ts";
import type { Buffer } from "node:buffer";
import { codeFileParts, type KeptCode, readCode } from "./code-file.ts";
import { type CodePlace, codePlaces, readTrusted, writeTrusted } from "./code-places.ts";
import type { CodeKeeper } from "./remember-code.ts";

/** Written in by the build: the program's name and version, and the SHA-256 of its bundle. */
declare const PROGRAM_NAME: string;
declare const PROGRAM_VERSION: string;
declare const PROGRAM_HASH: string;

/** The bundle of a program is an expression: this function. */
type Program = (
  exports: object,
  require: NodeJS.Require,
  module: object,
  __filename: string,
  __dirname: string,
  codeKeeper: CodeKeeper,
) => void;

const fs = process.getBuiltinModule("node:fs");
const { Script } = process.getBuiltinModule("node:vm");

const file = `${__dirname}/${PROGRAM_NAME}.program.cjs`;
const places = isKeeping() ? codePlaces(__dirname, fs.statSync(file).uid, process.env) : [];
const name = `${PROGRAM_NAME}-${PROGRAM_VERSION}-${process.version}-${process.arch}`;
const key = places.length === 0 ? "" : codeKey();
const kept = findCode();
const script = compile(kept?.data);
/** What V8 refused (other flags) is left to the runs that it is for. */
const isRefused = kept !== undefined && script.cachedDataRejected === true;
const kinds = new Set(kept?.kinds);

const run = script.runInThisContext() as Program;
run({}, require, { exports: {} }, file, __dirname, { remember });

/** Node's own switch for its caches of compiled code turns ours off as well. */
function isKeeping(): boolean {
  return (process.env["NODE_DISABLE_COMPILE_CACHE"] ?? "") === "";
}

/** Everything that must be the same for compiled code to be the code of this program on this Node. */
function codeKey(): string {
  const program = fs.statSync(file);
  const node = fs.statSync(process.execPath);
  return [
    PROGRAM_HASH,
    `${program.size}/${program.mtimeMs}`,
    `${process.version}/${process.versions.v8}/${process.platform}/${process.arch}`,
    `${node.size}/${node.mtimeMs}`,
  ].join(" ");
}

function findCode(): KeptCode | undefined {
  for (const place of places) {
    const content = readTrusted(place, name);
    const code = content === undefined ? undefined : readCode(content, key);
    if (code !== undefined) return code;
  }
  return undefined;
}

/** The bundle is ASCII: reading it as Latin-1 is a copy. */
function compile(cachedData: Buffer | undefined): InstanceType<typeof Script> {
  const source = fs.readFileSync(file, "latin1");
  return new Script(source, { filename: file, ...(cachedData && { cachedData }) });
}

function remember(work: string, when: "at exit" | "now"): void {
  // Code that was compiled under special flags is for nobody else.
  const isSpecial = process.execArgv.length > 0 || (process.env["NODE_OPTIONS"] ?? "") !== "";
  if (places.length === 0 || isRefused || isSpecial || kinds.has(work)) return;
  kinds.add(work);
  if (when === "now") keep();
  else process.once("exit", keep);
}

function keep(): void {
  const parts = codeFileParts(key, { kinds: [...kinds], data: script.createCachedData() });
  if (parts !== undefined) writeTrusted(places satisfies CodePlace[], name, parts);
}
