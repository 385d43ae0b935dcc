#!/usr/bin/env node
/**
 * `npm run sim`: compiles the simulator together with what it simulates, and runs it with the arguments
 * given; see docs/internals/simulation.md. It is plain compiled code, not that of the test runner, because
 * it is run for hours.
 */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { binary, ensureDependencies, ROOT, runProgram } from "./project.mjs";

ensureDependencies();
const code = runProgram(binary("tsc"), ["-p", "sim/tsconfig.json"]);
if (code !== 0) process.exit(code);
await import(pathToFileURL(path.join(ROOT, ".sim", "sim", "main.js")).href);
