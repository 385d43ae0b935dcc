#!/usr/bin/env node
/**
 * The rules of this repository that no linter knows. Prints one line per finding, `file:line: what to do`,
 * and fails when there is one. `--write` renews the index of differences in docs/compatibility.md.
 *
 * Rules: words that are banned, with what to do instead; nothing that waits, tells the time or draws lots in
 * pure folders; every `Differs from etcd:` listed in docs/compatibility.md; a document in docs/format for
 * every folder that owns a format; a decision in docs/adr for every runtime dependency.
 */
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "./project.mjs";

/** @typedef {{ file: string, line: number, message: string }} Finding */
/** @typedef {{ readonly file: string, readonly text: string }} Source */

/** Folders in which everything is a function of its inputs. */
const PURE_FOLDERS = [
  "stdx",
  "ports",
  "errors",
  "wire",
  "tls",
  "http2",
  "raft",
  "mvcc",
  "lease",
  "auth",
  "membership",
  "apply",
  "member",
];

/** Folders whose bytes others read, and the document that draws them. */
const FORMATS = new Map([
  ["src/wal", "docs/format/wal.md"],
  ["src/bolt", "docs/format/bolt.md"],
  ["src/backend", "docs/format/backend.md"],
]);

/** @type {{ pattern: RegExp, instead: string, files?: RegExp }[]} */
const BANNED = [
  { pattern: /\b(?:TODO|FIXME|XXX)\b/, instead: "do it, or name what is missing in the documents" },
  { pattern: /\bfor now\b/i, instead: "say what is so, and why" },
  { pattern: /\bissues? #?\d+/i, instead: "say the reason itself" },
  {
    pattern: /\b(?:npmjs|deb\.debian|snapshot\.debian|pypi|crates)\.(?:org|com|io)\b/i,
    instead: "name no registry",
  },
  { pattern: /(?<![\w.~*])\/(?:work|home|root|shared)\//, instead: "name no path of a machine" },
  {
    pattern:
      /(?:oxlint|eslint|biome|prettier)-(?:disable|ignore)|@ts-(?:ignore|nocheck|expect-error)/,
    instead: "mend what the tool found",
  },
  {
    pattern: /\b(?:describe|test|it)\.(?:only|todo|fails)\b/,
    instead: "every test runs as it is",
    files: /\.test\.ts$/,
  },
];

/** What pure folders do without, and what they use instead. */
const IMPURE = [
  { pattern: /\b(?:async|await|Promise)\b/, instead: "pure folders are synchronous" },
  { pattern: /\bDate\b/, instead: "take the time as an argument" },
  { pattern: /\bMath\.random\b/, instead: "take the port Random" },
];

const SKIPPED_FOLDERS = new Set([
  "node_modules",
  "dist",
  "coverage",
  ".git",
  ".etcd-reference",
  ".bench",
  ".sim",
]);
const TEXT_FILE =
  /(?:\.(?:ts|mjs|js|json|md|proto|sh|yml|txt)|\/(?:run|NOTICE|\.npmrc|\.gitignore))$/;

/** Files that name what they ban, or are not ours to word. */
const EXEMPT = /^(?:package-lock\.json|tools\/tidy(?:\.test)?\.\w+)$/;

const COMPATIBILITY = "docs/compatibility.md";
const INDEX_START = "<!-- differences: written by `npm run tidy -- --write` -->";
const INDEX_END = "<!-- end of differences -->";

/** Every text file of the repository, in order. @returns {Source[]} */
function readSources(folder = ROOT) {
  /** @type {Source[]} */
  const sources = [];
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED_FOLDERS.has(entry.name) && !entry.name.endsWith(".etcd"))
        sources.push(...readSources(full));
    } else if (TEXT_FILE.test(full)) {
      sources.push({ file: path.relative(ROOT, full), text: fs.readFileSync(full, "utf8") });
    }
  }
  return sources.sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** Lines of `text` that match, from 1. */
function* linesMatching(/** @type {string} */ text, /** @type {RegExp} */ pattern) {
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) if (pattern.test(lines[at])) yield at + 1;
}

/** `text` without its comments and the insides of its strings; lines keep their numbers. */
export function codeOf(/** @type {string} */ text) {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g;
  return text.replace(token, (match) => match.replace(/[^\n]/g, " "));
}

/** Words that nobody should read here. @returns {Finding[]} */
export function bannedWords(/** @type {Source} */ { file, text }) {
  if (EXEMPT.test(file)) return [];
  return BANNED.filter(({ files }) => files?.test(file) ?? true).flatMap(({ pattern, instead }) =>
    [...linesMatching(text, pattern)].map((line) => ({
      file,
      line,
      message: `${pattern.exec(text.split("\n")[line - 1])?.[0]}: ${instead}`,
    })),
  );
}

