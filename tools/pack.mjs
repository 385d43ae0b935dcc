#!/usr/bin/env node
/**
 * What `npm pack` does first: installs and builds what is missing, removes what earlier builds have left of sources
 * that are gone, and leaves out what nothing in the package uses. On a fresh clone, too.
 */
import fs from "node:fs";
import path from "node:path";
import { reachableFiles } from "./package/reach.mjs";
import { ensureBuild, ensureDependencies, ROOT } from "./project.mjs";

ensureDependencies();
ensureBuild();
removeLeftovers("");
leaveOutUnused();

/** Removes outputs below the folder `name` of dist/ that belong to a folder of src/, but to no source of it. */
function removeLeftovers(/** @type {string} */ name) {
  const outputs = path.join(ROOT, "dist", name);
  for (const entry of fs.readdirSync(outputs, { withFileTypes: true })) {
    const inner = path.join(name, entry.name);
    if (entry.isDirectory()) {
      if (fs.existsSync(path.join(ROOT, "src", inner))) removeLeftovers(inner);
      else if (name !== "") fs.rmSync(path.join(outputs, entry.name), { recursive: true });
    } else if (name !== "" && !hasSource(inner)) {
      fs.rmSync(path.join(outputs, entry.name));
    }
  }
}

function hasSource(/** @type {string} */ output) {
  return fs.existsSync(path.join(ROOT, "src", output.replace(/(?:\.d\.ts|\.js)$/, ".ts")));
}

/**
 * Tells npm what it need not pack: the compiler writes a file for every source, but programs are one file each, and
 * most types are nobody's outside.
 */
function leaveOutUnused() {
  const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8"));
  const { files } = reachableFiles(ROOT, manifest);
  const folder = path.join(ROOT, "dist");
  const unused = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => /\.(?:c?js|d\.ts)$/.test(entry.name))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .filter((name) => !files.has(`dist/${name}`));
  const list = path.join(folder, ".npmignore");
  fs.writeFileSync(`${list}.${process.pid}`, unused.map((name) => `/${name}\n`).join(""));
  fs.renameSync(`${list}.${process.pid}`, list);
}
