#!/usr/bin/env node
/**
 * What `npm pack` does first: installs and builds what is missing, and removes what earlier builds have left of sources
 * that are gone. On a fresh clone, too.
 */
import fs from "node:fs";
import path from "node:path";
import { ensureBuild, ensureDependencies, ROOT } from "./project.mjs";

ensureDependencies();
ensureBuild();
removeLeftovers("");

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
