#!/usr/bin/env node
/**
 * `npm start`: installs and builds what is missing, then runs one member in this process, with the arguments
 * and the environment given. On a terminal the member itself says what to type next.
 */
import { createRequire } from "node:module";
import path from "node:path";
import { ensureBuild, ensureDependencies, ROOT } from "./project.mjs";

ensureDependencies();
ensureBuild();
const program = path.join(ROOT, "dist", "bin", "etcd.cjs");
process.argv[1] = program;
createRequire(import.meta.url)(program);
