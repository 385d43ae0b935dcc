#!/usr/bin/env node
/**
 * `npm run build`: everything in dist/, from a fresh clone or from what is there. `--clean` (`npm run clean`) removes it,
 * with the code that programs have kept beside themselves.
 */
import fs from "node:fs";
import path from "node:path";
import { ensureBuild, ensureDependencies, ROOT } from "./project.mjs";

if (process.argv.includes("--clean")) {
  fs.rmSync(path.join(ROOT, "dist"), { recursive: true, force: true });
} else {
  ensureDependencies();
  ensureBuild();
}
