/** The oldest Node.js is the same wherever it is named, and what is bundled runs on it. */
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "../project.mjs";

function read(/** @type {string} */ file) {
  return fs.readFileSync(path.join(ROOT, file), "utf8");
}

/** @returns {[number, number] | undefined} major and minor version */
function oldestOf(/** @type {string} */ range) {
  const found = /^>=\s*(\d+)(?:\.(\d+))?/.exec(range);
  return found === null ? undefined : [Number(found[1]), Number(found[2] ?? 0)];
}

/** Statements about versions that contradict `engines` of package.json. */
export function findEngines() {
  const manifest = JSON.parse(read("package.json"));
  const oldest = oldestOf(manifest.engines.node);
  if (oldest === undefined)
    return [`engines.node is not a least version: ${manifest.engines.node}`];
  const [major, minor] = oldest;
  /** @type {[string, string][]} */
  const statements = [
    ["README.md", `Node.js ${major}.${minor} or later`],
    ["src/cmd/launch/refuse-old-node.ts", `OLDEST = [${major}, ${minor}]`],
    ["package.json", `"@types/node": "${major}.`],
  ];
  const wrong = statements
    .filter(([file, words]) => !read(file).includes(words))
    .map(([file, words]) => `${file} does not say "${words}"`);
  const newer = Object.keys(manifest.dependencies).filter((name) => {
    const range = JSON.parse(read(`node_modules/${name}/package.json`)).engines?.node;
    const [otherMajor, otherMinor] = (range && oldestOf(range)) ?? [0, 0];
    return otherMajor > major || (otherMajor === major && otherMinor > minor);
  });
  return [...wrong, ...newer.map((name) => `${name} needs a newer Node.js than engines.node says`)];
}