/** Waiting, time and chance in pure folders. @returns {Finding[]} */
export function impurities(/** @type {Source} */ { file, text }) {
  const isPure = PURE_FOLDERS.some((folder) => file.startsWith(`src/${folder}/`));
  if (!isPure || !file.endsWith(".ts") || file.endsWith(".test.ts")) return [];
  const code = codeOf(text);
  return IMPURE.flatMap(({ pattern, instead }) =>
    [...linesMatching(code, pattern)].map((line) => ({
      file,
      line,
      message: `${pattern.exec(code.split("\n")[line - 1])?.[0]}: ${instead}`,
    })),
  );
}

/** The deliberate deviations that comments in `source` declare: each one a sentence or more, up to the end of its paragraph. */
export function differencesOf(/** @type {Source} */ { file, text }) {
  if (!file.startsWith("src/") || file.endsWith(".test.ts")) return [];
  const paragraphs =
    /Differs from etcd: ([\s\S]*?)(?=\*\/|\n\s*(?:\*|\/\/)?\s*\n|\n\s*(?:[^\s*/]|\*\s*\d))/g;
  return [...text.matchAll(paragraphs)].map((match) => {
    const words = match[1]
      .replace(/\n\s*(?:\*|\/\/)\s?/g, " ")
      .replace(/\s+/g, " ")
      .trim();
    return `- \`${file}\`: ${words}`;
  });
}

/** The index of all differences as it stands in the document. */
function differencesIndex(/** @type {Source[]} */ sources) {
  return [INDEX_START, "", ...sources.flatMap(differencesOf), "", INDEX_END].join("\n");
}

/** @returns {Finding[]} */
function staleIndex(/** @type {Source[]} */ sources) {
  const text = sources.find(({ file }) => file === COMPATIBILITY)?.text ?? "";
  if (text.includes(differencesIndex(sources))) return [];
  const message = "the index of differences is stale: npm run tidy -- --write";
  return [{ file: COMPATIBILITY, line: 1, message }];
}

function writeIndex(/** @type {Source[]} */ sources) {
  const file = path.join(ROOT, COMPATIBILITY);
  const text = fs.readFileSync(file, "utf8");
  const start = text.indexOf(INDEX_START);
  const end = text.indexOf(INDEX_END);
  if (start < 0 || end < start) throw new Error(`Cannot find the index in ${COMPATIBILITY}`);
  const after = text.slice(end + INDEX_END.length);
  fs.writeFileSync(file, text.slice(0, start) + differencesIndex(sources) + after);
}

/** @returns {Finding[]} */
export function missingFormats(/** @type {readonly Source[]} */ sources) {
  const files = new Set(sources.map(({ file }) => file));
  return [...FORMATS]
    .filter(([folder]) =>
      sources.some(({ file }) => file.startsWith(`${folder}/`) && file.endsWith(".ts")),
    )
    .filter(([, document]) => !files.has(document))
    .map(([folder, document]) => ({
      file: document,
      line: 1,
      message: `draw the bytes of ${folder}`,
    }));
}

/** @returns {Finding[]} */
export function undecidedDependencies(/** @type {readonly Source[]} */ sources) {
  const manifest = sources.find(({ file }) => file === "package.json")?.text ?? "{}";
  const decisions = sources
    .filter(({ file }) => file.startsWith("docs/adr/"))
    .map(({ text }) => text);
  return Object.keys(JSON.parse(manifest).dependencies ?? {})
    .filter((name) => !decisions.some((text) => text.includes(`\`${name}\``)))
    .map((name) => ({
      file: "package.json",
      line: 1,
      message: `${name}: decide on it in docs/adr`,
    }));
}

/**
 * Packages for other platforms that a lockfile forgot: npm drops them where a registry does not have them,
 * and then refuses the lockfile everywhere (`npm ci`).
 * @returns {Finding[]}
 */
export function forgottenPackages(/** @type {readonly Source[]} */ sources) {
  const file = "package-lock.json";
  const text = sources.find((source) => source.file === file)?.text ?? '{"packages":{}}';
  /** @type {Record<string, { optionalDependencies?: Record<string, string> }>} */
  const packages = JSON.parse(text).packages;
  const there = new Set(Object.keys(packages).map((key) => key.split("node_modules/").at(-1)));
  return Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !there.has(name))
    .map((name) => ({
      file,
      line: 1,
      message: `${name}: give it an entry with version, os and cpu`,
    }));
}

/** All findings in the repository. @returns {Finding[]} */
export function tidy(sources = readSources()) {
  return [
    ...sources.flatMap(bannedWords),
    ...sources.flatMap(impurities),
    ...staleIndex(sources),
    ...missingFormats(sources),
    ...undecidedDependencies(sources),
    ...forgottenPackages(sources),
  ];
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes("--write")) writeIndex(readSources());
  const findings = tidy();
  for (const { file, line, message } of findings) console.log(`${file}:${line}: ${message}`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
