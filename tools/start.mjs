#!/usr/bin/env node
/**
 * `npm start`: installs and builds what is missing, then runs one member in this process, with the arguments
 * and the environment given. On a terminal the member itself says what to type next.
 */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuild, ensureDependencies, ROOT } from "./project.mjs";

ensureDependencies();
ensureBuild();
const program = path.join(ROOT, "dist", "cmd", "etcd.js");
process.argv[1] = program;
await import(pathToFileURL(program).href);
